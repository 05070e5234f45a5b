//! Runs side by side.

use archsmith_report::{Comparison, cycle_records};

use crate::fixture;

#[test]
fn a_comparison_has_each_run_s_own_figures() {
    let view = fixture::view();
    let mut other = view.clone();
    other.totals.admitted = 0;
    if let Some(run) = &mut other.run {
        run.config = run.config.replace("threshold = 0.4", "threshold = 0.5");
    }
    let comparison = Comparison::of(&[("a".into(), view.clone()), ("b, again".into(), other)]);
    let [a, b] = &comparison.runs[..] else { panic!("two runs") };
    assert_eq!((a.raw_valid.count, a.raw_valid.total, a.admitted), (33, 48, view.totals.admitted));
    assert_eq!(a.raw_valid_peak.map(|s| s.count), Some(13));
    let (first, best) = (a.accuracy_first.unwrap().mean, a.accuracy_best.unwrap().mean);
    assert!((a.gain.unwrap() - (best - first)).abs() < 1e-12 && best >= first);
    assert!(a.seconds_per_admitted.is_some() && b.seconds_per_admitted.is_none());
    let keys: Vec<&String> = comparison.differences.keys().collect();
    assert_eq!(keys, ["admission.threshold"]);
    assert_eq!(comparison.differences["admission.threshold"], [Some("0.4".to_owned()), Some("0.5".to_owned())]);
    let text = comparison.text();
    assert!(text.contains("33/48 68.8 %") && text.contains("admission.threshold"), "{text}");
}

#[test]
fn cycles_become_rows_of_equal_length() {
    let view = fixture::view();
    let cycles = view.cycles.len();
    let rows = cycle_records(&[("runs/a".into(), view)]);
    assert_eq!(rows.len(), cycles + 1);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let column = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap();
    let valid: Vec<&String> = rows[1..].iter().map(|row| &row[column("raw_valid")]).collect();
    assert_eq!(valid, ["9", "11", "13"]);
}
