//! The run: cycles of writing, judging, training, admitting and learning.
//!
//! ```text
//! for each cycle:  prompts → proposals (saved) → gates (→ proxies (saved), prediction, rungs (saved)) → training (each result saved)
//!                  → pairs → fine-tuning (adapter saved) → cycle record
//! ```
//!
//! A cycle is finished when its record is in the archive; before that everything in it is repeated from what was saved, and what
//! was saved is found again unchanged, since each step depends on seeds and earlier records alone. So a run that was killed ends
//! with the archive of one that was not, and loses at most what was in flight.

mod ahead;
mod cycle;

use crate::config::{Config, ConfigError};
use crate::gates::Gates;
use crate::parts::{Evaluation, EvaluationTask, Evaluator, Generator, PartError};
use crate::policy::Policy;
use crate::prompt::{PromptError, Prompts};
use archsmith_archive::{
    Event, EventLog, EventLogError, LinesError, RunDir, RunDirError, RunRecord, SeedRecord, Store, StoreError,
    TimedEvent, run_id,
};
use archsmith_ir::seed::Seed;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::Path;

/// What the loop needs from the program around it.
pub struct Host<'a> {
    /// Milliseconds since the Unix epoch.
    pub now_ms: &'a dyn Fn() -> u64,
    /// Told of everything that happens, after it is logged.
    pub on_event: &'a mut dyn FnMut(&Event),
    /// Whether to stop as soon as that is cheap.
    pub stop: &'a dyn Fn() -> bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Digest of the archive as it is now.
    pub digest: String,
    /// Whether all cycles are done; otherwise it was interrupted and can be resumed.
    pub finished: bool,
}

/// Why a run could not go on. What was written before is whole.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The archive.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The event log.
    #[error(transparent)]
    Log(#[from] EventLogError),
    /// The run folder.
    #[error(transparent)]
    Dir(#[from] RunDirError),
    /// Pairs, saved proposals or rungs.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A prompt.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The language model or the trainer.
    #[error("{0}")]
    Part(String),
}

/// Interruption is not an error of the run.
enum Halt {
    Interrupted,
    Error(RunError),
}

impl<E: Into<RunError>> From<E> for Halt {
    fn from(e: E) -> Self {
        Halt::Error(e.into())
    }
}

impl From<PartError> for Halt {
    fn from(e: PartError) -> Self {
        match e {
            PartError::Interrupted => Halt::Interrupted,
            PartError::Failed(message) => Halt::Error(RunError::Part(message)),
        }
    }
}

/// A run in its folder.
pub struct Search {
    config: Config,
    dir: RunDir,
    store: Store,
    log: EventLog,
    prompts: Prompts,
    gates: Gates,
    policy: Policy,
    run_id: String,
    seed: Seed,
}

/// What a run takes in and gives out: the frame of every network in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Channels, height, width.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
}

impl Search {
    /// Starts a run in a new folder.
    ///
    /// # Errors
    /// A folder that holds something, or cannot be written.
    pub fn create(
        root: &Path,
        config: Config,
        contract: Contract,
        mut seeds: Vec<SeedRecord>,
        versions: &Value,
        created: String,
    ) -> Result<Search, RunError> {
        let text = config.to_toml()?;
        let dir = RunDir::create(root, &text, config.run.seed, versions)?;
        fingerprint_seeds(&config, contract, &mut seeds);
        let mut search = Search::open(dir, config, contract, &seeds)?;
        search.store.put_seeds(&seeds)?;
        search.store.put_run(&RunRecord {
            run_id: search.run_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            seed: search.config.run.seed,
            config: text,
            created,
            schema: archsmith_archive::record::SCHEMA_VERSION,
        })?;
        Ok(search)
    }

    /// Takes up a run where it was left; a finished one too.
    ///
    /// # Errors
    /// A folder that is no run, a damaged archive, another process that writes it.
    pub fn resume(
        root: &Path,
        contract: Contract,
        seeds: impl FnOnce(&Config) -> Result<Vec<SeedRecord>, RunError>,
        created: String,
    ) -> Result<Search, RunError> {
        let dir = RunDir::open(root)?;
        let text = dir.config()?;
        let config = Config::from_toml(&text, &dir.config_path().display().to_string())?;
        let store = Store::open(&dir.archive_path())?;
        let recorded = store.run()?.is_some();
        let known = store.seeds()?;
        drop(store);
        if recorded {
            return Search::open(dir, config, contract, &known);
        }
        // Killed between the making of the folder and its first record: begin as a new run does.
        let mut seeds = seeds(&config)?;
        fingerprint_seeds(&config, contract, &mut seeds);
        let mut search = Search::open(dir, config, contract, &seeds)?;
        search.store.put_seeds(&seeds)?;
        let record = RunRecord {
            run_id: search.run_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            seed: search.config.run.seed,
            config: text,
            created,
            schema: archsmith_archive::record::SCHEMA_VERSION,
        };
        search.store.put_run(&record)?;
        Ok(search)
    }

    fn open(dir: RunDir, config: Config, contract: Contract, seeds: &[SeedRecord]) -> Result<Search, RunError> {
        let [c, h, w] = contract.input;
        let store = Store::open(&dir.archive_path())?;
        let log = EventLog::open(&dir.events_path())?;
        let prompts = Prompts::new(&config, c, h, w, contract.classes)?;
        let gates = Gates::new(&config, contract.input, contract.classes, seeds);
        let policy = Policy::new(&config, gates.options().clone());
        let run_id = run_id(&dir.config()?, config.run.seed);
        let seed = Seed::from_u64(config.run.seed);
        Ok(Search { config, dir, store, log, prompts, gates, policy, run_id, seed })
    }

    /// The configuration of the run.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The folder of the run.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// The archive of the run.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Runs to the end, or until `host.stop` says so.
    ///
    /// # Errors
    /// See [`RunError`]. The run can be resumed when the cause is gone.
    pub fn run(
        &mut self,
        generator: &mut dyn Generator,
        evaluator: &mut dyn Evaluator,
        host: &mut Host<'_>,
    ) -> Result<Outcome, RunError> {
        let started = (host.now_ms)();
        let done = self.store.cycles()?;
        if done.len() as u32 >= self.config.run.cycles {
            return Ok(Outcome { digest: self.store.digest()?, finished: true });
        }
        let next = done.len() as u32;
        for record in self.store.candidates()?.iter().filter(|r| r.cycle < next) {
            self.gates.remember(record);
        }
        let present = self.store.candidates_of(next)?.len() as u32;
        if next == 0 && present == 0 && self.log_is_new()? {
            let event = Event::RunStarted {
                run_id: self.run_id.clone(),
                version: env!("CARGO_PKG_VERSION").to_string(),
                seed: self.config.run.seed,
                cycles: self.config.run.cycles,
                candidates: self.config.run.candidates,
            };
            self.tell(host, event)?;
        } else {
            self.tell(host, Event::RunResumed { run_id: self.run_id.clone(), cycle: next, candidates: present })?;
        }
        let adapter = done.iter().rev().find_map(|c| c.adapter.clone()).map(|a| self.dir.root().join(a));
        match generator.restore(adapter.as_deref()) {
            Ok(()) => {}
            Err(PartError::Interrupted) => return self.interrupted(host, next),
            Err(PartError::Failed(message)) => return Err(RunError::Part(message)),
        }
        for cycle in next..self.config.run.cycles {
            match self.cycle(cycle, generator, evaluator, host) {
                Ok(()) => {}
                Err(Halt::Interrupted) => return self.interrupted(host, cycle),
                Err(Halt::Error(e)) => return Err(e),
            }
        }
        let digest = self.store.digest()?;
        let seconds = seconds_between(started, (host.now_ms)());
        self.tell(host, Event::RunFinished { digest: digest.clone(), seconds })?;
        Ok(Outcome { digest, finished: true })
    }

    fn interrupted(&mut self, host: &mut Host<'_>, cycle: u32) -> Result<Outcome, RunError> {
        self.tell(host, Event::Interrupted { cycle })?;
        Ok(Outcome { digest: self.store.digest()?, finished: false })
    }

    fn log_is_new(&self) -> Result<bool, RunError> {
        Ok(EventLog::read(&self.dir.events_path())?.is_empty())
    }

    /// Evaluates tasks; `each` keeps a result as it comes. Ends early where that fails, or where the host says stop.
    fn evaluate(
        &mut self,
        tasks: &[EvaluationTask],
        evaluator: &mut dyn Evaluator,
        host: &mut Host<'_>,
        mut each: impl FnMut(&mut Self, &mut Host<'_>, usize, Evaluation) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        let mut halt = None;
        let result = evaluator.evaluate(tasks, &mut |at, evaluation| {
            halt = each(self, host, at, evaluation).err();
            if halt.is_some() || (host.stop)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        halt.map_or(Ok(()), Err)?;
        Ok(result?)
    }

    fn tell(&mut self, host: &mut Host<'_>, event: Event) -> Result<(), RunError> {
        let timed = TimedEvent { at_ms: (host.now_ms)(), event };
        self.log.append(&timed)?;
        if matches!(
            timed.event,
            Event::CandidateFinished { .. }
                | Event::CycleFinished { .. }
                | Event::RunFinished { .. }
                | Event::Interrupted { .. }
        ) {
            self.log.sync()?;
        }
        (host.on_event)(&timed.event);
        Ok(())
    }
}

/// Seconds between two readings of a clock that may have been set back.
fn seconds_between(from_ms: u64, to_ms: u64) -> f64 {
    to_ms.saturating_sub(from_ms) as f64 / 1000.0
}

/// The graphs of the seed set are known too, so that a copy under other names is no novelty. A seed that does not pass
/// the frontend keeps its text alone.
fn fingerprint_seeds(config: &Config, contract: Contract, seeds: &mut [SeedRecord]) {
    let options = crate::gates::options(config, contract.input, contract.classes);
    for seed in seeds.iter_mut().filter(|s| s.fingerprint.is_none()) {
        if let Ok((graph, _)) = archsmith_frontend::check(&seed.text, &options) {
            seed.fingerprint = Some(archsmith_ir::fingerprint::fingerprint(&graph).to_string());
        }
    }
}
