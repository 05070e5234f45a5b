//! What a cycle does before it trains in full: prediction, and the rungs of successive halving, where the configuration asks for them.

use super::{Halt, Host, Search};
use crate::parts::{EvaluationTask, Evaluator};
use crate::policy::{BY_HALVING, BY_PREDICTION, halving};
use archsmith_archive::{
    CandidateRecord, EvaluationRecord, Event, Foresight, Proxies, Rung, Stage, Verdict, read_lines, write_lines,
};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Candidates that passed the gates, each with its half-made record.
type Passed = Vec<(CandidateRecord, EvaluationTask)>;

/// A line of the file of a cycle's rungs.
#[derive(Serialize, Deserialize)]
struct SavedRung {
    id: String,
    share: f64,
    result: EvaluationRecord,
}

/// A line of the file of a cycle's proxies.
#[derive(Serialize, Deserialize)]
struct SavedProxies {
    id: String,
    proxies: Proxies,
}

impl Search {
    /// What is to be trained in full, in the order to do it in. The others are recorded.
    pub(super) fn ahead(
        &mut self,
        cycle: u32,
        passed: Passed,
        evaluator: &mut dyn Evaluator,
        host: &mut Host<'_>,
    ) -> Result<Passed, Halt> {
        let seen = self.look(cycle, passed, evaluator, host)?;
        let promising = self.foresee(cycle, seen, host)?;
        let Some(settings) = self.config.halving.clone() else { return Ok(promising) };
        let mut left = promising;
        for share in settings.rungs {
            left = self.rung(cycle, share, settings.keep, left, evaluator, host)?;
        }
        Ok(left)
    }

    /// What one batch tells of each candidate, where the configuration asks for it. From the file of a cycle that was stopped after
    /// all were looked at; otherwise all are looked at once more, which is quick.
    fn look(
        &mut self,
        cycle: u32,
        mut passed: Passed,
        evaluator: &mut dyn Evaluator,
        host: &mut Host<'_>,
    ) -> Result<Passed, Halt> {
        if !self.config.predictor.is_some_and(|p| p.proxies) {
            return Ok(passed);
        }
        let path = self.dir.root().join(format!("proxies/cycle-{cycle:03}.jsonl"));
        let mut saved: Vec<SavedProxies> = read_lines(&path)?;
        if !path.exists() {
            let tasks: Vec<EvaluationTask> = passed.iter().map(|(_, task)| task.clone()).collect();
            let (mut stopped, stop) = (false, host.stop);
            evaluator.look(&tasks, &mut |at, proxies| {
                saved.extend(tasks.get(at).map(|task| SavedProxies { id: task.id.clone(), proxies }));
                stopped = stop();
                if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            if stopped {
                return Err(Halt::Interrupted);
            }
            write_lines(&path, &saved)?;
        }
        for (record, _) in &mut passed {
            let proxies = saved.iter().find(|s| s.id == record.id).map(|s| s.proxies);
            record.foresight.get_or_insert_with(Foresight::default).proxies = proxies;
        }
        Ok(passed)
    }

    fn foresee(&mut self, cycle: u32, passed: Passed, host: &mut Host<'_>) -> Result<Passed, Halt> {
        if self.config.predictor.is_none() {
            return Ok(passed);
        }
        let known: Vec<CandidateRecord> =
            self.store.candidates()?.into_iter().filter(|r| r.cycle < cycle && r.metrics.is_some()).collect();
        let proxies = |record: &CandidateRecord| record.foresight.as_ref().and_then(|f| f.proxies);
        let candidates: Vec<_> = passed.iter().map(|(record, task)| (&task.graph, proxies(record))).collect();
        let audit = self.seed.derive("audit", &[u64::from(cycle)]);
        let Some(forecasts) = self.policy.foresee(&known, &candidates, audit) else { return Ok(passed) };
        let mut left = Vec::new();
        for ((mut record, task), forecast) in passed.into_iter().zip(forecasts) {
            record.foresight = Some(Foresight { proxies: proxies(&record), ..forecast.foresight });
            if forecast.pruned {
                record.verdict = Verdict::Pruned { by: BY_PREDICTION.to_string() };
                self.put(record, 0.0, host)?;
            } else {
                left.push((record, task));
            }
        }
        // A stable sort: ties stay in order of their places.
        let promise = |record: &CandidateRecord| record.foresight.as_ref().and_then(|f| f.predicted).unwrap_or(0.0);
        left.sort_by(|(a, _), (b, _)| promise(b).total_cmp(&promise(a)));
        Ok(left)
    }

    /// Trains all on a share of the images; gives those that go on.
    fn rung(
        &mut self,
        cycle: u32,
        share: f64,
        keep: f64,
        candidates: Passed,
        evaluator: &mut dyn Evaluator,
        host: &mut Host<'_>,
    ) -> Result<Passed, Halt> {
        let results = self.rung_results(cycle, share, &candidates, evaluator, host)?;
        let accuracy = |result: &EvaluationRecord| result.metrics.as_ref().map(|m| m.accuracy_val);
        let stays = halving::survivors(&results.iter().map(accuracy).collect::<Vec<_>>(), keep);
        let mut left = Vec::new();
        for (((mut record, task), result), stays) in candidates.into_iter().zip(results).zip(stays) {
            let accuracy_val = accuracy(&result);
            let rung = Rung { share, accuracy_val };
            record.foresight.get_or_insert_with(Foresight::default).rungs.push(rung);
            if stays {
                left.push((record, task));
                continue;
            }
            record.verdict = match result.verdict.stage() {
                Stage::Trained => Verdict::Pruned { by: BY_HALVING.to_string() },
                _ => result.verdict,
            };
            self.put(record, 0.0, host)?;
        }
        Ok(left)
    }

    /// The results of a rung, from the file of saved ones as far as it goes. Each is saved as it comes.
    fn rung_results(
        &mut self,
        cycle: u32,
        share: f64,
        candidates: &[(CandidateRecord, EvaluationTask)],
        evaluator: &mut dyn Evaluator,
        host: &mut Host<'_>,
    ) -> Result<Vec<EvaluationRecord>, Halt> {
        let path = self.dir.root().join(format!("rungs/cycle-{cycle:03}.jsonl"));
        let mut saved: Vec<SavedRung> = read_lines(&path)?;
        let known = |saved: &[SavedRung], id: &str| saved.iter().position(|s| s.id == id && s.share == share);
        let open: Vec<EvaluationTask> = candidates
            .iter()
            .filter(|(record, _)| known(&saved, &record.id).is_none())
            .map(|(_, task)| EvaluationTask { share, ..task.clone() })
            .collect();
        if !open.is_empty() {
            if (host.stop)() {
                return Err(Halt::Interrupted);
            }
            self.evaluate(&open, evaluator, host, |search, host, at, evaluation| {
                let Some(task) = open.get(at) else { return Ok(()) };
                let result = evaluation.record();
                let accuracy_val = result.metrics.as_ref().map(|m| m.accuracy_val).filter(|a| a.is_finite());
                saved.push(SavedRung { id: task.id.clone(), share, result });
                write_lines(&path, &saved)?;
                Ok(search.tell(host, Event::RungFinished { id: task.id.clone(), cycle, share, accuracy_val })?)
            })?;
        }
        let mut results = Vec::with_capacity(candidates.len());
        for (record, _) in candidates {
            match known(&saved, &record.id).and_then(|at| saved.get(at)) {
                Some(found) => results.push(found.result.clone()),
                None => return Err(Halt::Interrupted),
            }
        }
        Ok(results)
    }
}
