//! From an archive to a [`RunView`]: all counting happens here.

use std::collections::{BTreeMap, BTreeSet};

use archsmith_archive::record::SEED_PREFIX;
use archsmith_archive::{CandidateRecord, Event, Guidance, Origin, SeedRecord, Stage, Store, TimedEvent, Verdict};
use serde_json::Value;

use crate::ReportError;
use crate::foresight::foresight;
use crate::front::front;
use crate::noise::noise;
use crate::seeds::seed_set;
use crate::stats::{Share, mean, quantile};
use crate::view::{
    Ancestor, BEST, BestView, CandidateView, Context, CycleView, Difference, DifferenceView, FunnelStage, FunnelStep,
    Reason, Relative, RunInfo, RunView, Seconds, SftView, Spread, Totals, Written,
};

/// Reasons shown for a stage.
const REASONS: usize = 4;
/// Characters of an example message.
const EXAMPLE: usize = 200;
/// Generations and networks of a lineage that are shown.
const LINEAGE: (u32, usize) = (4, 24);

impl RunView {
    /// Computes all figures of a run from its archive, finished or not.
    ///
    /// # Errors
    /// [`ReportError::Store`] where the archive can't be read.
    pub fn load(store: &Store, context: Context) -> Result<RunView, ReportError> {
        let records = store.candidates()?;
        let cycle_records = store.cycles()?;
        let seeds = store.seeds()?;
        let run = store.run()?;
        let names = Names::new(&records, &seeds);

        let numbers: BTreeSet<u32> =
            records.iter().map(|record| record.cycle).chain(cycle_records.iter().map(|record| record.cycle)).collect();
        let cycles: Vec<CycleView> = numbers
            .into_iter()
            .map(|cycle| {
                let of_cycle: Vec<_> = records.iter().filter(|record| record.cycle == cycle).collect();
                let end = cycle_records.iter().find(|record| record.cycle == cycle);
                cycle_view(cycle, &of_cycle, &names, end, context.threshold)
            })
            .collect();

        let topped_up: BTreeSet<&str> =
            cycle_records.iter().flat_map(|cycle| cycle.topped_up.iter().map(String::as_str)).collect();
        let mut differences = context.differences;
        let candidates: Vec<CandidateView> = records
            .iter()
            .map(|record| {
                let differences = differences.remove(&record.id).unwrap_or_default();
                candidate_view(record, &names, &topped_up, differences)
            })
            .collect();
        let command = context.command.unwrap_or_else(|| match &run {
            Some(run) => format!("archsmith run --config config.toml --seed {} --out again", run.seed),
            None => "archsmith run --config config.toml --out again".to_owned(),
        });
        let best = best(&candidates, &records, context.drawings, &names);
        let all: Vec<_> = records.iter().collect();
        Ok(RunView {
            facts: context.facts,
            threshold: context.threshold,
            digest: store.digest()?,
            finished: (!context.events.is_empty())
                .then(|| context.events.iter().any(|timed| matches!(timed.event, Event::RunFinished { .. }))),
            wall_seconds: wall_seconds(&context.events),
            totals: totals(&all, &cycles, seeds.len(), context.threshold),
            funnel: funnel(&records),
            cycles,
            best,
            front: front(&candidates),
            noise: noise(&context.retrainings, &candidates),
            seed_set: seed_set(
                &seeds,
                &context.retrainings,
                candidates.iter().find_map(|one| one.epochs),
                context.threshold,
            ),
            foresight: foresight(&candidates, context.threshold),
            candidates,
            command,
            run: run.map(|run| RunInfo {
                run_id: run.run_id,
                version: run.version,
                seed: run.seed,
                created: run.created,
                config: run.config,
            }),
        })
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Seconds that can be added up: neither NaN nor negative.
fn seconds(value: f64) -> f64 {
    finite(value).map_or(0.0, |value| value.max(0.0))
}

fn validation_accuracy(record: &CandidateRecord) -> Option<f64> {
    record.metrics.as_ref().and_then(|metrics| finite(metrics.accuracy_val))
}

/// `2.07`, and `2.07r1` for a first repair.
fn label(record: &CandidateRecord) -> String {
    match record.attempt {
        0 => format!("{}.{:02}", record.cycle, record.index),
        attempt => format!("{}.{:02}r{attempt}", record.cycle, record.index),
    }
}

/// Finds the network behind an id.
struct Names<'a> {
    candidates: BTreeMap<&'a str, &'a CandidateRecord>,
    seeds: BTreeMap<&'a str, &'a SeedRecord>,
}

impl<'a> Names<'a> {
    fn new(records: &'a [CandidateRecord], seeds: &'a [SeedRecord]) -> Names<'a> {
        Names {
            candidates: records.iter().map(|record| (record.id.as_str(), record)).collect(),
            seeds: seeds.iter().map(|seed| (seed.name.as_str(), seed)).collect(),
        }
    }

    fn relative(&self, id: &str) -> Relative {
        if let Some(record) = self.candidates.get(id) {
            return Relative {
                id: id.to_owned(),
                label: label(record),
                is_candidate: true,
                accuracy: validation_accuracy(record),
            };
        }
        let (label, accuracy) = match id.strip_prefix(SEED_PREFIX) {
            Some(name) => (format!("seed {name}"), self.seeds.get(name).and_then(|seed| seed.accuracy)),
            None => (id.to_owned(), None),
        };
        Relative { id: id.to_owned(), label, is_candidate: false, accuracy: accuracy.and_then(finite) }
    }

    fn lineage(&self, record: &CandidateRecord) -> Vec<Ancestor> {
        let mut seen = BTreeSet::from([record.id.clone()]);
        let mut found = Vec::new();
        self.ancestors(record, 1, &mut seen, &mut found);
        found
    }

    fn ancestors(
        &self,
        record: &CandidateRecord,
        generation: u32,
        seen: &mut BTreeSet<String>,
        found: &mut Vec<Ancestor>,
    ) {
        for id in &record.parents {
            if found.len() >= LINEAGE.1 || !seen.insert(id.clone()) {
                continue;
            }
            found.push(Ancestor { network: self.relative(id), generation });
            if generation < LINEAGE.0
                && let Some(parent) = self.candidates.get(id.as_str())
            {
                self.ancestors(parent, generation + 1, seen, found);
            }
        }
    }
}

fn valid(record: &CandidateRecord) -> bool {
    record.verdict.stage().is_valid()
}

fn share(records: &[&CandidateRecord], of: fn(&CandidateRecord) -> bool, are: fn(&CandidateRecord) -> bool) -> Share {
    let of: Vec<_> = records.iter().filter(|record| of(record)).collect();
    Share::of(of.iter().filter(|record| are(record)).count() as u64, of.len() as u64)
}

/// What the model writes on its own: a guided text that the guide never objected to is such a one, and one that it did would
/// not have been valid.
fn raw_valid(records: &[&CandidateRecord]) -> Share {
    let unaided = |record: &CandidateRecord| valid(record) && record.guidance.is_none_or(|g| g.objections == 0);
    share(records, is_first, unaided)
}

fn guided_valid(records: &[&CandidateRecord]) -> Option<Share> {
    Some(share(records, |record| record.origin == Origin::Guided, valid)).filter(|share| share.total > 0)
}

fn repaired_valid(records: &[&CandidateRecord]) -> Share {
    share(records, |record| !is_first(record), valid)
}

/// A text of the model that is no repair.
fn is_first(record: &CandidateRecord) -> bool {
    record.origin != Origin::Repaired
}

/// Trained candidates, and the share of those with an accuracy that reach the threshold.
fn trained(records: &[&CandidateRecord], threshold: f64) -> (u64, Vec<f64>, Share) {
    let trained: Vec<_> = records.iter().filter(|record| record.verdict.stage() == Stage::Trained).collect();
    let accuracies: Vec<f64> = trained.iter().filter_map(|record| validation_accuracy(record)).collect();
    let over = accuracies.iter().filter(|&&accuracy| accuracy >= threshold).count();
    (trained.len() as u64, accuracies.clone(), Share::of(over as u64, accuracies.len() as u64))
}

fn work(records: &[&CandidateRecord]) -> (u64, Seconds) {
    let mut tokens = 0;
    let mut spent = Seconds::default();
    for record in records {
        tokens += u64::from(record.tokens);
        spent.generation += seconds(record.generation_seconds);
        spent.training += record.metrics.as_ref().map_or(0.0, |metrics| seconds(metrics.seconds));
    }
    (tokens, spent)
}

/// See [`Written`].
fn written(records: &[&CandidateRecord], names: &Names<'_>, threshold: f64) -> Written {
    let accuracy = |record: &&CandidateRecord| match &record.verdict {
        Verdict::Duplicate { of, .. } => names.candidates.get(of.as_str()).and_then(|known| validation_accuracy(known)),
        _ => validation_accuracy(record),
    };
    let accuracies: Vec<f64> = records.iter().filter_map(accuracy).collect();
    let over = accuracies.iter().filter(|&&accuracy| accuracy >= threshold).count();
    Written { over_threshold: Share::of(over as u64, accuracies.len() as u64), accuracy: mean(accuracies) }
}

fn cycle_view(
    cycle: u32,
    records: &[&CandidateRecord],
    names: &Names<'_>,
    end: Option<&archsmith_archive::CycleRecord>,
    threshold: f64,
) -> CycleView {
    let (trained, accuracies, over_threshold) = trained(records, threshold);
    let (tokens, mut spent) = work(records);
    let sft = end.and_then(|end| end.sft.as_ref());
    spent.sft = sft.map_or(0.0, |sft| seconds(sft.seconds));
    CycleView {
        cycle,
        complete: end.is_some(),
        raw_valid: raw_valid(records),
        guided_valid: guided_valid(records),
        repaired_valid: repaired_valid(records),
        trained,
        best: accuracies.iter().copied().reduce(f64::max),
        accuracy: mean(accuracies),
        over_threshold,
        written: written(records, names, threshold),
        admitted: records.iter().filter(|record| record.admitted).count() as u64,
        topped_up: end.map_or(0, |end| end.topped_up.len() as u64),
        novelty: spread(records.iter().filter_map(|record| record.novelty)),
        sft: sft.map(|sft| SftView {
            pairs: sft.pairs,
            steps: sft.steps,
            loss_before: finite(sft.loss_before),
            loss_after: finite(sft.loss_after),
        }),
        tokens,
        seconds: spent,
    }
}

pub(crate) fn spread(values: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    Some(Spread {
        count: values.len(),
        min: *values.first()?,
        quarter: quantile(&values, 0.25)?,
        median: quantile(&values, 0.5)?,
        three_quarters: quantile(&values, 0.75)?,
        max: *values.last()?,
    })
}

fn totals(records: &[&CandidateRecord], cycles: &[CycleView], seeds: usize, threshold: f64) -> Totals {
    let (trained, accuracies, over_threshold) = trained(records, threshold);
    let (tokens, mut spent) = work(records);
    spent.sft = cycles.iter().map(|cycle| cycle.seconds.sft).sum();
    let raw = records.iter().filter(|record| is_first(record)).count() as u64;
    let mut guidance = Guidance::default();
    for g in records.iter().filter_map(|record| record.guidance) {
        // A run has one guide.
        guidance.by = g.by;
        guidance.objections = guidance.objections.saturating_add(g.objections);
        guidance.taken_back = guidance.taken_back.saturating_add(g.taken_back);
    }
    let valid_in_the_end: BTreeSet<(u32, u32)> = records
        .iter()
        .filter(|record| record.verdict.stage().is_valid())
        .map(|record| (record.cycle, record.index))
        .collect();
    let epochs: BTreeSet<u32> =
        records.iter().filter_map(|record| record.metrics.as_ref()).map(|metrics| metrics.epochs).collect();
    Totals {
        raw,
        repaired: records.len() as u64 - raw,
        raw_valid: raw_valid(records),
        guided_valid: guided_valid(records),
        guidance,
        repaired_valid: repaired_valid(records),
        valid_in_the_end: Share::of(valid_in_the_end.len() as u64, raw),
        trained,
        unmeasured: trained - accuracies.len() as u64,
        over_threshold,
        admitted: records.iter().filter(|record| record.admitted).count() as u64,
        topped_up: cycles.iter().map(|cycle| cycle.topped_up).sum(),
        epochs: if epochs.len() == 1 { epochs.first().copied() } else { None },
        seeds,
        tokens,
        seconds: spent,
    }
}

/// The name of a stage for a reader, and what it means to come no further.
fn in_words(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Unparsed => ("Readable", "the text is not a Python file that can be read."),
        Stage::Contract => ("Contract met", "no class Net, or a method is missing or has the wrong form."),
        Stage::Unsupported => ("Known operators", "it uses something that Archsmith's compiler does not know."),
        Stage::IllTyped => ("Shapes fit", "shapes or types do not fit together: PyTorch would refuse it too."),
        Stage::OverBudget => ("Within budget", "the network is larger than the budget allows."),
        Stage::Duplicate => ("Not a duplicate", "a near-duplicate of a network that is already there."),
        Stage::Pruned => ("Promising", "a policy of the run gave it up before it was trained to the end."),
        Stage::Crashed => ("Training ran", "training ended without a result."),
        Stage::Diverged => ("Loss stayed finite", "the training loss became infinite or not a number."),
        Stage::TimedOut => ("In time", "training took longer than its limit."),
        Stage::Trained => ("Trained", "Trained to the end and measured."),
    }
}

fn funnel(records: &[CandidateRecord]) -> Vec<FunnelStage> {
    let count = |first: bool, stage: Stage| {
        records.iter().filter(|record| is_first(record) == first && record.verdict.stage() == stage).count() as u64
    };
    let beyond = |first: bool, stage: Stage| {
        records.iter().filter(|record| is_first(record) == first && record.verdict.stage() > stage).count() as u64
    };
    Stage::ALL
        .into_iter()
        .map(|stage| {
            let step = |first| {
                let stopped = count(first, stage);
                FunnelStep { stopped, left: if stage == Stage::Trained { stopped } else { beyond(first, stage) } }
            };
            let mut reasons = if stage == Stage::Trained { Vec::new() } else { reasons(records, stage) };
            let shown = reasons.len().min(REASONS);
            let other_reasons = reasons.drain(shown..).map(|reason| reason.count).sum();
            let (label, meaning) = in_words(stage);
            FunnelStage {
                code: stage.code(),
                label,
                meaning,
                raw: step(true),
                repaired: step(false),
                reasons,
                other_reasons,
            }
        })
        .collect()
}

/// All reasons of a stage, most frequent first, ties by code.
fn reasons(records: &[CandidateRecord], stage: Stage) -> Vec<Reason> {
    let mut by_code: BTreeMap<String, Reason> = BTreeMap::new();
    for record in records.iter().filter(|record| record.verdict.stage() == stage) {
        let (code, message) = reason(record);
        by_code
            .entry(code.clone())
            .or_insert_with(|| Reason { code, count: 0, example: shorten(&message, EXAMPLE) })
            .count += 1;
    }
    let mut reasons: Vec<Reason> = by_code.into_values().collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    reasons
}

fn reason(record: &CandidateRecord) -> (String, String) {
    if let Some(first) = record.diagnostics.first() {
        return (first.code.clone(), first.message.clone());
    }
    let detail = match &record.verdict {
        Verdict::Unsupported { feature } => feature,
        Verdict::OverBudget { what } => what,
        Verdict::Crashed { reason } => reason,
        Verdict::Pruned { by } => by,
        Verdict::Duplicate { jaccard, .. } => {
            let code = if *jaccard >= 1.0 { "same network" } else { "similar text" };
            return (code.to_owned(), record.verdict.to_string());
        }
        other => other.code(),
    };
    (shorten(detail, 60), record.verdict.to_string())
}

fn shorten(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn candidate_view(
    record: &CandidateRecord,
    names: &Names<'_>,
    topped_up: &BTreeSet<&str>,
    differences: Vec<Difference>,
) -> CandidateView {
    let metrics = record.metrics.as_ref();
    let mut recipe = Vec::new();
    flatten("", &record.recipe, &mut recipe);
    CandidateView {
        id: record.id.clone(),
        label: label(record),
        cycle: record.cycle,
        index: record.index,
        attempt: record.attempt,
        repaired: record.origin == Origin::Repaired,
        prompt_id: record.prompt_id.clone(),
        parents: record.parents.iter().map(|id| names.relative(id)).collect(),
        text: record.text.clone(),
        stage: record.verdict.code(),
        verdict: match &record.verdict {
            Verdict::Duplicate { of, jaccard } => {
                format!("duplicate of {} (Jaccard {jaccard:.3})", names.relative(of).label)
            }
            other => other.to_string(),
        },
        valid: record.verdict.stage().is_valid(),
        diagnostics: record.diagnostics.clone(),
        fingerprint: record.fingerprint.clone(),
        params: record.params,
        macs: record.macs,
        recipe,
        novelty: record.novelty.and_then(finite),
        nearest: record.nearest.as_deref().map(|id| names.relative(id)),
        differences: differences
            .into_iter()
            .map(|one| DifferenceView { network: names.relative(&one.from), relation: one.relation, text: one.text })
            .collect(),
        foresight: record.foresight.clone(),
        accuracy_train: metrics.and_then(|metrics| metrics.accuracy_train).and_then(finite),
        accuracy_val: validation_accuracy(record),
        accuracy_test: metrics.and_then(|metrics| finite(metrics.accuracy_test)),
        loss: metrics.and_then(|metrics| finite(metrics.loss)),
        epochs: metrics.map(|metrics| metrics.epochs),
        training_seconds: metrics.and_then(|metrics| finite(metrics.seconds)),
        admitted: record.admitted,
        topped_up: topped_up.contains(record.id.as_str()),
        seed: record.seed,
        tokens: record.tokens,
        guidance: record.guidance,
        generation_seconds: finite(record.generation_seconds),
    }
}

/// A JSON value as rows of dotted name and value; `null` gives none.
fn flatten(name: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Null => {}
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&inner(key), value, rows)),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().enumerate().for_each(|(index, value)| flatten(&inner(&index.to_string()), value, rows));
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            rows.push((name.to_owned(), items.join(", ")));
        }
        other => rows.push((name.to_owned(), scalar(other))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn best(
    candidates: &[CandidateView],
    records: &[CandidateRecord],
    mut drawings: BTreeMap<String, crate::Drawing>,
    names: &Names<'_>,
) -> Vec<BestView> {
    let mut ranked: Vec<(usize, f64)> =
        candidates.iter().enumerate().filter_map(|(at, one)| one.accuracy_val.map(|accuracy| (at, accuracy))).collect();
    // A stable sort: ties stay in the order of making, as in `Store::top`.
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
        .into_iter()
        .take(BEST)
        .map(|(candidate, _)| BestView {
            candidate,
            drawing: drawings.remove(&candidates[candidate].id),
            lineage: names.lineage(&records[candidate]),
        })
        .collect()
}

/// From each start or resume to the last event before the next one.
fn wall_seconds(events: &[TimedEvent]) -> Option<f64> {
    let mut total_ms = 0;
    let mut started = events.first()?.at_ms;
    let mut last = started;
    for timed in events {
        if matches!(timed.event, Event::RunStarted { .. } | Event::RunResumed { .. }) {
            total_ms += last.saturating_sub(started);
            started = timed.at_ms;
        }
        last = timed.at_ms;
    }
    total_ms += last.saturating_sub(started);
    Some(total_ms as f64 / 1000.0)
}
