//! Candidates trained again, from other seeds or for longer: the file `retrainings.jsonl` of a run, one result a line.
//!
//! They tell how much of a difference between two networks is a difference of seeds. They are no part of the archive: its digest
//! does not know them. Invariants: the file is written as a whole, atomically; a result is known by its candidate, its length of
//! training and its number, and is there once.

use crate::lines::{LinesError, read_lines, write_lines};
use crate::record::{Metrics, Verdict};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

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
    /// [`LinesError`].
    pub fn open(path: &Path) -> Result<Retrainings, LinesError> {
        Ok(Retrainings { path: path.to_path_buf(), all: read_lines(path)? })
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
    /// [`LinesError::Io`]; the old file is whole then.
    pub fn add(&mut self, record: RetrainingRecord) -> Result<(), LinesError> {
        if self.has(&record.candidate, record.epochs, record.repeat) {
            return Ok(());
        }
        self.all.push(record);
        write_lines(&self.path, &self.all)
    }
}
