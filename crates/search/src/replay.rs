//! A run decided again with a part of it left out.
//!
//! The gates see the recorded texts once more, in the order in which they saw them, under a changed configuration; what was trained
//! keeps its recorded result, and what was refused then and passes now is trained, where an evaluator is given: the archive has its text
//! and its seed, so that the result is the one that the run would have had. What nobody can know without the language model is said,
//! not guessed: what it would have written after learning from other networks, and what it wrote before the guide took it back.
//!
//! Invariants: the archive is only read. With nothing left out the decisions are the recorded ones ([`Replay::control`]).

use crate::admission::{admits, top_up};
use crate::config::Config;
use crate::gates::{self, Gates};
use crate::parts::{EvaluationTask, Evaluator};
use crate::policy::{BY_HALVING, BY_PREDICTION};
use crate::run::{Contract, RunError};
use archsmith_archive::{CandidateRecord, EvaluationRecord, Origin, Stage, Store, Verdict};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// A part of the loop that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Both measures of novelty: near-duplicates are trained like any other.
    Novelty,
    /// The measure on texts.
    TextNovelty,
    /// The measure on graphs.
    GraphNovelty,
    /// Asking again in the place of a duplicate.
    Redraws,
    /// Repairs, by imports or by the model.
    Repair,
    /// Topping up a cycle from below the threshold.
    TopUp,
    /// The compiler's guidance.
    Guide,
    /// Fine-tuning.
    Sft,
    /// Giving up candidates that a predictor finds bad.
    Prediction,
    /// Giving up candidates after a share of the images.
    Halving,
}

impl Part {
    /// All of them, each with its name.
    pub const ALL: [(Part, &'static str); 10] = [
        (Part::Novelty, "novelty"),
        (Part::TextNovelty, "text-novelty"),
        (Part::GraphNovelty, "graph-novelty"),
        (Part::Redraws, "redraws"),
        (Part::Repair, "repair"),
        (Part::TopUp, "top-up"),
        (Part::Guide, "guide"),
        (Part::Sft, "sft"),
        (Part::Prediction, "prediction"),
        (Part::Halving, "halving"),
    ];

    /// The part of this name.
    pub fn from_name(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|(_, known)| *known == name).map(|(part, _)| part)
    }
}

/// What is decided otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Change {
    /// Parts left out.
    pub without: BTreeSet<Part>,
    /// Another threshold of admission, 0–1.
    pub threshold: Option<f64>,
}

/// How sure a cycle's figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The run would have had them.
    Exact,
    /// Some results are missing, or assumed.
    Partly,
    /// They hold for the texts as they were written; the model would have written others, having learnt from other networks.
    GivenTheTexts,
    /// The texts would have been others throughout: there are no figures.
    Unknown,
}

/// What a cycle came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Candidates, repairs and redraws included.
    pub candidates: u32,
    /// Valid ones among them.
    pub valid: u32,
    /// Near-duplicates among the valid.
    pub duplicates: u32,
    /// Trained to the end.
    pub trained: u32,
    /// Mean validation accuracy of the trained.
    pub accuracy_mean: Option<f64>,
    /// The best of them.
    pub accuracy_best: Option<f64>,
    /// Admitted by the threshold.
    pub admitted: u32,
    /// Kept below the threshold.
    pub topped_up: u32,
}

/// A cycle, as it was and as it would have been.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReplayedCycle {
    /// The cycle, from 0.
    pub cycle: u32,
    /// As it was.
    pub recorded: Figures,
    /// As it would have been, what is not known left out.
    pub replayed: Figures,
    /// How sure that is.
    pub standing: Standing,
    /// Candidates whose result was computed now.
    pub computed: u32,
    /// Candidates that take the recorded result of another one with the same graph, trained from another seed.
    pub same_graph: u32,
    /// Candidates that would have been trained and have no result: each could be admitted or not.
    pub untrained: u32,
    /// Texts that the guide changed: without it they would have been refused.
    pub guided_away: u32,
}

/// Whether deciding again gives what was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Control {
    /// Candidates with the recorded verdict, nothing left out.
    pub agree: u32,
    /// Of so many.
    pub of: u32,
    /// The first that has another one, with what is recorded and what was found.
    pub first_other: Option<String>,
}

/// A run as it would have been.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// What was decided otherwise.
    pub change: Change,
    /// The recorded decisions, repeated.
    pub control: Control,
    /// The finished cycles.
    pub cycles: Vec<ReplayedCycle>,
    /// What was computed, assumed, or cannot be known, a sentence each.
    pub notes: Vec<String>,
}

/// Decides a run again. Only finished cycles count. Without an evaluator nothing is trained.
///
/// # Errors
/// An archive that cannot be read; an evaluator that fails.
pub fn replay(
    store: &Store,
    config: &Config,
    contract: Contract,
    change: &Change,
    evaluator: Option<&mut dyn Evaluator>,
) -> Result<Replay, RunError> {
    let run = Recorded::load(store)?;
    let control = control(&run, config, contract, store)?;
    let mut deciding = Deciding::new(&run, config, contract, change, store)?;
    let mut evaluator = evaluator;
    let mut cycles = Vec::new();
    for cycle in 0..run.cycles.len() as u32 {
        cycles.push(deciding.cycle(cycle, &mut evaluator)?);
    }
    let notes = notes(config, change, &cycles, &control, evaluator.is_some());
    Ok(Replay { change: change.clone(), control, cycles, notes })
}

/// What the archive has of the finished cycles.
struct Recorded {
    /// By cycle, in the order of judging.
    cycles: Vec<Vec<CandidateRecord>>,
    /// Candidates kept below the threshold.
    topped_up: BTreeSet<String>,
    /// The first result of each graph.
    by_graph: BTreeMap<String, EvaluationRecord>,
}

impl Recorded {
    fn load(store: &Store) -> Result<Recorded, RunError> {
        let done = store.cycles()?;
        let mut cycles = Vec::new();
        let mut by_graph = BTreeMap::new();
        for cycle in &done {
            let records = in_order_of_judging(store.candidates_of(cycle.cycle)?);
            for record in records.iter().filter(|r| gates::passed(r) && r.verdict.stage() != Stage::Pruned) {
                if let Some(graph) = &record.fingerprint {
                    let result =
                        || EvaluationRecord { verdict: record.verdict.clone(), metrics: record.metrics.clone() };
                    by_graph.entry(graph.clone()).or_insert_with(result);
                }
            }
            cycles.push(records);
        }
        Ok(Recorded { cycles, topped_up: done.into_iter().flat_map(|c| c.topped_up).collect(), by_graph })
    }
}

/// First texts in order of their places, then those repaired by imports, then each round of the model's repairs; then the same for
/// what was drawn again in the places of duplicates.
fn in_order_of_judging(mut records: Vec<CandidateRecord>) -> Vec<CandidateRecord> {
    records.sort_by_key(|r| (r.index, r.attempt));
    let (mut place, mut round, mut repairs) = (None, 0, 0);
    let mut keyed: Vec<((u32, u32, u32), CandidateRecord)> = Vec::with_capacity(records.len());
    for record in records {
        if place != Some(record.index) {
            (place, round, repairs) = (Some(record.index), 0, 0);
        }
        let phase = match (record.origin, record.prompt_id.as_str()) {
            (Origin::Repaired, "imports") => 1,
            (Origin::Repaired, _) => {
                repairs += 1;
                1 + repairs
            }
            _ => 0,
        };
        let key = (round, phase, record.index);
        if record.verdict.stage() == Stage::Duplicate {
            (round, repairs) = (round + 1, 0);
        }
        keyed.push((key, record));
    }
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, record)| record).collect()
}

fn control(run: &Recorded, config: &Config, contract: Contract, store: &Store) -> Result<Control, RunError> {
    let mut gates = Gates::new(config, contract.input, contract.classes, &store.seeds()?);
    let mut control = Control::default();
    for record in run.cycles.iter().flatten() {
        let found = gates.judge(&record.id, &record.text).refused;
        control.of += 1;
        if found.as_ref().map_or(gates::passed(record), |refused| *refused == record.verdict) {
            control.agree += 1;
        } else if control.first_other.is_none() {
            let found = found.map_or_else(|| "passes".to_string(), |v| v.to_string());
            control.first_other =
                Some(format!("{} of cycle {}: recorded {}, now {found}", record.id, record.cycle, record.verdict));
        }
    }
    Ok(control)
}

struct Deciding<'a> {
    run: &'a Recorded,
    config: Config,
    without: &'a BTreeSet<Part>,
    gates: Gates,
    /// What is learnt from has been another than recorded since an earlier cycle.
    learnt_otherwise: bool,
}

impl<'a> Deciding<'a> {
    fn new(
        run: &'a Recorded,
        config: &Config,
        contract: Contract,
        change: &'a Change,
        store: &Store,
    ) -> Result<Deciding<'a>, RunError> {
        let mut config = config.clone();
        let has = |part| change.without.contains(&part);
        if has(Part::Novelty) || has(Part::TextNovelty) {
            // More than any similarity.
            config.novelty.near_duplicate = 2.0;
        }
        if has(Part::Novelty) || has(Part::GraphNovelty) {
            config.novelty.graph = false;
        }
        if has(Part::TopUp) {
            config.admission.top_up = 0;
        }
        if let Some(threshold) = change.threshold {
            config.admission.threshold = threshold;
        }
        let gates = Gates::new(&config, contract.input, contract.classes, &store.seeds()?);
        Ok(Deciding { run, config, without: &change.without, gates, learnt_otherwise: false })
    }

    fn cycle(&mut self, cycle: u32, evaluator: &mut Option<&mut dyn Evaluator>) -> Result<ReplayedCycle, RunError> {
        let records = self.run.cycles.get(cycle as usize).map_or(&[][..], Vec::as_slice);
        let was_topped_up = |r: &&CandidateRecord| self.run.topped_up.contains(&r.id);
        let recorded = figures(records, records.iter().filter(was_topped_up).count());
        let mut out = ReplayedCycle {
            cycle,
            recorded,
            replayed: Figures::default(),
            standing: if self.learnt_otherwise { Standing::GivenTheTexts } else { Standing::Exact },
            computed: 0,
            same_graph: 0,
            untrained: 0,
            guided_away: 0,
        };
        if cycle > 0 && self.without.contains(&Part::Sft) {
            out.standing = Standing::Unknown;
            return Ok(out);
        }
        let (mut decided, tasks) = self.judge(records, &mut out);
        let mut results = self.results(&tasks, evaluator, &mut out)?;
        for (record, task) in tasks {
            let known = results.remove(&task.id);
            let Some(EvaluationRecord { verdict, metrics }) = known else { continue };
            decided.push(CandidateRecord { verdict, metrics, ..record });
        }
        for record in &mut decided {
            record.admitted = record.metrics.as_ref().is_some_and(|m| admits(&self.config.admission, m.accuracy_val));
        }
        let topped_up = top_up(&self.config.admission, &decided);
        out.replayed = figures(&decided, topped_up.len());
        if out.standing == Standing::Exact && out.untrained + out.same_graph + out.guided_away > 0 {
            out.standing = Standing::Partly;
        }
        let kept = |r: &&CandidateRecord| r.admitted || topped_up.contains(&r.id);
        let now: BTreeSet<&str> = decided.iter().filter(kept).map(|r| r.id.as_str()).collect();
        let then = records.iter().filter(|r| r.admitted || was_topped_up(r)).map(|r| r.id.as_str()).collect();
        // What has no result might be kept as well.
        self.learnt_otherwise |= now != then || out.untrained > 0;
        Ok(out)
    }

    /// Puts a cycle's texts through the gates. Gives those with a verdict, and those that are to be trained and never were.
    fn judge(
        &mut self,
        records: &[CandidateRecord],
        out: &mut ReplayedCycle,
    ) -> (Vec<CandidateRecord>, Vec<(CandidateRecord, EvaluationTask)>) {
        let (mut decided, mut tasks) = (Vec::new(), Vec::new());
        // The stage of each place's last attempt, as it is decided now; a text that passes is beyond any refusal.
        let mut stages: BTreeMap<(u32, u32), Stage> = BTreeMap::new();
        for record in records {
            if !self.asked_for(record, &stages) {
                continue;
            }
            let place = (record.index, record.attempt);
            if self.without.contains(&Part::Guide) && record.guidance.is_some_and(|g| g.objections > 0) {
                out.guided_away += 1;
                stages.insert(place, Stage::IllTyped);
                decided.push(CandidateRecord { verdict: Verdict::IllTyped, metrics: None, ..record.clone() });
                continue;
            }
            let judgement = self.gates.judge(&record.id, &record.text);
            match (judgement.refused, judgement.graph) {
                (Some(verdict), _) => {
                    stages.insert(place, verdict.stage());
                    decided.push(CandidateRecord { verdict, metrics: None, ..record.clone() });
                }
                (None, graph) => {
                    stages.insert(place, Stage::Trained);
                    if gates::passed(record) && !self.is_to_be_trained(record) {
                        decided.push(record.clone());
                    } else if let Some(graph) = graph {
                        let task = EvaluationTask { id: record.id.clone(), graph, share: 1.0, seed: record.seed };
                        let fingerprint = judgement.fingerprint;
                        tasks.push((CandidateRecord { fingerprint, ..record.clone() }, task));
                    }
                }
            }
        }
        (decided, tasks)
    }

    /// Whether the loop would have come to this attempt: a first text always, another one where what is before it was a duplicate
    /// (drawn again) or refused for what it is (repaired).
    fn asked_for(&self, record: &CandidateRecord, stages: &BTreeMap<(u32, u32), Stage>) -> bool {
        let repaired = record.origin == Origin::Repaired;
        let left_out = if repaired { Part::Repair } else { Part::Redraws };
        let Some(before) = record.attempt.checked_sub(1) else { return true };
        !self.without.contains(&left_out)
            && stages.get(&(record.index, before)).is_some_and(|stage| match repaired {
                true => *stage < Stage::Duplicate,
                false => *stage == Stage::Duplicate,
            })
    }

    /// Whether what gave a candidate up is left out.
    fn is_to_be_trained(&self, record: &CandidateRecord) -> bool {
        let Verdict::Pruned { by } = &record.verdict else { return false };
        (self.without.contains(&Part::Prediction) && by == BY_PREDICTION)
            || (self.without.contains(&Part::Halving) && by == BY_HALVING)
    }

    /// Results for what was never trained, by id: computed where there is an evaluator, taken from the same graph otherwise.
    fn results(
        &self,
        tasks: &[(CandidateRecord, EvaluationTask)],
        evaluator: &mut Option<&mut dyn Evaluator>,
        out: &mut ReplayedCycle,
    ) -> Result<BTreeMap<String, EvaluationRecord>, RunError> {
        let mut found = BTreeMap::new();
        if let Some(evaluator) = evaluator {
            let wanted: Vec<EvaluationTask> = tasks.iter().map(|(_, task)| task.clone()).collect();
            let evaluated = evaluator.evaluate(&wanted, &mut |at, evaluation| {
                if let Some(task) = wanted.get(at) {
                    found.insert(task.id.clone(), evaluation.record());
                }
                ControlFlow::Continue(())
            });
            evaluated.map_err(|e| RunError::Part(e.to_string()))?;
            out.computed = found.len() as u32;
        } else {
            for (record, task) in tasks {
                if let Some(result) = record.fingerprint.as_ref().and_then(|graph| self.run.by_graph.get(graph)) {
                    found.insert(task.id.clone(), result.clone());
                }
            }
            out.same_graph = found.len() as u32;
        }
        out.untrained = (tasks.len() - found.len()) as u32;
        Ok(found)
    }
}

fn figures(records: &[CandidateRecord], topped_up: usize) -> Figures {
    let count = |is: &dyn Fn(&CandidateRecord) -> bool| records.iter().filter(|r| is(r)).count() as u32;
    let accuracies: Vec<f64> =
        records.iter().filter_map(|r| r.metrics.as_ref()).map(|m| m.accuracy_val).filter(|a| a.is_finite()).collect();
    Figures {
        candidates: records.len() as u32,
        valid: count(&|r| r.verdict.stage().is_valid()),
        duplicates: count(&|r| r.verdict.stage() == Stage::Duplicate),
        trained: count(&|r| r.verdict.stage() == Stage::Trained),
        accuracy_mean: (!accuracies.is_empty()).then(|| accuracies.iter().sum::<f64>() / accuracies.len() as f64),
        accuracy_best: accuracies.into_iter().reduce(f64::max),
        admitted: count(&|r| r.admitted),
        topped_up: topped_up as u32,
    }
}

fn notes(config: &Config, change: &Change, cycles: &[ReplayedCycle], control: &Control, trains: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let sum = |of: fn(&ReplayedCycle) -> u32| cycles.iter().map(of).sum::<u32>();
    if let Some(other) = &control.first_other {
        notes.push(format!(
            "the recorded decisions do not repeat with this program: {} of {} do, the first that does not is {other}; the figures \
             mix that with the change",
            control.agree, control.of
        ));
    }
    let (computed, same_graph, untrained) = (sum(|c| c.computed), sum(|c| c.same_graph), sum(|c| c.untrained));
    if computed > 0 {
        notes.push(format!("{computed} candidates were trained now, each from its recorded seed"));
    }
    if same_graph > 0 {
        notes.push(format!(
            "{same_graph} candidates take the recorded result of the same graph, which was trained from another seed"
        ));
    }
    if untrained > 0 {
        let how = if trains { "" } else { "; --train trains them" };
        notes.push(format!(
            "{untrained} candidates would have been trained and have no result: accuracies leave them out, and up to so many more \
             could be admitted{how}"
        ));
    }
    let guided_away = sum(|c| c.guided_away);
    if guided_away > 0 {
        notes.push(format!(
            "{guided_away} texts would have been other, refused ones: the guide had objected to them. What was refused is not \
             recorded, so whether a repair would have saved it is not known"
        ));
    }
    if change.without.contains(&Part::Guide) && config.sampling.guide == crate::config::Guide::Off {
        notes.push("the run had no guide: leaving it out changes nothing".to_string());
    }
    if change.without.contains(&Part::Sft) && cycles.len() > 1 {
        notes.push(format!(
            "without fine-tuning the model stays what it was in cycle 0, whose figures stand for it; what it would have written in \
             the {} later cycles can only be had by a run with sft.enabled=false",
            cycles.len() - 1
        ));
    }
    let prunes = config.predictor.is_some() || config.halving.is_some();
    if prunes && cycles.iter().any(|c| c.computed + c.same_graph + c.untrained > 0) {
        notes.push(
            "what would have been trained now is trained in full: whether it would have been given up is not asked"
                .into(),
        );
    }
    let given: Vec<u32> = cycles.iter().filter(|c| c.standing == Standing::GivenTheTexts).map(|c| c.cycle).collect();
    if let Some(first) = given.first()
        && (config.sft.enabled || config.prompt.examples > 0)
    {
        notes.push(format!(
            "from cycle {first} on the model would have learnt from other networks and written other texts: those figures take \
             the texts as they were written"
        ));
    }
    notes
}
