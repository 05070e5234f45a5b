//! One cycle.

use super::{Halt, Host, RunError, Search, seconds_between};
use crate::admission::{admits, top_up};
use crate::config::{Admission, PromptStyle};
use crate::extract;
use crate::gates::Judgement;
use crate::parts::{Evaluation, EvaluationTask, Evaluator, Generator, Lesson, Proposal, ProposalRequest};
use crate::patch::{self, PatchError};
use crate::prompt::{Prompt, ShownDiagnostic, ShownNetwork, budgets_within};
use archsmith_archive::{
    CandidateRecord, CycleRecord, Event, Guidance, Origin, Pair, PairKind, RunDir, Stage, Verdict, candidate_id,
    merge_pairs, read_lines, remove_forward_body, write_lines,
};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A text on its way through the cycle, with what is known of where it came from.
struct Draft {
    index: u32,
    attempt: u32,
    origin: Origin,
    prompt_id: &'static str,
    prompt_hash: String,
    parents: Vec<String>,
    text: String,
    /// Why the diff that was asked for does not apply; the text is the answer then.
    unpatched: Option<PatchError>,
    tokens: u32,
    guidance: Option<Guidance>,
    seconds: f64,
}

impl Draft {
    fn new(asked: Asked, proposal: Proposal, origin: Origin, prompt_id: &'static str) -> Draft {
        let (text, unpatched) = patch::text_of(asked.base.as_deref(), proposal.text);
        Draft {
            index: asked.index,
            attempt: asked.attempt,
            origin,
            prompt_id,
            prompt_hash: asked.prompt_hash,
            parents: asked.parents,
            text,
            unpatched,
            tokens: proposal.tokens,
            guidance: proposal.guidance,
            seconds: proposal.seconds,
        }
    }
}

/// What the gates made of a cycle's drafts so far.
#[derive(Default)]
struct Judged {
    /// To be trained, each with its half-made record.
    tasks: Vec<(CandidateRecord, EvaluationTask)>,
    /// Places where a duplicate stood, each with the number of its next attempt.
    duplicates: Vec<(u32, u32)>,
}

/// A line of the file of saved proposals.
#[derive(Serialize, Deserialize)]
struct Saved {
    index: u32,
    attempt: u32,
    proposal: Proposal,
}

/// A request with its place.
struct Asked {
    index: u32,
    attempt: u32,
    prompt_hash: String,
    parents: Vec<String>,
    /// The network that a diff is asked against.
    base: Option<String>,
    request: ProposalRequest,
}

impl Search {
    pub(super) fn cycle(
        &mut self,
        cycle: u32,
        generator: &mut dyn Generator,
        evaluator: &mut dyn Evaluator,
        host: &mut Host<'_>,
    ) -> Result<(), Halt> {
        let started = (host.now_ms)();
        self.tell(host, Event::CycleStarted { cycle, candidates: self.config.run.candidates })?;
        let tasks = self.write_all(cycle, generator, host)?;
        let tasks = self.ahead(cycle, tasks, evaluator, host)?;
        self.train_all(tasks, evaluator, host)?;
        let sft = self.learn(cycle, generator, host)?;
        self.finish(cycle, sft, started, host)
    }

    /// Writes and judges: each place of the cycle once, then again those where a duplicate stood, as often as the
    /// configuration says. What passed comes back as tasks with half-made records.
    fn write_all(
        &mut self,
        cycle: u32,
        generator: &mut dyn Generator,
        host: &mut Host<'_>,
    ) -> Result<Vec<(CandidateRecord, EvaluationTask)>, Halt> {
        let mut judged = Judged::default();
        let mut open: Vec<(u32, u32)> = (0..self.config.run.candidates).map(|index| (index, 0)).collect();
        for _ in 0..=self.config.novelty.redraws {
            let asked = self.requests(cycle, &open, generator)?;
            let proposals = self.proposals(cycle, &asked, generator, host)?;
            let drafts = asked.into_iter().zip(proposals).map(|(a, p)| {
                let origin = if p.guidance.is_some() { Origin::Guided } else { Origin::Raw };
                let prompt_id = if a.base.is_some() { "delta" } else { "full" };
                Draft::new(a, p, origin, prompt_id)
            });
            self.judge_all(cycle, drafts.collect(), &mut judged, generator, host)?;
            open = std::mem::take(&mut judged.duplicates);
            open.sort_unstable();
            if open.is_empty() {
                break;
            }
        }
        let mut tasks = judged.tasks;
        tasks.sort_by_key(|(r, _)| (r.index, r.attempt));
        Ok(tasks)
    }

    /// What is asked for the given places and attempts of this cycle. Depends on the seed and on earlier cycles alone.
    fn requests(&mut self, cycle: u32, places: &[(u32, u32)], generator: &dyn Generator) -> Result<Vec<Asked>, Halt> {
        let (low, high) = self.config.prompt.accuracy;
        let shows = self.config.prompt.examples > 0 || self.config.prompt.delta > 0.0;
        let admitted: Vec<CandidateRecord> = match self.config.prompt.style {
            PromptStyle::Chat if shows => {
                let kept = self.kept_before(cycle)?;
                self.policy.select(kept)
            }
            _ => Vec::new(),
        };
        let prefix = self.prompts.prefix(&self.config);
        let budgets = budgets_within(self.config.budget.max_params);
        let mut asked = Vec::new();
        for &(index, attempt) in places {
            let place = [u64::from(cycle), u64::from(index), u64::from(attempt)];
            // The first attempt's seed has no number of its own.
            let place = if attempt == 0 { &place[..2] } else { &place[..] };
            let mut draws = self.seed.derive("prompt", place).draws();
            let accuracy = (draws.uniform(low, high) * 100.0).round() / 100.0;
            let budget = match self.config.prompt.vary_budget {
                true => budgets[(draws.unit() * budgets.len() as f64) as usize % budgets.len()],
                false => self.config.budget.max_params,
            };
            let mut shown: Vec<&CandidateRecord> = admitted.iter().collect();
            draws.shuffle(&mut shown);
            // Of what is known, a share is changed instead of being shown.
            let delta = self.config.prompt.delta > 0.0 && !shown.is_empty() && draws.unit() < self.config.prompt.delta;
            shown.truncate(if delta { 1 } else { self.config.prompt.examples });
            let as_shown = |r: &CandidateRecord| ShownNetwork {
                text: r.text.clone(),
                accuracy: r.metrics.as_ref().map(|m| m.accuracy_val),
            };
            let examples: Vec<ShownNetwork> = shown.iter().copied().map(as_shown).collect();
            let (prompt, base) = match (delta, examples.first()) {
                (true, Some(base)) => (self.prompts.delta(accuracy, budget, base)?, Some(base.text.clone())),
                _ => (self.prompts.full(accuracy, budget, &examples)?, None),
            };
            let prompt = generator.render(&prompt)?;
            asked.push(Asked {
                index,
                attempt,
                prompt_hash: self.store.put_prompt(&prompt)?,
                parents: shown.iter().map(|r| r.id.clone()).collect(),
                request: ProposalRequest {
                    prompt,
                    // A diff does not begin as a network does.
                    prefix: if base.is_some() { String::new() } else { prefix.clone() },
                    seed: self.seed.derive("generate", place).u64(),
                    heat: 1.0 + self.config.novelty.heat * f64::from(attempt),
                },
                base,
            });
        }
        Ok(asked)
    }

    /// What earlier cycles kept: admitted by the threshold or topped up.
    fn kept_before(&self, cycle: u32) -> Result<Vec<CandidateRecord>, Halt> {
        let topped_up: Vec<String> = self.store.cycles()?.into_iter().flat_map(|c| c.topped_up).collect();
        let kept = |r: &CandidateRecord| r.cycle < cycle && (r.admitted || topped_up.contains(&r.id));
        Ok(self.store.candidates()?.into_iter().filter(kept).collect())
    }

    /// The answers, from the file of saved ones as far as it goes. Saved after each batch.
    fn proposals(
        &mut self,
        cycle: u32,
        asked: &[Asked],
        generator: &mut dyn Generator,
        host: &mut Host<'_>,
    ) -> Result<Vec<Proposal>, Halt> {
        let path = self.dir.root().join(format!("proposals/cycle-{cycle:03}.jsonl"));
        let mut saved: Vec<Saved> = read_lines(&path)?;
        let mut out = Vec::with_capacity(asked.len());
        for chunk in asked.chunks(self.config.model.batch) {
            let known = |a: &Asked| saved.iter().find(|s| s.index == a.index && s.attempt == a.attempt);
            let missing: Vec<&Asked> = chunk.iter().filter(|a| known(a).is_none()).collect();
            if !missing.is_empty() {
                if (host.stop)() {
                    return Err(Halt::Interrupted);
                }
                let requests: Vec<ProposalRequest> = missing.iter().map(|a| a.request.clone()).collect();
                let answers = generator.generate(&requests, host.stop)?;
                if answers.len() != requests.len() {
                    return Err(
                        RunError::Part(format!("{} answers to {} requests", answers.len(), requests.len())).into()
                    );
                }
                let places: Vec<(u32, u32)> = missing.iter().map(|a| (a.index, a.attempt)).collect();
                for ((index, attempt), proposal) in places.into_iter().zip(answers) {
                    self.tell(
                        host,
                        Event::Generated { cycle, index, tokens: proposal.tokens, seconds: proposal.seconds },
                    )?;
                    saved.push(Saved { index, attempt, proposal });
                }
                write_lines(&path, &saved)?;
            }
            for a in chunk {
                let found = saved.iter().find(|s| s.index == a.index && s.attempt == a.attempt);
                let found = found.ok_or_else(|| RunError::Part("an answer is missing".to_string()))?;
                out.push(found.proposal.clone());
            }
        }
        Ok(out)
    }

    /// Puts all drafts through the gates: raw ones, then those repaired by imports, then those repaired by the model. Refused ones
    /// are recorded at once; the others become tasks with their half-made records.
    fn judge_all(
        &mut self,
        cycle: u32,
        raw: Vec<Draft>,
        judged: &mut Judged,
        generator: &mut dyn Generator,
        host: &mut Host<'_>,
    ) -> Result<(), Halt> {
        let mut refused = self.judge(cycle, raw, judged, host)?;
        if self.config.repair.imports {
            let (mut fixed, mut left) = (Vec::new(), Vec::new());
            for draft in refused {
                match extract::with_missing_imports(&draft.text) {
                    Some(text) => fixed.push(Draft {
                        attempt: draft.attempt + 1,
                        origin: Origin::Repaired,
                        prompt_id: "imports",
                        text,
                        unpatched: None,
                        tokens: 0,
                        guidance: None,
                        seconds: 0.0,
                        ..draft
                    }),
                    None => left.push(draft),
                }
            }
            left.extend(self.judge(cycle, fixed, judged, host)?);
            left.sort_by_key(|d| d.index);
            refused = left;
        }
        if self.config.prompt.style == PromptStyle::Chat {
            for _ in 0..self.config.repair.attempts {
                refused = self.repair(cycle, refused, judged, generator, host)?;
            }
        }
        Ok(())
    }

    /// One round of repair by the model.
    fn repair(
        &mut self,
        cycle: u32,
        refused: Vec<Draft>,
        judged: &mut Judged,
        generator: &mut dyn Generator,
        host: &mut Host<'_>,
    ) -> Result<Vec<Draft>, Halt> {
        let mut asked = Vec::new();
        for draft in &refused {
            let id = candidate_id(&self.run_id, cycle, draft.index, draft.attempt);
            let Some(record) = self.store.candidate(&id)? else { continue };
            let shown: Vec<ShownDiagnostic> = record
                .diagnostics
                .iter()
                .map(|d| ShownDiagnostic { code: d.code.clone(), message: d.message.clone(), line: d.line })
                .collect();
            let prompt = generator.render(&self.prompts.repair(&draft.text, &shown)?)?;
            let attempt = draft.attempt + 1;
            let place = [u64::from(cycle), u64::from(draft.index), u64::from(attempt)];
            asked.push(Asked {
                index: draft.index,
                attempt,
                prompt_hash: self.store.put_prompt(&prompt)?,
                parents: vec![id],
                base: None,
                request: ProposalRequest {
                    prompt,
                    prefix: self.prompts.prefix(&self.config),
                    seed: self.seed.derive("repair", &place).u64(),
                    heat: 1.0,
                },
            });
        }
        let proposals = self.proposals(cycle, &asked, generator, host)?;
        let drafts = asked.into_iter().zip(proposals).map(|(a, p)| Draft::new(a, p, Origin::Repaired, "repair"));
        self.judge(cycle, drafts.collect(), judged, host)
    }

    /// Judges drafts in order. Gives back those that are refused for what they are, which a repair may help.
    fn judge(
        &mut self,
        cycle: u32,
        drafts: Vec<Draft>,
        judged: &mut Judged,
        host: &mut Host<'_>,
    ) -> Result<Vec<Draft>, Halt> {
        let mut refused = Vec::new();
        for draft in drafts {
            if (host.stop)() {
                return Err(Halt::Interrupted);
            }
            let id = candidate_id(&self.run_id, cycle, draft.index, draft.attempt);
            let judgement = match &draft.unpatched {
                Some(e) => Judgement::unparsed(e.record()),
                None => self.gates.judge(&id, &draft.text),
            };
            let place = [u64::from(cycle), u64::from(draft.index), u64::from(draft.attempt)];
            let seed = self.seed.derive("train", &place).u64();
            let mut record = record_of(&id, cycle, seed, &draft, &judgement);
            match (judgement.refused, judgement.graph) {
                (None, Some(graph)) => judged.tasks.push((record, EvaluationTask { id, graph, share: 1.0, seed })),
                (verdict, _) => {
                    record.verdict = verdict.unwrap_or(Verdict::Contract);
                    let stage = record.verdict.stage();
                    self.put(record, 0.0, host)?;
                    match stage.cmp(&Stage::Duplicate) {
                        // What is no network cannot be shown for repair.
                        Ordering::Less if draft.unpatched.is_some() => {}
                        Ordering::Less => refused.push(draft),
                        Ordering::Equal => judged.duplicates.push((draft.index, draft.attempt + 1)),
                        Ordering::Greater => {}
                    }
                }
            }
        }
        Ok(refused)
    }

    /// Trains what is not trained yet, and records each result as it comes.
    fn train_all(
        &mut self,
        tasks: Vec<(CandidateRecord, EvaluationTask)>,
        evaluator: &mut dyn Evaluator,
        host: &mut Host<'_>,
    ) -> Result<(), Halt> {
        let mut open = Vec::new();
        for (record, task) in tasks {
            if self.store.candidate(&record.id)?.is_none() {
                open.push((record, task));
            }
        }
        let (mut records, tasks): (Vec<_>, Vec<_>) = open.into_iter().unzip();
        for record in &records {
            self.tell(host, Event::TrainingStarted { id: record.id.clone(), params: record.params.unwrap_or(0) })?;
        }
        let mut finished = vec![false; records.len()];
        self.evaluate(&tasks, evaluator, host, |search, host, position, evaluation| {
            let (Some(record), Some(done)) = (records.get_mut(position), finished.get_mut(position)) else {
                return Ok(());
            };
            *done = true;
            let seconds = apply(record, evaluation, &search.config.admission);
            search.put(record.clone(), seconds, host)
        })?;
        if finished.iter().all(|f| *f) { Ok(()) } else { Err(Halt::Interrupted) }
    }

    /// Records a candidate. A second time, after a resume, changes nothing and is not told again.
    pub(super) fn put(&mut self, record: CandidateRecord, seconds: f64, host: &mut Host<'_>) -> Result<(), Halt> {
        if self.store.put_candidate(&record)? {
            let event = Event::CandidateFinished {
                id: record.id,
                cycle: record.cycle,
                index: record.index,
                verdict: record.verdict.code().to_string(),
                accuracy_val: record.metrics.map(|m| m.accuracy_val),
                novelty: record.novelty,
                admitted: record.admitted,
                seconds,
            };
            self.tell(host, event)?;
        }
        Ok(())
    }

    /// Pairs from all that is admitted so far, and a fine-tuning step on them.
    fn learn(&mut self, cycle: u32, generator: &mut dyn Generator, host: &mut Host<'_>) -> Result<CycleRecord, Halt> {
        let all = self.store.candidates_of(cycle)?;
        let topped_up = top_up(&self.config.admission, &all);
        let chosen = |r: &&CandidateRecord| r.admitted || topped_up.contains(&r.id);
        let mut fresh = Vec::new();
        for record in all.iter().filter(chosen) {
            let accuracy = record.metrics.as_ref().map_or(0.0, |m| m.accuracy_val);
            let mut pair = |prompt: &Prompt, kind| -> Result<(), Halt> {
                let prompt = generator.render(prompt)?;
                fresh.push(Pair { prompt, completion: record.text.clone(), kind, candidate: record.id.clone() });
                Ok(())
            };
            pair(&self.prompts.full(accuracy, self.learnt_budget(record), &[])?, PairKind::Full)?;
            if self.config.sft.infill
                && let Some(hollow) = remove_forward_body(&record.text)
            {
                pair(&self.prompts.infill(&hollow)?, PairKind::Infill)?;
            }
        }
        let pairs = merge_pairs(&self.dir.pairs_path(), &fresh)?;
        let chosen = self.learnt_from(cycle, &all, &topped_up)?;
        let mut record = CycleRecord { cycle, candidates: all.len() as u32, sft: None, adapter: None, topped_up };
        if !self.config.sft.enabled || pairs.is_empty() {
            return Ok(record);
        }
        let (mut held_out, mut training) = split_pairs(pairs, self.config.sft.held_out);
        if let Some(chosen) = chosen {
            held_out.retain(|pair| chosen.contains(&pair.candidate));
            training.retain(|pair| chosen.contains(&pair.candidate));
        }
        if training.is_empty() {
            return Ok(record);
        }
        if self.config.sft.max_pairs > 0 && training.len() > self.config.sft.max_pairs {
            training.drain(..training.len() - self.config.sft.max_pairs);
        }
        let batch = self.config.sft.batch as u64;
        let steps = u64::from(self.config.sft.epochs) * (training.len() as u64).div_ceil(batch);
        self.tell(host, Event::SftStarted { cycle, pairs: training.len() as u64, steps })?;
        let name = RunDir::adapter_name(cycle);
        let adapter = self.dir.adapter_dir(cycle);
        let lesson = Lesson {
            pairs: &training,
            held_out: &held_out,
            seed: self.seed.derive("learn", &[u64::from(cycle)]).u64(),
            adapter: &adapter,
        };
        let stop = host.stop;
        let mut logged = Ok(());
        let sft = generator.learn(
            lesson,
            &mut |step, loss| {
                if logged.is_ok() {
                    logged = self.tell(host, Event::SftStep { cycle, step, loss: loss.is_finite().then_some(loss) });
                }
            },
            stop,
        )?;
        logged?;
        // From the file, as a resumed run would have it: both go on with the same bits.
        generator.restore(Some(&adapter))?;
        record.sft = Some(sft);
        record.adapter = Some(name);
        Ok(record)
    }

    /// The networks of this cycle and of earlier ones that the model learns from; `None`: all that were kept.
    fn learnt_from(
        &mut self,
        cycle: u32,
        all: &[CandidateRecord],
        topped_up: &[String],
    ) -> Result<Option<BTreeSet<String>>, Halt> {
        if self.config.selection.is_none() {
            return Ok(None);
        }
        let mut kept = self.kept_before(cycle)?;
        kept.extend(all.iter().filter(|r| r.admitted || topped_up.contains(&r.id)).cloned());
        Ok(Some(self.policy.select(kept).into_iter().map(|r| r.id).collect()))
    }

    /// The budget that the pair of a network states.
    fn learnt_budget(&self, record: &CandidateRecord) -> u64 {
        let limit = self.config.budget.max_params;
        match record.params {
            Some(params) if self.config.prompt.vary_budget => {
                budgets_within(limit).into_iter().find(|b| *b >= params).unwrap_or(limit)
            }
            _ => limit,
        }
    }

    fn finish(&mut self, cycle: u32, record: CycleRecord, started: u64, host: &mut Host<'_>) -> Result<(), Halt> {
        self.store.put_cycle(&record)?;
        let all = self.store.candidates_of(cycle)?;
        let event = Event::CycleFinished {
            cycle,
            candidates: all.len() as u32,
            valid: all.iter().filter(|r| r.verdict.stage().is_valid()).count() as u32,
            admitted: (all.iter().filter(|r| r.admitted).count() + record.topped_up.len()) as u32,
            best_accuracy_val: all
                .iter()
                .filter_map(|r| r.metrics.as_ref())
                .map(|m| m.accuracy_val)
                .max_by(f64::total_cmp),
            seconds: seconds_between(started, (host.now_ms)()),
        };
        Ok(self.tell(host, event)?)
    }
}

fn record_of(id: &str, cycle: u32, seed: u64, draft: &Draft, j: &Judgement) -> CandidateRecord {
    let recipe = j.graph.as_ref().and_then(|g| serde_json::to_value(&g.graph().recipe).ok());
    CandidateRecord {
        id: id.to_string(),
        cycle,
        index: draft.index,
        attempt: draft.attempt,
        origin: draft.origin,
        prompt_id: draft.prompt_id.to_string(),
        prompt_hash: draft.prompt_hash.clone(),
        parents: draft.parents.clone(),
        text: draft.text.clone(),
        verdict: Verdict::Trained,
        diagnostics: j.diagnostics.clone(),
        fingerprint: j.fingerprint.clone(),
        params: j.params,
        macs: j.macs,
        recipe: recipe.unwrap_or_default(),
        novelty: j.novelty,
        nearest: j.nearest.clone(),
        foresight: None,
        metrics: None,
        admitted: false,
        seed,
        tokens: draft.tokens,
        guidance: draft.guidance,
        generation_seconds: draft.seconds,
    }
}

/// Puts the result into the record; gives its wall-clock seconds.
fn apply(record: &mut CandidateRecord, evaluation: Evaluation, admission: &Admission) -> f64 {
    record.verdict = evaluation.verdict();
    let Evaluation::Trained(metrics) = evaluation else { return 0.0 };
    let seconds = metrics.seconds;
    record.admitted = admits(admission, metrics.accuracy_val);
    record.metrics = Some(metrics);
    seconds
}

/// Every n-th pair is held out, counted from the first, so that a pair stays on its side as the corpus grows.
fn split_pairs(pairs: Vec<Pair>, held_out: f64) -> (Vec<Pair>, Vec<Pair>) {
    let every = if held_out > 0.0 { (1.0 / held_out).round().max(2.0) as usize } else { usize::MAX };
    let (mut held, mut training) = (Vec::new(), Vec::new());
    for (i, pair) in pairs.into_iter().enumerate() {
        if i % every == every - 1 { held.push(pair) } else { training.push(pair) }
    }
    (held, training)
}
