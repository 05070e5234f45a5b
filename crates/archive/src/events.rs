//! The event log of a run: one JSON object a line, appended as things happen.
//!
//! For people and for progress displays; the archive, not the log, is what a run resumes from. Invariants: lines are
//! whole, in the order of their events; a line cut off by a crash is removed when the log is opened again, and a write
//! that fails (a full disk) is taken back, so that the log never holds half a line in its middle. After a resume a
//! candidate that was in flight may appear twice.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A new run began.
    RunStarted {
        /// Its id.
        run_id: String,
        /// Version of the program.
        version: String,
        /// The run's seed.
        seed: u64,
        /// Cycles planned.
        cycles: u32,
        /// Candidates planned for each cycle.
        candidates: u32,
    },
    /// A run that was interrupted goes on.
    RunResumed {
        /// Its id.
        run_id: String,
        /// Cycle at which it goes on.
        cycle: u32,
        /// Candidates of that cycle that are already there.
        candidates: u32,
    },
    /// A cycle began.
    CycleStarted {
        /// The cycle.
        cycle: u32,
        /// Candidates planned.
        candidates: u32,
    },
    /// The language model wrote a proposal.
    Generated {
        /// The cycle.
        cycle: u32,
        /// Number within the cycle.
        index: u32,
        /// Tokens written.
        tokens: u32,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// A candidate's training began.
    TrainingStarted {
        /// Its id.
        id: String,
        /// Trainable parameters.
        params: u64,
    },
    /// A candidate was trained on a share of the images, to see whether more is worth it.
    RungFinished {
        /// Its id.
        id: String,
        /// The cycle.
        cycle: u32,
        /// The share, 0–1.
        share: f64,
        /// Accuracy on the validation split.
        accuracy_val: Option<f64>,
    },
    /// A candidate is in the archive.
    CandidateFinished {
        /// Its id.
        id: String,
        /// The cycle.
        cycle: u32,
        /// Number within the cycle.
        index: u32,
        /// Code of its verdict.
        verdict: String,
        /// Accuracy on the validation split.
        accuracy_val: Option<f64>,
        /// Its novelty.
        novelty: Option<f64>,
        /// Whether it was admitted.
        admitted: bool,
        /// Wall-clock seconds of its evaluation.
        seconds: f64,
    },
    /// Fine-tuning began.
    SftStarted {
        /// The cycle.
        cycle: u32,
        /// Prompt–code pairs.
        pairs: u64,
        /// Steps planned.
        steps: u64,
    },
    /// One step of fine-tuning.
    SftStep {
        /// The cycle.
        cycle: u32,
        /// The step, counted from 1.
        step: u64,
        /// Mean loss per completion token.
        loss: Option<f64>,
    },
    /// A cycle is finished.
    CycleFinished {
        /// The cycle.
        cycle: u32,
        /// Its candidates.
        candidates: u32,
        /// How many of them were valid.
        valid: u32,
        /// How many were admitted.
        admitted: u32,
        /// Their best accuracy on the validation split.
        best_accuracy_val: Option<f64>,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// The run was stopped before its end, and can be resumed.
    Interrupted {
        /// The cycle it was in.
        cycle: u32,
    },
    /// The run is finished.
    RunFinished {
        /// Digest of its archive.
        digest: String,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// Something a person should know, that did not stop the run.
    Warning {
        /// The message.
        message: String,
    },
}

/// An event and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedEvent {
    /// Milliseconds since the Unix epoch, brought by the caller.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Why the event log could not be read or written.
#[derive(Debug, Error)]
pub enum EventLogError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The log.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// A whole line is not an event.
    #[error("{path}, line {line}: expected an event as one JSON object: {reason}")]
    NotAnEvent {
        /// The log.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the JSON reader says.
        reason: String,
    },
}

/// The log, open for appending.
#[derive(Debug)]
pub struct EventLog {
    file: File,
    path: PathBuf,
    length: u64,
}

impl EventLog {
    /// Opens a log, or makes one. A last line without its line end, left by a crash, is cut off.
    ///
    /// # Errors
    /// [`EventLogError::Io`].
    pub fn open(path: &Path) -> Result<EventLog, EventLogError> {
        let io_error = |source| EventLogError::Io { path: path.to_path_buf(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io_error)?;
        let size = file.metadata().map_err(io_error)?.len();
        let length = whole_lines_length(&mut file, size).map_err(io_error)?;
        if length < size {
            file.set_len(length).and_then(|()| file.sync_all()).map_err(io_error)?;
        }
        file.seek(SeekFrom::Start(length)).map_err(io_error)?;
        Ok(EventLog { file, path: path.to_path_buf(), length })
    }

    /// Appends one event. It reaches the operating system at once, and the disk with [`EventLog::sync`].
    ///
    /// # Errors
    /// [`EventLogError::Io`]; what was half written is taken back.
    pub fn append(&mut self, event: &TimedEvent) -> Result<(), EventLogError> {
        let mut line = serde_json::to_vec(event).map_err(|error| self.io_error(error.into()))?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line) {
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(self.io_error(error));
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Flushes the log to the disk: called where a candidate or a cycle ends.
    ///
    /// # Errors
    /// [`EventLogError::Io`].
    pub fn sync(&mut self) -> Result<(), EventLogError> {
        self.file.sync_data().map_err(|error| self.io_error(error))
    }

    /// All events of a log. A last line that was cut off is left out.
    ///
    /// # Errors
    /// [`EventLogError::Io`]; [`EventLogError::NotAnEvent`] for a whole line that can't be read.
    pub fn read(path: &Path) -> Result<Vec<TimedEvent>, EventLogError> {
        let bytes = std::fs::read(path).map_err(|source| EventLogError::Io { path: path.to_path_buf(), source })?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        bytes[..whole]
            .split(|&byte| byte == b'\n')
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
            .map(|(index, line)| {
                serde_json::from_slice(line).map_err(|error| EventLogError::NotAnEvent {
                    path: path.to_path_buf(),
                    line: index + 1,
                    reason: error.to_string(),
                })
            })
            .collect()
    }

    fn io_error(&self, source: io::Error) -> EventLogError {
        EventLogError::Io { path: self.path.clone(), source }
    }
}

/// Length of the part of a file of `size` bytes that ends in a line end, found from the back.
fn whole_lines_length(file: &mut File, size: u64) -> io::Result<u64> {
    let mut end = size;
    let mut block = [0_u8; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let part = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
