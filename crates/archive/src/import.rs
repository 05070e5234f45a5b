//! Networks from outside, read as data: a folder of Python files, with or without measured accuracies.
//!
//! Two layouts are known. A plain folder of `*.py` files. Or the layout of LEMUR: `nn/*.py`, and for each network
//! `stat/train/img-classification_<DATA>_acc_<NAME>/<EPOCHS>.json`, a list of measurements with an `accuracy`; the
//! best of `1.json` is taken, the one-epoch accuracy.
//!
//! Nothing is executed and nothing is judged: a file that can be read as text becomes a record, with no fingerprint.
//! Files that can't are listed with the reason. Records are sorted by name.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::record::SeedRecord;

/// Why a folder could not be imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// It can't be listed.
    #[error("{path}: {source}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// There is nothing to import.
    #[error("{path}: expected *.py files, or a folder nn/ with them (LEMUR's layout); found neither")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// What an import brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// The networks, by name.
    pub seeds: Vec<SeedRecord>,
    /// Files that could not be read, or whose accuracies could not, and why.
    pub skipped: Vec<(PathBuf, String)>,
}

#[derive(Deserialize)]
struct Measurement {
    accuracy: Option<f64>,
}

/// Reads a folder, with accuracies on these images, by LEMUR's name of them.
///
/// # Errors
/// [`ImportError::Io`] where the folder can't be listed, [`ImportError::Empty`] where it holds no network.
pub fn import_folder(folder: &Path, data: &str) -> Result<Imported, ImportError> {
    let nested = folder.join("nn");
    let sources = if nested.is_dir() { nested } else { folder.to_path_buf() };
    let io_error = |source| ImportError::Io { path: sources.clone(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&sources).map_err(io_error)? {
        let path = entry.map_err(io_error)?.path();
        if path.extension().is_some_and(|extension| extension == "py")
            && path.file_name().is_some_and(|name| name != "__init__.py")
            && path.is_file()
        {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(ImportError::Empty { path: folder.to_path_buf() });
    }
    files.sort();
    let mut imported = Imported::default();
    for path in files {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let text = match std::fs::read(&path).map_err(|error| error.to_string()).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
        }) {
            Ok(text) => text,
            Err(reason) => {
                imported.skipped.push((path, reason));
                continue;
            }
        };
        let measured = folder.join(format!("stat/train/img-classification_{data}_acc_{name}/1.json"));
        let accuracy = match one_epoch_accuracy(&measured) {
            Ok(accuracy) => accuracy,
            Err(reason) => {
                imported.skipped.push((measured, reason));
                None
            }
        };
        imported.seeds.push(SeedRecord { name, text, accuracy, fingerprint: None });
    }
    Ok(imported)
}

/// The best accuracy in a file of measurements; none where there is no such file.
fn one_epoch_accuracy(path: &Path) -> Result<Option<f64>, String> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let runs: Vec<Measurement> =
        serde_json::from_slice(&bytes).map_err(|error| format!("expected a list of measurements: {error}"))?;
    let accuracies = runs.into_iter().filter_map(|run| run.accuracy).filter(|value| (0.0..=1.0).contains(value));
    Ok(accuracies.reduce(f64::max))
}
