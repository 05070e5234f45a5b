//! Runs tasks in child processes, several at a time.

use super::{Report, WorkerError, read_json, write_json};
use crate::memory::rss_mb;
use serde::Serialize;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a child is looked at: a candidate that fills memory as fast as pages can be touched gains some 100 MB in between.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What of a child's standard error is kept.
const TAIL_BYTES: usize = 4096;

/// Runs tasks as `program arguments… --task FILE --result FILE`.
#[derive(Clone, Debug)]
pub struct Executor {
    /// The program: as a rule the one that runs.
    pub program: PathBuf,
    /// What comes before `--task`: as a rule `worker`.
    pub arguments: Vec<OsString>,
    /// How many children at a time. Their threads are the tasks' own matter.
    pub workers: usize,
    /// Wall-clock limit of one child.
    pub time_limit: Duration,
    /// Limit of a child's resident memory in MiB; `None`: no limit.
    pub memory_limit_mb: Option<u64>,
    /// Where task and outcome files are kept while they are needed.
    pub folder: PathBuf,
}

/// The executor itself failed; candidates are not to blame.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// A file of the contract.
    #[error(transparent)]
    File(#[from] WorkerError),
    /// The program could not be started.
    #[error("the worker {program} could not be started: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The caller asked to stop.
    #[error("the evaluation was stopped")]
    Stopped,
}

impl Executor {
    /// Evaluates all tasks; outcome `i` belongs to task `i`, whichever finished first. `on_done` hears of each as it comes.
    /// When `stop` becomes true, children are killed and the call ends.
    ///
    /// # Errors
    /// What is no candidate's fault. Children are reaped in any case.
    pub fn run<T: Serialize + Sync, R: Report + Send>(
        &self,
        tasks: &[T],
        stop: &AtomicBool,
        on_done: &mut (dyn FnMut(usize, &R) + Send),
    ) -> Result<Vec<R>, ExecutorError> {
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let outcomes: Mutex<Vec<Option<R>>> = Mutex::new(tasks.iter().map(|_| None).collect());
        let error: Mutex<Option<ExecutorError>> = Mutex::new(None);
        let on_done = Mutex::new(on_done);
        let work = || {
            while !stop.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed) {
                let i = next.fetch_add(1, Ordering::Relaxed);
                let Some(task) = tasks.get(i) else { break };
                match self.one(i, task, &|| stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed)) {
                    Ok(outcome) => {
                        lock(&on_done)(i, &outcome);
                        lock(&outcomes)[i] = Some(outcome);
                    }
                    Err(e) => {
                        failed.store(true, Ordering::Relaxed);
                        lock(&error).get_or_insert(e);
                    }
                }
            }
        };
        thread::scope(|s| {
            for _ in 0..self.workers.clamp(1, tasks.len().max(1)) {
                s.spawn(work);
            }
        });
        if let Some(e) = error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(e);
        }
        let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcomes.into_iter().collect::<Option<Vec<_>>>().ok_or(ExecutorError::Stopped)
    }

    fn one<R: Report>(&self, i: usize, task: &impl Serialize, stop: &dyn Fn() -> bool) -> Result<R, ExecutorError> {
        let io = |source| WorkerError::Io { path: self.folder.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(io)?;
        let folder = tempfile::Builder::new().prefix(&format!("task-{i}-")).tempdir_in(&self.folder).map_err(io)?;
        let (task_path, result) = (folder.path().join("task.json"), folder.path().join("result.json"));
        write_json(&task_path, task)?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg("--task").arg(&task_path).arg("--result").arg(&result);
        // Standard input stays open as long as this process lives: its end tells the child to end.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| ExecutorError::Spawn { program: self.program.clone(), source })?;
        let mut child = Reaped(child);
        let stderr = child.0.stderr.take();
        let tail = thread::spawn(move || stderr.map(tail_of).unwrap_or_default());
        let ended = self.watch(&mut child.0, stop)?;
        drop(child);
        let tail = tail.join().unwrap_or_default();
        Ok(match ended {
            Ended::OutOfTime => {
                R::timed_out(format!("the worker was killed after {:.0} s", self.time_limit.as_secs_f64()))
            }
            Ended::OutOfMemory(used) => R::out_of_memory(format!(
                "out of memory: {used} MiB resident, the limit is {} MiB",
                self.memory_limit_mb.unwrap_or(0)
            )),
            Ended::Exited(status) => outcome_of(status, &result, &tail),
        })
    }

    fn watch(&self, child: &mut Child, stop: &dyn Fn() -> bool) -> Result<Ended, ExecutorError> {
        let start = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(Ended::Exited(status)),
                Ok(None) => {}
                Err(source) => return Err(ExecutorError::Spawn { program: self.program.clone(), source }),
            }
            if stop() {
                return Err(ExecutorError::Stopped);
            }
            if start.elapsed() > self.time_limit {
                return Ok(Ended::OutOfTime);
            }
            let used = self.memory_limit_mb.and_then(|limit| rss_mb(child.id()).filter(|&used| used > limit));
            if let Some(used) = used {
                return Ok(Ended::OutOfMemory(used));
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

enum Ended {
    Exited(ExitStatus),
    OutOfTime,
    OutOfMemory(u64),
}

/// A child that does not outlive its owner.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // Both fail only where the child has been reaped already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn outcome_of<R: Report>(status: ExitStatus, result: &Path, tail: &str) -> R {
    if status.success() {
        return match read_json::<R>(result, "outcome") {
            Ok(outcome) => outcome,
            Err(e) => R::crashed(format!("the worker left no outcome: {e}")),
        };
    }
    let said = tail.trim();
    let said = if said.is_empty() { "it said nothing" } else { said };
    R::crashed(format!("the worker ended with {status}: {said}"))
}

/// The end of what a child writes. Reads all of it: a full pipe would stop the child.
fn tail_of(mut from: impl Read) -> String {
    let mut kept: VecDeque<u8> = VecDeque::with_capacity(2 * TAIL_BYTES);
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        kept.extend(&buffer[..n]);
        let surplus = kept.len().saturating_sub(TAIL_BYTES);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(kept.make_contiguous()).into_owned()
}
