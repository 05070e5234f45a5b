//! The folder of one run, and how files in it are written.
//!
//! ```text
//! config.toml         the resolved configuration
//! seed                the run's seed, decimal
//! versions.json       versions of the program, its formats and its parts
//! events.jsonl        the event log
//! archive.sqlite      the archive (with -wal and -shm while it is open, and .lock)
//! proposals/, proxies/, rungs/  what was written, seen and tried in each cycle, saved as it came
//! adapters/cycle-NNN/ the adapter made in cycle NNN
//! pairs.jsonl         the cumulative prompt–code pairs
//! retrainings.jsonl   candidates trained again, where that was asked for
//! report.html         the report
//! ```
//!
//! Invariants: a file written by [`write_atomically`] is either the old one or the new one, never a part. A run folder
//! is recognised by its `config.toml`; [`RunDir::create`] never writes into a folder that holds anything.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

/// Why a run folder could not be made or opened.
#[derive(Debug, Error)]
pub enum RunDirError {
    /// The folder holds something already.
    #[error(
        "{path}: expected an empty or absent folder for a new run, found {found}; choose another --out, or --resume it"
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// Name of something in it.
        found: String,
    },
    /// It is no run folder.
    #[error("{path}: not a run folder: {missing} is missing; give the folder that `archsmith run --out` made")]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        missing: &'static str,
    },
    /// A file of it is damaged.
    #[error("{path}: expected {expected}; the file was changed or damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> RunDirError {
    let path = path.to_path_buf();
    move |source| RunDirError::Io { path, source }
}

/// The folder of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
}

impl RunDir {
    /// Makes the folder of a new run: seed, versions, and last the configuration, which makes it a run folder. What an attempt to do
    /// so left that was cut short is no obstacle.
    ///
    /// # Errors
    /// [`RunDirError::NotEmpty`] where the folder holds anything else; [`RunDirError::Io`].
    pub fn create(root: &Path, config: &str, seed: u64, versions: &Value) -> Result<RunDir, RunDirError> {
        fs::create_dir_all(root).map_err(io_error(root))?;
        let run = RunDir { root: root.to_path_buf() };
        run.clear_what_was_begun()?;
        fs::create_dir_all(run.adapters()).map_err(io_error(&run.adapters()))?;
        run.write("seed", format!("{seed}\n").as_bytes())?;
        run.write("versions.json", format!("{versions:#}\n").as_bytes())?;
        run.write("config.toml", config.as_bytes())?;
        Ok(run)
    }

    /// Takes away what a [`RunDir::create`] left that did not come to its end: the empty folder that it makes first, and then some of
    /// its small files. Anything else is somebody's.
    fn clear_what_was_begun(&self) -> Result<(), RunDirError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(io_error(&self.root))? {
            found.push(entry.map_err(io_error(&self.root))?.file_name().to_string_lossy().into_owned());
        }
        found.sort_unstable();
        let begun = fs::read_dir(self.adapters()).is_ok_and(|mut inside| inside.next().is_none());
        let ours = |name: &str| {
            let half_written = |whole: &str| name.starts_with(&format!("{whole}.")) && name.ends_with(".tmp");
            ["adapters", "seed", "versions.json"].contains(&name)
                || ["seed", "versions.json", "config.toml"].into_iter().any(half_written)
        };
        if let Some(other) = found.iter().find(|name| !begun || !ours(name)) {
            return Err(RunDirError::NotEmpty { path: self.root.clone(), found: other.clone() });
        }
        for name in found.iter().filter(|name| *name != "adapters") {
            let path = self.root.join(name);
            fs::remove_file(&path).map_err(io_error(&path))?;
        }
        Ok(())
    }

    /// Opens the folder of a run that was made before.
    ///
    /// # Errors
    /// [`RunDirError::NotARun`] where it is none.
    pub fn open(root: &Path) -> Result<RunDir, RunDirError> {
        let run = RunDir { root: root.to_path_buf() };
        for missing in ["config.toml", "seed"] {
            if !root.join(missing).is_file() {
                return Err(RunDirError::NotARun { path: root.to_path_buf(), missing });
            }
        }
        Ok(run)
    }

    /// Writes a file of the run, atomically.
    ///
    /// # Errors
    /// [`RunDirError::Io`]; the old file is whole then.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunDirError> {
        let path = self.root.join(name);
        write_atomically(&path, bytes).map_err(io_error(&path))
    }

    /// The resolved configuration, as TOML.
    ///
    /// # Errors
    /// [`RunDirError::Io`].
    pub fn config(&self) -> Result<String, RunDirError> {
        let path = self.config_path();
        fs::read_to_string(&path).map_err(io_error(&path))
    }

    /// The run's seed.
    ///
    /// # Errors
    /// [`RunDirError::Io`]; [`RunDirError::Damaged`] where the file holds no number.
    pub fn seed(&self) -> Result<u64, RunDirError> {
        let path = self.root.join("seed");
        let text = fs::read_to_string(&path).map_err(io_error(&path))?;
        text.trim().parse().map_err(|_| RunDirError::Damaged { path, expected: "one decimal number below 2^64" })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `config.toml`.
    pub fn config_path(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// `versions.json`.
    pub fn versions_path(&self) -> PathBuf {
        self.root.join("versions.json")
    }

    /// `events.jsonl`.
    pub fn events_path(&self) -> PathBuf {
        self.root.join("events.jsonl")
    }

    /// `archive.sqlite`.
    pub fn archive_path(&self) -> PathBuf {
        self.root.join("archive.sqlite")
    }

    /// `pairs.jsonl`.
    pub fn pairs_path(&self) -> PathBuf {
        self.root.join("pairs.jsonl")
    }

    /// `retrainings.jsonl`.
    pub fn retrainings_path(&self) -> PathBuf {
        self.root.join("retrainings.jsonl")
    }

    /// `report.html`.
    pub fn report_path(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// `adapters`.
    pub fn adapters(&self) -> PathBuf {
        self.root.join("adapters")
    }

    /// `adapters/cycle-NNN`: where the adapter made in this cycle lies.
    pub fn adapter_dir(&self, cycle: u32) -> PathBuf {
        self.root.join(RunDir::adapter_name(cycle))
    }

    /// The same, relative to the run folder and with `/`, as [`crate::CycleRecord::adapter`] holds it.
    pub fn adapter_name(cycle: u32) -> String {
        format!("adapters/cycle-{cycle:03}")
    }
}

/// Writes a file so that a reader, or a crash at any moment, finds the old content or the new, never a part: a file
/// beside it is written, flushed to the disk and renamed over it, then the folder is flushed.
///
/// # Errors
/// Those of the file system; the file that was there is untouched and no temporary file is left.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut beside = name.to_os_string();
    beside.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(beside);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
        return written;
    }
    sync_folder_of(path)
}

/// Makes a rename or a new file in the folder of `path` durable. Windows cannot flush a folder and needs not.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
