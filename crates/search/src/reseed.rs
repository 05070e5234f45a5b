//! Trains candidates of a run again, to tell the difference of networks from the difference of seeds.
//!
//! Each result is saved as it comes, so that a call that was stopped goes on where it was. The run's archive is only read: nothing
//! that it decided changes. It judges nothing; what the results say is the report's to compute.

use crate::config::Config;
use crate::gates::options;
use crate::parts::{EvaluationTask, Evaluator, PartError};
use crate::run::{Contract, RunError};
use archsmith_archive::{CandidateRecord, RetrainingRecord, Retrainings, Stage, Store};
use archsmith_ir::seed::Seed;
use std::ops::ControlFlow;

/// Which candidates are trained again, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// So many networks.
    pub networks: usize,
    /// Evenly spread over the ranking by validation accuracy, best and worst included; otherwise the best.
    pub spread: bool,
    /// Trainings of each.
    pub times: u32,
    /// Epochs of each training, which the evaluator is set to.
    pub epochs: u32,
}

/// Candidates of a run that are to be trained again.
#[derive(Clone, Copy, Debug)]
pub struct Reseed<'a> {
    /// The run's archive.
    pub store: &'a Store,
    /// Its configuration.
    pub config: &'a Config,
    /// The frame of its networks.
    pub contract: Contract,
    /// Which, and how often.
    pub plan: Plan,
}

impl Reseed<'_> {
    /// The candidates that the plan is about, best first.
    ///
    /// # Errors
    /// An archive that cannot be read.
    pub fn chosen(&self) -> Result<Vec<CandidateRecord>, RunError> {
        let mut ranked = self.store.top(usize::MAX)?;
        ranked.retain(|c| c.verdict.stage() == Stage::Trained);
        let wanted = self.plan.networks;
        if !self.plan.spread || ranked.len() <= wanted {
            ranked.truncate(wanted);
            return Ok(ranked);
        }
        let (last, steps) = (ranked.len() - 1, wanted.saturating_sub(1).max(1));
        let places: Vec<usize> = (0..wanted).map(|i| i * last / steps).collect();
        Ok(ranked.into_iter().enumerate().filter(|(at, _)| places.contains(at)).map(|(_, c)| c).collect())
    }

    /// The trainings that are not there yet, each with its number.
    fn open(&self, results: &Retrainings) -> Result<Vec<(u32, EvaluationTask)>, RunError> {
        let options = options(self.config, self.contract.input, self.contract.classes);
        let base = Seed::from_u64(self.config.run.seed);
        let epochs = self.plan.epochs;
        let mut open = Vec::new();
        for candidate in self.chosen()? {
            let missing: Vec<u32> =
                (0..self.plan.times).filter(|&repeat| !results.has(&candidate.id, epochs, repeat)).collect();
            if missing.is_empty() {
                continue;
            }
            let (graph, _) = archsmith_frontend::check(&candidate.text, &options).map_err(|_| {
                let id = &candidate.id;
                RunError::Part(format!("{id} was trained by another version: this one does not read its text"))
            })?;
            for repeat in missing {
                let place = [candidate.cycle, candidate.index, candidate.attempt, epochs, repeat].map(u64::from);
                let seed = base.derive("train again", &place).u64();
                open.push((
                    repeat,
                    EvaluationTask { id: candidate.id.clone(), graph: graph.clone(), share: 1.0, seed },
                ));
            }
        }
        Ok(open)
    }

    /// Trains what the plan asks for and is not there yet, by an evaluator that is set to the plan's epochs. `on_done` hears of each
    /// result after it is saved; `stop` ends the work early. Gives how many trainings are still to be done.
    ///
    /// # Errors
    /// An archive or a file of results that cannot be read or written; an evaluator that fails.
    pub fn run(
        &self,
        results: &mut Retrainings,
        evaluator: &mut dyn Evaluator,
        on_done: &mut dyn FnMut(&RetrainingRecord),
        stop: &dyn Fn() -> bool,
    ) -> Result<usize, RunError> {
        let (repeats, tasks): (Vec<u32>, Vec<EvaluationTask>) = self.open(results)?.into_iter().unzip();
        let (mut left, mut failed) = (tasks.len(), None);
        if left == 0 || stop() {
            return Ok(left);
        }
        let evaluated = evaluator.evaluate(&tasks, &mut |at, evaluation| {
            let (Some(repeat), Some(task)) = (repeats.get(at), tasks.get(at)) else {
                return ControlFlow::Continue(());
            };
            let result = evaluation.record();
            let record = RetrainingRecord {
                candidate: task.id.clone(),
                epochs: self.plan.epochs,
                repeat: *repeat,
                seed: task.seed,
                verdict: result.verdict,
                metrics: result.metrics,
            };
            if let Err(e) = results.add(record.clone()) {
                failed = Some(e);
                return ControlFlow::Break(());
            }
            left -= 1;
            on_done(&record);
            if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Some(e) = failed {
            return Err(RunError::Part(e.to_string()));
        }
        match evaluated {
            Ok(()) | Err(PartError::Interrupted) => Ok(left),
            Err(e) => Err(RunError::Part(e.to_string())),
        }
    }
}
