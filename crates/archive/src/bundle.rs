//! A run as one file, and back: a gzipped tar archive of its folder with a manifest in front.
//!
//! Invariants: the same run gives the same file, whenever and wherever it is packed (entries sorted, no times, no owners). What comes out
//! of a file is what its manifest says, byte for byte, or nothing comes out: each entry has the size and the BLAKE3 that are stated,
//! its path lies within the folder, and the archive in it is whole and has the stated digest.

use crate::record::hash_hex;
use crate::run_dir::{RunDir, RunDirError};
use crate::store::{Store, StoreError};
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};
use thiserror::Error;

/// Version of the form of a bundle.
pub const BUNDLE_FORMAT: u32 = 1;
/// Name of the manifest, the first entry.
const MANIFEST: &str = "MANIFEST.json";
/// Largest manifest that is read.
const MANIFEST_BYTES: u64 = 64 << 20;
/// What is made anew where it is missing, or belongs to a process that has the archive open.
const LEFT_OUT: [&str; 4] = [".lock", "-wal", "-shm", ".tmp"];

/// What is in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`BUNDLE_FORMAT`] of the program that made it.
    pub format: u32,
    /// Id of the run, where it has one yet.
    pub run_id: Option<String>,
    /// Digest of its archive.
    pub digest: String,
    /// Its files, by name.
    pub files: Vec<BundledFile>,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledFile {
    /// Path in the run's folder, with `/`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its BLAKE3, as hex.
    pub blake3: String,
}

/// Why a run could not be packed or unpacked.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The run's folder.
    #[error(transparent)]
    Dir(#[from] RunDirError),
    /// The run's archive.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is no bundle, or not the one that it was.
    #[error("{path}: {what}; export the run again, or fetch the file again")]
    Damaged {
        /// The bundle.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A newer program made it.
    #[error("{path}: a bundle of form {found}, and this program knows {BUNDLE_FORMAT}; use a newer one")]
    TooNew {
        /// The bundle.
        path: PathBuf,
        /// Its form.
        found: u32,
    },
    /// There is something already.
    #[error("{path}: expected an empty or absent folder for the run, found {found}; choose another --out")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// Name of something in it.
        found: String,
    },
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> BundleError + use<> {
    let path = path.to_path_buf();
    move |source| BundleError::Io { path: path.clone(), source }
}

/// Packs a run into a file, which appears whole or not at all.
///
/// # Errors
/// [`StoreError::Locked`] while a process works on the run; what the file system says.
pub fn export_run(run: &RunDir, out: &Path) -> Result<Manifest, BundleError> {
    // Open for writing: nobody else writes meanwhile, and what is in the write-ahead log goes into the one file.
    let store = Store::open(&run.archive_path())?;
    store.checkpoint()?;
    let mut names = Vec::new();
    list(run.root(), "", &mut names)?;
    names.sort();
    let mut files = Vec::new();
    for name in names {
        let path = run.root().join(&name);
        let bytes = fs::read(&path).map_err(io_error(&path))?;
        files.push(BundledFile { bytes: bytes.len() as u64, blake3: hash_hex(&bytes), name });
    }
    let manifest =
        Manifest { format: BUNDLE_FORMAT, run_id: store.run()?.map(|run| run.run_id), digest: store.digest()?, files };
    let mut beside = out.as_os_str().to_os_string();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = pack(run, &manifest, &beside)
        .and_then(|()| fs::rename(&beside, out).map_err(|source| BundleError::Io { path: out.to_path_buf(), source }));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map(|()| manifest)
}

/// The files below a folder that belong to the run, by their paths from `prefix` on.
fn list(root: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), BundleError> {
    let folder = root.join(prefix);
    for entry in fs::read_dir(&folder).map_err(io_error(&folder))? {
        let entry = entry.map_err(io_error(&folder))?;
        let own = entry.file_name().to_string_lossy().into_owned();
        let name = if prefix.is_empty() { own } else { format!("{prefix}/{own}") };
        let kind = entry.file_type().map_err(io_error(&entry.path()))?;
        if kind.is_dir() {
            list(root, &name, names)?;
        } else if kind.is_file() && !LEFT_OUT.iter().any(|end| name.ends_with(end)) {
            names.push(name);
        }
    }
    Ok(())
}

fn pack(run: &RunDir, manifest: &Manifest, path: &Path) -> Result<(), BundleError> {
    let failed = io_error(path);
    let file = File::create(path).map_err(&failed)?;
    // No time and no name in gzip's head either.
    let gzip: GzEncoder<BufWriter<File>> = GzBuilder::new().write(BufWriter::new(file), Compression::default());
    let mut tar = tar::Builder::new(gzip);
    let text = serde_json::to_vec(manifest).map_err(|e| failed(e.into()))?;
    append(&mut tar, MANIFEST, &text).map_err(&failed)?;
    for entry in &manifest.files {
        let source = run.root().join(&entry.name);
        let bytes = fs::read(&source).map_err(io_error(&source))?;
        append(&mut tar, &entry.name, &bytes).map_err(&failed)?;
    }
    let buffer = tar.into_inner().and_then(GzEncoder::finish).map_err(&failed)?;
    let file = buffer.into_inner().map_err(|e| failed(e.into_error()))?;
    file.sync_all().map_err(&failed)
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    tar.append_data(&mut header, name, bytes)
}

/// Unpacks a run into a folder that is absent or empty, and checks it. The folder is there whole or not at all.
///
/// # Errors
/// [`BundleError`]; nothing is left behind then.
pub fn import_run(bundle: &Path, root: &Path) -> Result<Manifest, BundleError> {
    if let Ok(mut inside) = fs::read_dir(root)
        && let Some(Ok(entry)) = inside.next()
    {
        let found = entry.file_name().to_string_lossy().into_owned();
        return Err(BundleError::NotEmpty { path: root.to_path_buf(), found });
    }
    let mut beside = root.as_os_str().to_os_string();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    let unpacked = unpack(bundle, &beside).and_then(|manifest| {
        if root.is_dir() {
            fs::remove_dir(root).map_err(io_error(root))?;
        }
        fs::rename(&beside, root).map_err(io_error(root))?;
        Ok(manifest)
    });
    if unpacked.is_err() {
        let _ = fs::remove_dir_all(&beside);
    }
    unpacked
}

fn unpack(bundle: &Path, into: &Path) -> Result<Manifest, BundleError> {
    let damaged = |what: String| BundleError::Damaged { path: bundle.to_path_buf(), what };
    let unreadable = |e: io::Error| damaged(format!("it cannot be read as a run in one file: {e}"));
    let file = File::open(bundle).map_err(io_error(bundle))?;
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    let mut entries = tar.entries().map_err(unreadable)?;
    let mut first = match entries.next() {
        Some(entry) => entry.map_err(unreadable)?,
        None => return Err(damaged("it is empty".to_string())),
    };
    if first.path().map_err(unreadable)?.as_ref() != Path::new(MANIFEST) || first.size() > MANIFEST_BYTES {
        return Err(damaged(format!("it does not begin with {MANIFEST}: no run in one file")));
    }
    let mut text = Vec::new();
    first.read_to_end(&mut text).map_err(unreadable)?;
    // The form first: another one may have other fields.
    #[derive(Deserialize)]
    struct Form {
        format: u32,
    }
    let form: Form = serde_json::from_slice(&text).map_err(|e| damaged(format!("its manifest: {e}")))?;
    if form.format > BUNDLE_FORMAT {
        return Err(BundleError::TooNew { path: bundle.to_path_buf(), found: form.format });
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| damaged(format!("its manifest: {e}")))?;
    fs::create_dir_all(into).map_err(io_error(into))?;
    for expected in &manifest.files {
        let name = &expected.name;
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || name.is_empty() {
            return Err(damaged(format!("{name:?} is no path within the run")));
        }
        let mut entry = match entries.next() {
            Some(entry) => entry.map_err(unreadable)?,
            None => return Err(damaged(format!("it ends before {name}"))),
        };
        let is_it = entry.path().map_err(unreadable)?.as_ref() == Path::new(name);
        if !is_it || entry.header().entry_type() != tar::EntryType::Regular || entry.size() != expected.bytes {
            return Err(damaged(format!("{name} is not there as its manifest says")));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(unreadable)?;
        if hash_hex(&bytes) != expected.blake3 {
            return Err(damaged(format!("{name} is not the file that was packed")));
        }
        let path = into.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io_error(folder))?;
        }
        let write = |path: &Path| File::create(path).and_then(|mut f| f.write_all(&bytes).and_then(|()| f.sync_all()));
        write(&path).map_err(io_error(&path))?;
    }
    if entries.next().is_some() {
        return Err(damaged("it holds more than its manifest says".to_string()));
    }
    let run = RunDir::open(into)?;
    let store = Store::open_read_only(&run.archive_path())?;
    if let Some(problem) = store.verify()?.first() {
        return Err(damaged(format!("its archive is damaged: {}: {}", problem.subject, problem.message)));
    }
    let found = store.digest()?;
    if found != manifest.digest {
        return Err(damaged(format!("its archive has the digest {found}, its manifest says {}", manifest.digest)));
    }
    Ok(manifest)
}
