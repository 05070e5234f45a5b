//! The results of a run as LEMUR keeps its own, so that what reads that corpus reads them too.
//!
//! ```text
//! FOLDER/nn/Archsmith-<id>.py
//! FOLDER/stat/train/img-classification_<data>_acc_Archsmith-<id>/<epochs>.json     a list of measurements
//! ```
//!
//! LEMUR's accuracies are those of the test split, so these are too. Invariants: each file appears whole; a second export of the same
//! run into the folder changes nothing; files of others are left alone.

use crate::record::{CandidateRecord, Metrics, text_hash};
use crate::retrainings::RetrainingRecord;
use crate::run_dir::write_atomically;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// How a run's candidates were trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured<'a> {
    /// LEMUR's name of the images: `cifar-10`.
    pub data: &'a str,
    /// LEMUR's name of what was done to them: `norm_32`.
    pub transform: &'a str,
    /// Images in a step.
    pub batch: usize,
    /// What each network got as `prm`.
    pub prm: &'a BTreeMap<String, f64>,
    /// Trainings beyond the run's own.
    pub again: &'a [RetrainingRecord],
}

/// The name of a candidate in LEMUR's layout.
pub fn lemur_name(candidate: &CandidateRecord) -> String {
    format!("Archsmith-{}", candidate.id)
}

/// Writes candidates with their test accuracies; those without one are left out. Gives how many networks were written.
///
/// # Errors
/// Those of the file system, with the file.
pub fn export_lemur(
    candidates: &[CandidateRecord],
    measured: &Measured<'_>,
    folder: &Path,
) -> Result<usize, (PathBuf, io::Error)> {
    let mut written = 0;
    for candidate in candidates {
        let mut by_epochs: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
        let again = measured.again.iter().filter(|r| r.candidate == candidate.id).map(|r| (r.metrics.as_ref(), r.seed));
        for (metrics, seed) in std::iter::once((candidate.metrics.as_ref(), candidate.seed)).chain(again) {
            if let Some(metrics) = metrics.filter(|m| m.accuracy_test.is_finite()) {
                let one = measurement(candidate, metrics, seed, measured);
                by_epochs.entry(metrics.epochs).or_default().push(one);
            }
        }
        if by_epochs.is_empty() {
            continue;
        }
        let name = lemur_name(candidate);
        write(&folder.join("nn").join(format!("{name}.py")), candidate.text.as_bytes())?;
        let stat = folder.join(format!("stat/train/img-classification_{}_acc_{name}", measured.data));
        for (epochs, mut all) in by_epochs {
            // Best first, as LEMUR has them.
            let accuracy = |one: &Value| one["accuracy"].as_f64().unwrap_or(0.0);
            all.sort_by(|a, b| accuracy(b).total_cmp(&accuracy(a)));
            let text = serde_json::to_string_pretty(&all).map_err(|e| (stat.clone(), e.into()))?;
            write(&stat.join(format!("{epochs}.json")), text.as_bytes())?;
        }
        written += 1;
    }
    Ok(written)
}

fn measurement(candidate: &CandidateRecord, metrics: &Metrics, seed: u64, measured: &Measured<'_>) -> Value {
    let mut one: Map<String, Value> = measured.prm.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    one.insert("accuracy".into(), json!(metrics.accuracy_test));
    one.insert("accuracy_val".into(), json!(metrics.accuracy_val));
    one.insert("batch".into(), json!(measured.batch));
    // Nanoseconds.
    one.insert("duration".into(), json!((metrics.seconds.max(0.0) * 1e9) as u64));
    one.insert("transform".into(), json!(measured.transform));
    one.insert("seed".into(), json!(seed));
    one.insert("uid".into(), json!(text_hash(&format!("{} {seed} {}", candidate.id, metrics.epochs))));
    one.sort_keys();
    Value::Object(one)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), (PathBuf, io::Error)> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| write_atomically(path, bytes)).map_err(|e| (path.to_path_buf(), e))
}
