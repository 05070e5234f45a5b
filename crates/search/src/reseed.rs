//! Trains candidates of a run again, to tell the difference of networks from the difference of seeds; and its seed networks, to have
//! something to compare candidates with.
//!
//! Each result is saved as it comes, so that a call that was stopped goes on where it was. The run's archive is only read: nothing
//! that it decided changes. It judges nothing; what the results say is the report's to compute.

use crate::config::Config;
use crate::gates::{options, standing};
use crate::parts::{EvaluationTask, Evaluator, PartError};
use crate::run::{Contract, RunError};
use archsmith_archive::{CandidateRecord, RetrainingRecord, Retrainings, Stage, Store};
use archsmith_ir::TypedGraph;
use archsmith_ir::seed::Seed;
use std::ops::ControlFlow;

/// Which networks are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// So many candidates, the best by validation accuracy.
    Best(usize),
    /// So many candidates, evenly from the ranking by validation accuracy, best and worst included.
    Spread(usize),
    /// So many seed networks, evenly from those by name that the run would train: its contract, types and budget met.
    SeedSet(usize),
}

/// Which networks are trained, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// These.
    pub networks: Choice,
    /// Trainings of each.
    pub times: u32,
    /// Epochs of each training, which the evaluator is set to.
    pub epochs: u32,
}

/// Networks of a run that are to be trained.
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

/// A network that a plan is about.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Id of the candidate, or `seed:NAME`.
    pub id: String,
    graph: TypedGraph,
    /// What its seeds are derived from.
    place: [u64; 3],
}

impl Reseed<'_> {
    /// The networks that the plan is about: candidates best first, seed networks by name.
    ///
    /// # Errors
    /// An archive that cannot be read; a candidate that this version cannot.
    pub fn chosen(&self) -> Result<Vec<Chosen>, RunError> {
        let options = options(self.config, self.contract.input, self.contract.classes);
        if let Choice::SeedSet(wanted) = self.plan.networks {
            let mut seeds = self.store.seeds()?;
            seeds.sort_by(|a, b| a.name.cmp(&b.name));
            let stand = |(at, seed): (usize, &archsmith_archive::SeedRecord)| {
                let graph = standing(self.config, &options, &seed.text)?;
                Some(Chosen { id: seed.id(), graph, place: [at as u64, 0, 0] })
            };
            return Ok(evenly(seeds.iter().enumerate().filter_map(stand).collect(), wanted));
        }
        let mut ranked = self.store.top(usize::MAX)?;
        ranked.retain(|c| c.verdict.stage() == Stage::Trained);
        let ranked = match self.plan.networks {
            Choice::Best(wanted) => {
                ranked.truncate(wanted);
                ranked
            }
            Choice::Spread(wanted) | Choice::SeedSet(wanted) => evenly(ranked, wanted),
        };
        let read = |candidate: CandidateRecord| {
            let (graph, _) = archsmith_frontend::check(&candidate.text, &options).map_err(|_| {
                let id = &candidate.id;
                RunError::Part(format!("{id} was trained by another version: this one does not read its text"))
            })?;
            let place = [candidate.cycle, candidate.index, candidate.attempt].map(u64::from);
            Ok(Chosen { id: candidate.id, graph, place })
        };
        ranked.into_iter().map(read).collect()
    }

    /// The trainings of these that are not there yet, each with its number.
    fn open(&self, chosen: Vec<Chosen>, results: &Retrainings) -> Vec<(u32, EvaluationTask)> {
        let base = Seed::from_u64(self.config.run.seed);
        let epochs = self.plan.epochs;
        let label = match self.plan.networks {
            Choice::Best(_) | Choice::Spread(_) => "train again",
            Choice::SeedSet(_) => "train a seed network",
        };
        let mut open = Vec::new();
        for Chosen { id, graph, place: [cycle, index, attempt] } in chosen {
            for repeat in (0..self.plan.times).filter(|&repeat| !results.has(&id, epochs, repeat)) {
                let place = [cycle, index, attempt, u64::from(epochs), u64::from(repeat)];
                let seed = base.derive(label, &place).u64();
                open.push((repeat, EvaluationTask { id: id.clone(), graph: graph.clone(), share: 1.0, seed }));
            }
        }
        open
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
        let (repeats, tasks): (Vec<u32>, Vec<EvaluationTask>) = self.open(self.chosen()?, results).into_iter().unzip();
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

/// So many of these, evenly, the first and the last included; all where there are no more.
fn evenly<T>(all: Vec<T>, wanted: usize) -> Vec<T> {
    if all.len() <= wanted {
        return all;
    }
    let (last, steps) = (all.len() - 1, wanted.saturating_sub(1).max(1));
    let places: Vec<usize> = (0..wanted).map(|i| i * last / steps).collect();
    all.into_iter().enumerate().filter(|(at, _)| places.contains(at)).map(|(_, one)| one).collect()
}
