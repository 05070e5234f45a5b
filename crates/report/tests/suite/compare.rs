//! Runs side by side.

use archsmith_archive::{DiagnosticRecord, Verdict};
use archsmith_report::{Comparison, Context, RunView, csv, curves, cycle_records, tables};

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
fn runs_of_different_lengths_are_compared_where_both_were() {
    let view = fixture::view();
    let mut shorter = view.clone();
    shorter.cycles.truncate(2);
    let mut none = view.clone();
    none.cycles.clear();
    let compare = |other: RunView| Comparison::of(&[("a".into(), view.clone()), ("b".into(), other)]);
    let comparison = compare(shorter);
    assert_eq!(comparison.common_cycles, Some(0..=1));
    let [a, b] = &comparison.runs[..] else { panic!("two runs") };
    let known: Vec<f64> = view.candidates.iter().filter(|c| c.cycle < 2).filter_map(|c| c.accuracy_val).collect();
    let mean = a.accuracy_common.unwrap();
    assert_eq!((mean.count, mean.mean), (known.len(), known.iter().sum::<f64>() / known.len() as f64));
    assert_eq!((a.accuracy_common, a.over_threshold_common), (b.accuracy_common, b.over_threshold_common));
    assert_eq!(a.over_threshold_common.unwrap().total, known.len() as u64);
    assert_eq!(a.admitted_until_common, Some(view.cycles[0].admitted + view.cycles[1].admitted));
    assert!(comparison.text().contains("mean accuracy, cycles 0 to 1"), "{}", comparison.text());
    let nothing = compare(none);
    assert!(nothing.common_cycles.is_none() && nothing.runs[0].accuracy_common.is_none());
    assert!(!nothing.text().contains("cycles 0"), "{}", nothing.text());
}

#[test]
fn runs_are_drawn_into_one_picture() {
    let view = fixture::view();
    let mut none = view.clone();
    none.cycles.clear();
    let picture = curves(&[("a & <b>".into(), view.clone()), ("c".into(), view)]).unwrap();
    assert!(picture.contains(">a &amp; &lt;b&gt;</text>") && !picture.contains("NaN"), "{picture}");
    // Two figures of each run, with the interval of each.
    for at in 0..2 {
        let marks = |kind: &str| picture.matches(&format!("class=\"{kind} c{at}\" points")).count();
        assert_eq!((marks("line"), marks("band")), (2, 2), "{picture}");
    }
    assert_eq!(picture.matches("<svg").count(), picture.matches("</svg>").count());
    assert_eq!(curves(&[("nothing".into(), none)]), None);
    let mut one = fixture::view();
    one.cycles.truncate(1);
    assert_eq!(curves(&[("one cycle".into(), one)]).unwrap().matches("class=\"whisker c0\"").count(), 2);
}

#[test]
fn cycles_become_rows_of_equal_length() {
    let mut view = fixture::view();
    view.cycles[0].guided_valid = Some(view.cycles[1].raw_valid);
    let cycles = view.cycles.len();
    let rows = cycle_records(&[("runs/a".into(), view)]);
    assert_eq!(rows.len(), cycles + 1);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let column = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap();
    let values = |name: &str| rows[1..].iter().map(|row| row[column(name)].as_str()).collect::<Vec<_>>();
    assert_eq!(values("raw_valid"), ["9", "11", "13"]);
    assert_eq!(values("guided_valid"), ["11", "", ""]);
    assert_eq!(values("guided_valid_low")[0], values("raw_valid_low")[1]);
}

/// The values of a column of a table.
fn column(view: &RunView, table: &str, name: &str) -> Vec<String> {
    let all = tables("a", view);
    let table = all.iter().find(|t| t.name == table).unwrap();
    let at = table.records[0].iter().position(|cell| cell == name).unwrap();
    table.records[1..].iter().map(|row| row[at].clone()).collect()
}

#[test]
fn the_tables_say_what_the_view_says() {
    let view = fixture::view();
    for table in tables("a", &view) {
        assert!(table.records.iter().all(|row| row.len() == table.records[0].len()), "{}", table.name);
    }
    assert_eq!(column(&view, "candidates", "id").len(), 54);
    let trained = column(&view, "candidates", "verdict").iter().filter(|v| *v == "trained").count();
    assert_eq!(trained as u64, view.totals.trained);
    assert_eq!(column(&view, "rejections", "id").len(), 54 - trained);
    assert!(column(&view, "rejections", "message").iter().any(|m| m.contains("expected 128 input features")));
    let stopped: u64 = column(&view, "funnel", "raw_stopped").iter().map(|n| n.parse::<u64>().unwrap()).sum();
    assert_eq!(stopped, view.totals.raw);
    let costs = column(&view, "costs", "tokens");
    assert_eq!(costs.last(), Some(&view.totals.tokens.to_string()));
    assert_eq!(costs.len(), view.cycles.len() + 1);
    let each: f64 = column(&view, "costs", "tokens_per_admitted").last().unwrap().parse().unwrap();
    assert!((each * view.totals.admitted as f64 - view.totals.tokens as f64).abs() < 1e-6);
    let relations = column(&view, "lineage", "relation");
    assert!(["shown", "nearest", "repairs"].iter().all(|r| relations.iter().any(|found| found == r)));
    for ((own, other), gain) in column(&view, "lineage", "accuracy_val")
        .iter()
        .zip(column(&view, "lineage", "other_accuracy"))
        .zip(column(&view, "lineage", "gain"))
    {
        match (own.parse::<f64>(), other.parse::<f64>()) {
            (Ok(own), Ok(other)) => assert_eq!(gain, (own - other).to_string()),
            _ => assert_eq!(gain, ""),
        }
    }
}

#[test]
fn a_cell_is_quoted_and_never_a_formula() {
    let records = [vec!["a,b".to_owned(), "say \"no\"".to_owned(), "two\nlines".to_owned(), "plain".to_owned()]];
    assert_eq!(csv(&records), "\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",plain\r\n");
    let (_folder, mut store) = fixture::store();
    let what = vec![DiagnosticRecord { code: "x".into(), message: "=1+2".into(), line: None, column: None }];
    store.put_candidate(&fixture::rejected(fixture::candidate("r", 0, 0, 0.1), Verdict::IllTyped, what)).unwrap();
    let view = RunView::load(&store, Context::default()).unwrap();
    assert_eq!(column(&view, "rejections", "message"), ["'=1+2"]);
}
