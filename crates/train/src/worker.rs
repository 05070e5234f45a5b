//! One candidate, one process: tasks, outcomes, and the executor that runs them.
//!
//! A [`Task`] file says everything an evaluation depends on; [`run_task`] turns it into an [`Outcome`] file, written whole or
//! not at all. [`Executor`] runs tasks, of this kind or another ([`Report`]), in child processes of this program. Whatever a candidate does (panic, endless step, all
//! memory), its child ends and an outcome says how.
//!
//! Memory is limited by watching the child's resident memory, not by `RLIMIT_AS`: address space counts reserved stacks, arenas
//! and a GPU's mappings, and an allocator that meets that limit aborts without a word. Resident memory is what the machine
//! runs out of. Watching needs Linux; elsewhere there is no memory limit.
//!
//! A worker whose parent dies sees the end of its standard input ([`watch_parent`]) and ends.

mod executor;

pub use executor::{Executor, ExecutorError};

use crate::data::{DataError, DataRef, SplitConfig, Splits};
use crate::fit::{FitConfig, FitError, Metrics, fit};
use crate::lower::LowerError;
use crate::proxies::{Proxies, proxies};
use archsmith_ir::{Graph, infer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The network, its batch size in its input type.
    pub graph: Graph,
    /// The images.
    pub data: DataRef,
    /// How they are divided.
    pub splits: SplitConfig,
    /// How to train.
    pub config: FitConfig,
    /// What to find out.
    #[serde(default)]
    pub aim: Aim,
}

/// What a task is to find out about its network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// What training makes of it.
    #[default]
    Metrics,
    /// What one batch tells before any training.
    Proxies,
}

/// How an evaluation ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Outcome {
    /// It was trained and measured.
    Trained(Metrics),
    /// It was looked at, untrained.
    Seen(Proxies),
    /// The loss left the numbers, or climbed out of reach.
    Diverged {
        /// For a person.
        reason: String,
    },
    /// A time limit passed, or would have.
    TimedOut {
        /// For a person.
        reason: String,
    },
    /// The network cannot be trained here.
    Unsupported {
        /// For a person.
        reason: String,
    },
    /// It used more memory than it may, or would have.
    OverMemory {
        /// For a person.
        reason: String,
    },
    /// The process ended without an outcome.
    Crashed {
        /// For a person, with the end of what the process said.
        reason: String,
    },
    /// The evaluation could not be started: it says nothing about the network.
    Failed {
        /// For a person.
        reason: String,
    },
}

/// What a child process says of its task, and what is said for it where it can no longer speak. Reasons are for a person.
pub trait Report: DeserializeOwned {
    /// It was killed at the time limit.
    fn timed_out(reason: String) -> Self;
    /// It was killed at the memory limit.
    fn out_of_memory(reason: String) -> Self;
    /// It ended without a result.
    fn crashed(reason: String) -> Self;
}

impl Report for Outcome {
    fn timed_out(reason: String) -> Self {
        Outcome::TimedOut { reason }
    }

    fn out_of_memory(reason: String) -> Self {
        Outcome::OverMemory { reason }
    }

    fn crashed(reason: String) -> Self {
        Outcome::Crashed { reason }
    }
}

/// A task or outcome file that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a task or outcome.
    #[error("{path} is not a {what} file: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// Where it differs.
        source: serde_json::Error,
    },
}

impl Task {
    /// Evaluates the task in this process.
    pub fn run(&self) -> Outcome {
        let typed = match infer(self.graph.clone()) {
            Ok(typed) => typed,
            Err(e) => {
                return Outcome::Unsupported { reason: format!("the graph of the task does not type-check: {e}") };
            }
        };
        let splits = match self.data.load().and_then(|d| Splits::new(Arc::new(d), &self.splits)) {
            Ok(splits) => splits,
            Err(e) => return Outcome::Failed { reason: e.to_string() },
        };
        let found = match self.aim {
            Aim::Metrics => {
                fit(&typed, &splits, &self.config, &mut |_| ControlFlow::Continue(())).map(Outcome::Trained)
            }
            Aim::Proxies => proxies(&typed, &splits, &self.config).map(Outcome::Seen),
        };
        found.unwrap_or_else(Outcome::from)
    }
}

impl From<FitError> for Outcome {
    fn from(e: FitError) -> Self {
        let reason = e.to_string();
        match e {
            FitError::Diverged { .. } | FitError::Hopeless { .. } => Outcome::Diverged { reason },
            FitError::TimedOut { .. } | FitError::TooSlow { .. } => Outcome::TimedOut { reason },
            FitError::OverMemory { .. } => Outcome::OverMemory { reason },
            FitError::Lower(LowerError::State { .. }) => Outcome::Failed { reason },
            FitError::Lower(_) | FitError::Initial(_) | FitError::Loss(_) => Outcome::Unsupported { reason },
            FitError::Data(DataError::TooSmall { .. }) => Outcome::Failed { reason },
            FitError::Device(_) | FitError::Data(_) | FitError::Stopped { .. } => Outcome::Failed { reason },
            FitError::Backend(_) => Outcome::Crashed { reason },
        }
    }
}

/// The worker's whole work: reads a task file, evaluates it, writes the outcome file.
///
/// # Errors
/// A task that cannot be read, an outcome that cannot be written. A bad candidate is an outcome, not an error.
pub fn run_task(task: &Path, result: &Path) -> Result<(), WorkerError> {
    run_file(task, result, Task::run)
}

/// A worker's work on tasks of any kind: reads a task file, runs it, writes the outcome file.
///
/// # Errors
/// As [`run_task`].
pub fn run_file<T: DeserializeOwned, R: Serialize>(
    task: &Path,
    result: &Path,
    run: impl FnOnce(&T) -> R,
) -> Result<(), WorkerError> {
    let task = read_json::<T>(task, "task")?;
    write_json(result, &run(&task))
}

/// Calls `on_end` when standard input ends, from a thread of its own: the parent that held its other end is gone.
pub fn watch_parent(on_end: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        let mut input = std::io::stdin();
        while !matches!(input.read(&mut buffer), Ok(0) | Err(_)) {}
        on_end();
    });
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, WorkerError> {
    let text = std::fs::read_to_string(path).map_err(|source| WorkerError::Io { path: path.to_path_buf(), source })?;
    serde_json::from_str(&text).map_err(|source| WorkerError::Format { path: path.to_path_buf(), what, source })
}

/// Writes a file whole or not at all: into a temporary file beside it, then renamed.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), WorkerError> {
    let io = |source: std::io::Error| WorkerError::Io { path: path.to_path_buf(), source };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    serde_json::to_writer(&mut file, value).map_err(|e| io(e.into()))?;
    file.flush().map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}
