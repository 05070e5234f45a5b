//! Results of evaluations in a folder, found again by everything that they depend on, across runs.
//!
//! ```text
//! FOLDER/3f/a9….json     one result; its name is the BLAKE3 of what it depends on
//! ```
//!
//! Invariants: an entry appears whole or not at all, so that several processes may share a folder; one that cannot be read is as
//! one that is not there. What a result depends on is the caller's to know.

use crate::record::{Metrics, Verdict, canonical_json, hash_hex};
use crate::run_dir::write_atomically;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};

/// How an evaluation ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// The verdict.
    pub verdict: Verdict,
    /// What was measured, where it was trained.
    pub metrics: Option<Metrics>,
}

/// A folder of results.
#[derive(Clone, Debug)]
pub struct EvaluationCache {
    folder: PathBuf,
}

impl EvaluationCache {
    /// Opens a folder, or makes it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(folder: &Path) -> io::Result<EvaluationCache> {
        std::fs::create_dir_all(folder)?;
        Ok(EvaluationCache { folder: folder.to_path_buf() })
    }

    /// The key of what a result depends on: equal for equal values, whatever the order of their fields.
    pub fn key(depends_on: &Value) -> String {
        hash_hex(canonical_json(depends_on).as_bytes())
    }

    /// The result with this key.
    pub fn get(&self, key: &str) -> Option<EvaluationRecord> {
        serde_json::from_slice(&std::fs::read(self.path(key)).ok()?).ok()
    }

    /// Keeps a result.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn put(&self, key: &str, result: &EvaluationRecord) -> io::Result<()> {
        let path = self.path(key);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        write_atomically(&path, serde_json::to_string(result)?.as_bytes())
    }

    fn path(&self, key: &str) -> PathBuf {
        let (folder, name) = key.split_at_checked(2).unwrap_or(("", key));
        self.folder.join(folder).join(format!("{name}.json"))
    }
}

/// BLAKE3 of some bytes after another, as hex: what stands for a large file in a key.
pub fn content_hash(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}
