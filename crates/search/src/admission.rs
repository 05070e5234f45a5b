//! Which trained candidates are kept: those that reach the threshold, and the next best where a cycle has too few.

use crate::config::Admission;
use archsmith_archive::{CandidateRecord, Stage};

/// Whether a validation accuracy is enough. One that is no number never is.
pub fn admits(admission: &Admission, accuracy_val: f64) -> bool {
    accuracy_val >= admission.threshold
}

/// The next best candidates of a cycle that stayed below the threshold, where the configuration tops up; by their ids.
pub fn top_up(admission: &Admission, all: &[CandidateRecord]) -> Vec<String> {
    let admitted = all.iter().filter(|r| r.admitted).count();
    let accuracy = |r: &CandidateRecord| r.metrics.as_ref().map_or(f64::NEG_INFINITY, |m| m.accuracy_val);
    let mut below: Vec<&CandidateRecord> = all
        .iter()
        .filter(|r| !r.admitted && r.verdict.stage() == Stage::Trained && accuracy(r) >= admission.top_up_floor)
        .collect();
    below.sort_by(|a, b| accuracy(b).total_cmp(&accuracy(a)).then(a.index.cmp(&b.index)));
    below.truncate(admission.top_up.saturating_sub(admitted));
    below.into_iter().map(|r| r.id.clone()).collect()
}
