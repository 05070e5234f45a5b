//! The threads a model computes on.
//!
//! A pool of its own for each model, so that results and speed do not depend on what else runs in the process.

use crate::error::{LlmError, Result};

/// Worker threads.
#[derive(Debug)]
pub(crate) struct Pool {
    workers: rayon::ThreadPool,
    pub(crate) threads: usize,
}

impl Pool {
    /// Starts `threads` threads; 0: one a core.
    pub(crate) fn new(threads: usize) -> Result<Self> {
        let threads = if threads > 0 { threads } else { std::thread::available_parallelism().map_or(1, usize::from) };
        let workers = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let workers = workers.map_err(|e| LlmError::invalid(format!("cannot start {threads} threads: {e}")))?;
        Ok(Self { workers, threads })
    }

    /// Runs `f` on the pool; parallel work inside stays there.
    pub(crate) fn run<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        self.workers.install(f)
    }
}
