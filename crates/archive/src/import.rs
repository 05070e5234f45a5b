//! Networks from outside, read as data: a folder of Python files or a wheel, with or without measured accuracies.
//!
//! Two layouts are known. A plain folder of `*.py` files. Or the layout of LEMUR: `nn/*.py`, and for each network
//! `stat/train/img-classification_<DATA>_acc_<NAME>/<EPOCHS>.json`, a list of measurements with an `accuracy`; the
//! best of `1.json` is taken, the one-epoch accuracy. A wheel, or any other zip archive, is read where it lies: nothing of
//! it is unpacked onto the disk, and no name in it becomes a path outside it.
//!
//! Nothing is executed and nothing is judged: a file that can be read as text becomes a record, with no fingerprint.
//! Files that can't are listed with the reason. Records are sorted by name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::record::SeedRecord;

/// Bytes a file of a corpus may have. The largest network of LEMUR has 0.1 MB; an archive's entry may claim to be anything.
const LARGEST: u64 = 16 << 20;

/// Why nothing could be imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// It can't be listed or opened.
    #[error("{path}: {source}")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// A file that is no wheel.
    #[error("{path}: expected a folder, or a wheel (.whl, .zip): {reason}")]
    NoArchive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it as a zip archive.
        reason: ZipError,
    },
    /// There is nothing to import.
    #[error("{path}: expected *.py files, or a folder nn/ with them (LEMUR's layout); found neither")]
    Empty {
        /// The folder or file.
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

/// Reads a folder or a wheel, with accuracies on these images, by LEMUR's name of them.
///
/// # Errors
/// [`ImportError::Io`] where it can't be listed, [`ImportError::NoArchive`] where it is a file of another kind,
/// [`ImportError::Empty`] where it holds no network.
pub fn import_corpus(path: &Path, data: &str) -> Result<Imported, ImportError> {
    let mut corpus = if path.is_file() { Corpus::of_archive(path)? } else { Corpus::of_folder(path)? };
    if corpus.networks.is_empty() {
        return Err(ImportError::Empty { path: path.to_path_buf() });
    }
    let mut imported = Imported::default();
    for (name, file) in std::mem::take(&mut corpus.networks) {
        let text = match corpus.read(&file).map_err(|error| error.to_string()).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
        }) {
            Ok(text) => text,
            Err(reason) => {
                imported.skipped.push((path.join(file), reason));
                continue;
            }
        };
        let measured = format!("{}stat/train/img-classification_{data}_acc_{name}/1.json", corpus.root);
        let accuracy = match one_epoch_accuracy(corpus.read(&measured)) {
            Ok(accuracy) => accuracy,
            Err(reason) => {
                imported.skipped.push((path.join(measured), reason));
                None
            }
        };
        imported.seeds.push(SeedRecord { name, text, accuracy, fingerprint: None });
    }
    Ok(imported)
}

/// Where the files of a corpus are.
enum Files {
    Folder(PathBuf),
    Archive(Box<ZipArchive<File>>),
}

/// A corpus that has been listed.
struct Corpus {
    files: Files,
    /// The networks' files by the networks' names, from the top of the corpus, with `/` between the parts.
    networks: BTreeMap<String, String>,
    /// What stands before `nn/` and `stat/`: empty, or it ends with `/`.
    root: String,
}

impl Corpus {
    fn of_folder(path: &Path) -> Result<Corpus, ImportError> {
        let inner = if path.join("nn").is_dir() { "nn/" } else { "" };
        let sources = path.join(inner);
        let io_error = |source| ImportError::Io { path: sources.clone(), source };
        let mut networks = BTreeMap::new();
        for entry in std::fs::read_dir(&sources).map_err(io_error)? {
            let entry = entry.map_err(io_error)?;
            let file = entry.file_name().to_string_lossy().into_owned();
            if let Some(name) = network_name(&file)
                && entry.path().is_file()
            {
                networks.insert(name.to_string(), format!("{inner}{file}"));
            }
        }
        Ok(Corpus { files: Files::Folder(path.to_path_buf()), networks, root: String::new() })
    }

    fn of_archive(path: &Path) -> Result<Corpus, ImportError> {
        let file = File::open(path).map_err(|source| ImportError::Io { path: path.to_path_buf(), source })?;
        let archive =
            ZipArchive::new(file).map_err(|reason| ImportError::NoArchive { path: path.to_path_buf(), reason })?;
        let mut folders: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        // An entry whose name is no text is no network.
        for file in archive.file_names().flatten() {
            let (folder, last) = file.rsplit_once('/').unwrap_or(("", &file));
            if let Some(name) = network_name(last) {
                folders.entry(folder.to_string()).or_default().insert(name.to_string(), file.to_string());
            }
        }
        // A wheel has other Python files too, and its own package may be called nn: the networks are where the most are.
        let is_nn = |folder: &str| folder == "nn" || folder.ends_with("/nn");
        let (folder, networks) =
            folders.into_iter().max_by_key(|(folder, networks)| (is_nn(folder), networks.len())).unwrap_or_default();
        let root = if is_nn(&folder) { folder[..folder.len() - 2].to_string() } else { String::new() };
        Ok(Corpus { files: Files::Archive(Box::new(archive)), networks, root })
    }

    /// The bytes of a file, by its name from the top of the corpus.
    fn read(&mut self, file: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match &mut self.files {
            Files::Folder(folder) => File::open(folder.join(file))?.take(LARGEST + 1).read_to_end(&mut bytes)?,
            Files::Archive(archive) => archive.by_name(file)?.take(LARGEST + 1).read_to_end(&mut bytes)?,
        };
        if bytes.len() as u64 > LARGEST {
            return Err(io::Error::new(ErrorKind::FileTooLarge, format!("larger than {} MiB", LARGEST >> 20)));
        }
        Ok(bytes)
    }
}

/// A network's name from its file's: `None` where it is no network.
fn network_name(file: &str) -> Option<&str> {
    file.strip_suffix(".py").filter(|name| !name.is_empty() && *name != "__init__")
}

/// The best accuracy in a file of measurements; none where there is no such file.
fn one_epoch_accuracy(file: io::Result<Vec<u8>>) -> Result<Option<f64>, String> {
    let bytes = match file {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let runs: Vec<Measurement> =
        serde_json::from_slice(&bytes).map_err(|error| format!("expected a list of measurements: {error}"))?;
    let accuracies = runs.into_iter().filter_map(|run| run.accuracy).filter(|value| (0.0..=1.0).contains(value));
    Ok(accuracies.reduce(f64::max))
}
