//! Candidates trained again, from other seeds or for longer: the file `retrainings.jsonl` of a run, one result a line.
//!
//! They tell how much of a difference between two networks is a difference of seeds. They are no part of the archive: its digest
//! does not know them. Invariants: the file is written as a whole, atomically; a result is known by its candidate, its length of
//! training and its number, and is there once.

use crate::record::{Metrics, Verdict};
use crate::run_dir::write_atomically;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// One training of a candidate beyond the one that the run decided by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrainingRecord {
    /// Id of the candidate.
    pub candidate: String,
    /// Epochs trained.
    pub epochs: u32,
    /// Which of the trainings of so many epochs, from 0.
    pub repeat: u32,
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub verdict: Verdict,
    /// What was measured.
    pub metrics: Option<Metrics>,
}

/// Why results could not be read or written.
#[derive(Debug, Error)]
pub enum RetrainingError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// A line is no result.
    #[error(
        "{path}, line {line}: expected the result of a training as a JSON object: {reason}; delete the line to have it made anew"
    )]
    NotAResult {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the JSON reader says.
        reason: String,
    },
}

/// The results of a run.
#[derive(Debug)]
pub struct Retrainings {
    path: PathBuf,
    all: Vec<RetrainingRecord>,
}

impl Retrainings {
    /// Reads the file; where there is none, there are no results yet.
    ///
    /// # Errors
    /// [`RetrainingError`].
    pub fn open(path: &Path) -> Result<Retrainings, RetrainingError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(RetrainingError::Io { path: path.to_path_buf(), source }),
        };
        let mut all = Vec::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            all.push(serde_json::from_str(line).map_err(|e| RetrainingError::NotAResult {
                path: path.to_path_buf(),
                line: at + 1,
                reason: e.to_string(),
            })?);
        }
        Ok(Retrainings { path: path.to_path_buf(), all })
    }

    /// All results, in the order in which they came.
    pub fn all(&self) -> &[RetrainingRecord] {
        &self.all
    }

    /// Whether this training is there.
    pub fn has(&self, candidate: &str, epochs: u32, repeat: u32) -> bool {
        self.all.iter().any(|r| r.candidate == candidate && r.epochs == epochs && r.repeat == repeat)
    }

    /// Adds a result; one that is there stays as it is.
    ///
    /// # Errors
    /// [`RetrainingError::Io`]; the old file is whole then.
    pub fn add(&mut self, record: RetrainingRecord) -> Result<(), RetrainingError> {
        if self.has(&record.candidate, record.epochs, record.repeat) {
            return Ok(());
        }
        self.all.push(record);
        let io_error = |source| RetrainingError::Io { path: self.path.clone(), source };
        let mut bytes = Vec::new();
        for record in &self.all {
            serde_json::to_writer(&mut bytes, record).map_err(|e| io_error(e.into()))?;
            bytes.push(b'\n');
        }
        write_atomically(&self.path, &bytes).map_err(io_error)
    }
}
