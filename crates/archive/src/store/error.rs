//! What can go wrong with an archive, in words for a person.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the archive could not be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process writes it.
    #[error("{path}: another process is writing this run; wait until it ends, or stop it")]
    Locked {
        /// The archive.
        path: PathBuf,
    },
    /// There is no archive.
    #[error("{path}: no archive there; give the folder of a run")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// No room on the disk.
    #[error("{path}: the disk is full; what was written before is whole: free some space and resume the run")]
    DiskFull {
        /// The archive.
        path: PathBuf,
    },
    /// It may not be written.
    #[error("{path}: the archive can't be written: it, its folder or its disk is read-only; check its permissions")]
    ReadOnly {
        /// The archive.
        path: PathBuf,
    },
    /// It is no archive, or a damaged one.
    #[error("{path}: not an archive, or a damaged one ({reason}); restore it from a copy")]
    Damaged {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A newer program made it.
    #[error("{path}: the archive has schema {found}, this program knows up to {known}; use a newer archsmith")]
    TooNew {
        /// The archive.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The newest schema known here.
        known: usize,
    },
    /// A record is there under this id, and it is another one.
    #[error("{what} {id} is already in the archive with another content; a run's records never change")]
    Conflict {
        /// Candidate, cycle, run, …
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A record cannot be written as JSON.
    #[error("{what} {id} can't be written as JSON: {reason}")]
    NotJson {
        /// Candidate, cycle, run, …
        what: &'static str,
        /// Its id.
        id: String,
        /// What the JSON writer says.
        reason: String,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// Anything else that SQLite says.
    #[error("{path}: {source}")]
    Sqlite {
        /// The archive.
        path: PathBuf,
        /// The error.
        source: rusqlite::Error,
    },
}

pub(super) fn conflict(what: &'static str, id: &str) -> StoreError {
    StoreError::Conflict { what, id: id.to_owned() }
}

pub(super) fn not_json(what: &'static str, id: &str, error: &serde_json::Error) -> StoreError {
    StoreError::NotJson { what, id: id.to_owned(), reason: error.to_string() }
}

pub(super) fn from_sqlite(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.to_path_buf();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull { path },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            StoreError::ReadOnly { path }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { path, reason: error.to_string() }
        }
        _ => StoreError::Sqlite { path, source: error },
    }
}
