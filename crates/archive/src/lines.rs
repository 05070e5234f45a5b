//! Files with one JSON object a line: pairs, saved proposals, proxies and rungs, results of trainings.
//!
//! A file is always written as a whole, atomically, so that it is whole after a crash too; what is appended to as it goes is the
//! event log ([`crate::events`]). What the objects mean is their owner's affair.

use crate::run_dir::write_atomically;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why such a file could not be read or written.
#[derive(Debug, Error)]
pub enum LinesError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// A line is not what belongs there.
    #[error("{path}, line {line}: {reason}; delete the line to have it made again")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the JSON reader says.
        reason: String,
    },
}

/// The objects of a file; empty lines are skipped. None where there is no file yet.
///
/// # Errors
/// [`LinesError`].
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, LinesError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(LinesError::Io { path: path.to_path_buf(), source }),
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let object = |(at, line)| {
        serde_json::from_str(line).map_err(|e| LinesError::Line {
            path: path.to_path_buf(),
            line: at + 1,
            reason: e.to_string(),
        })
    };
    lines.map(object).collect()
}

/// Writes a file, in a folder that is made where it is missing.
///
/// # Errors
/// [`LinesError::Io`]; the old file is whole then.
pub fn write_lines<T: Serialize>(path: &Path, objects: &[T]) -> Result<(), LinesError> {
    let failed = |source| LinesError::Io { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    for object in objects {
        serde_json::to_writer(&mut bytes, object).map_err(|e| failed(e.into()))?;
        bytes.push(b'\n');
    }
    path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| write_atomically(path, &bytes)).map_err(failed)
}
