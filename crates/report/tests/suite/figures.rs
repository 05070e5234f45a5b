//! The figures of a [`RunView`], counted by hand from the fixture.

use archsmith_archive::{SftRecord, Stage, Verdict};
use archsmith_report::{Context, RunView, text_summary};

use crate::fixture;

#[test]
fn validity_is_counted_raw_and_repaired_apart() {
    let view = fixture::view();
    let totals = &view.totals;
    assert_eq!((totals.raw, totals.repaired), (48, 6));
    assert_eq!((totals.raw_valid.count, totals.raw_valid.total), (33, 48));
    assert_eq!((totals.repaired_valid.count, totals.repaired_valid.total), (3, 6));
    assert_eq!((totals.valid_in_the_end.count, totals.valid_in_the_end.total), (36, 48));
    let by_cycle: Vec<_> =
        view.cycles.iter().map(|cycle| (cycle.raw_valid.count, cycle.repaired_valid.count)).collect();
    assert_eq!(by_cycle, [(9, 1), (11, 1), (13, 1)]);
    let (low, high) = (totals.raw_valid.low.unwrap(), totals.raw_valid.high.unwrap());
    assert!(low < 33.0 / 48.0 && 33.0 / 48.0 < high && high - low < 0.3);
}

#[test]
fn the_funnel_adds_up() {
    let view = fixture::view();
    assert_eq!(view.funnel.len(), Stage::ALL.len());
    let mut raw = view.totals.raw;
    let mut repaired = view.totals.repaired;
    for stage in &view.funnel[..9] {
        raw -= stage.raw.stopped;
        repaired -= stage.repaired.stopped;
        assert_eq!((stage.raw.left, stage.repaired.left), (raw, repaired), "{}", stage.code);
        let reasons: u64 = stage.reasons.iter().map(|reason| reason.count).sum();
        assert_eq!(reasons + stage.other_reasons, stage.raw.stopped + stage.repaired.stopped, "{}", stage.code);
    }
    let last = &view.funnel[9];
    assert_eq!((last.raw.stopped, last.repaired.stopped), (raw, repaired));
    assert_eq!(raw + repaired, view.totals.trained);
    // Cycle 0: 9, 10 and 11; cycle 1: 11 alone; three repairs.
    let ill_typed = view.funnel.iter().find(|stage| stage.code == "ill-typed").unwrap();
    assert_eq!((ill_typed.raw.stopped, ill_typed.repaired.stopped), (4, 3));
    let reasons: Vec<_> = ill_typed.reasons.iter().map(|reason| (reason.code.as_str(), reason.count)).collect();
    assert_eq!(reasons, [("shape-mismatch", 5), ("unknown-attribute", 2)]);
    assert!(ill_typed.reasons[0].example.starts_with("linear: expected"));
    let duplicate = view.funnel.iter().find(|stage| stage.code == "duplicate").unwrap();
    assert_eq!((duplicate.reasons[0].code.as_str(), duplicate.reasons[0].count), ("similar text", 2));
}

#[test]
fn accuracies_are_those_of_the_trained() {
    let view = fixture::view();
    for cycle in &view.cycles {
        let mut values: Vec<f64> = view
            .candidates
            .iter()
            .filter(|one| one.cycle == cycle.cycle && one.stage == "trained")
            .filter_map(|one| one.accuracy_val)
            .collect();
        values.sort_by(f64::total_cmp);
        let accuracy = cycle.accuracy.unwrap();
        assert_eq!(accuracy.count as u64, cycle.trained);
        assert_eq!(values.len() as u64, cycle.trained);
        assert!((accuracy.mean - values.iter().sum::<f64>() / values.len() as f64).abs() < 1e-12);
        assert!(accuracy.low.unwrap() < accuracy.mean && accuracy.mean < accuracy.high.unwrap());
        assert_eq!(cycle.best, values.last().copied());
        assert_eq!(cycle.over_threshold.count, values.iter().filter(|&&value| value >= 0.4).count() as u64);
        assert_eq!(cycle.over_threshold.total, cycle.trained);
    }
    assert!(view.cycles[0].accuracy.unwrap().mean < view.cycles[2].accuracy.unwrap().mean);
    assert_eq!(view.totals.epochs, Some(1));
    assert_eq!(view.cycles.iter().map(|cycle| cycle.topped_up).collect::<Vec<_>>(), [1, 0, 0]);
    let topped_up: Vec<_> = view.candidates.iter().filter(|one| one.topped_up).map(|one| one.label.as_str()).collect();
    assert_eq!(topped_up, ["0.14r1"]);
}

#[test]
fn the_best_are_the_best_by_validation_alone() {
    let (_folder, store) = fixture::realistic();
    let view = RunView::load(&store, fixture::context(&store)).unwrap();
    let shown: Vec<_> = view.best.iter().map(|best| view.candidates[best.candidate].id.clone()).collect();
    let expected: Vec<_> = store.top(5).unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(shown, expected);
    assert_eq!(view.best.iter().filter(|best| best.drawing.is_some()).count(), 3);
    let best = &view.candidates[view.best[0].candidate];
    assert_eq!(best.cycle, 2);
    // Shown in its prompt: 1.00 and a seed; in that of 1.00: 0.00 and the seed again, which is not repeated.
    let lineage: Vec<_> = view.best[0].lineage.iter().map(|one| (one.network.label.as_str(), one.generation)).collect();
    assert_eq!(lineage, [("1.00", 1), ("0.00", 2), ("seed bottleneck", 3)]);
    assert_eq!(view.best[0].lineage[2].network.accuracy, Some(0.44));
    assert!(best.recipe.contains(&("optimiser.lr".into(), "0.01".into())));
    assert!(best.recipe.contains(&("milestones".into(), "3, 6".into())));
    assert!(best.recipe.iter().all(|(name, _)| name != "clip"));
}

#[test]
fn time_leaves_out_the_pause_before_a_resume() {
    let view = fixture::view();
    assert_eq!(view.wall_seconds, Some(412.0));
    assert_eq!(view.finished, Some(true));
    assert_eq!(view.totals.seconds.sft, 123.0);
    assert!((view.totals.seconds.generation - 54.0 * 3.5).abs() < 1e-9);
    assert_eq!(view.totals.tokens, view.candidates.iter().map(|one| u64::from(one.tokens)).sum::<u64>());
}

#[test]
fn what_is_not_a_number_is_in_no_figure() {
    let (_folder, mut store) = fixture::store();
    let mut broken = fixture::candidate("r", 0, 0, f64::NAN);
    broken.novelty = Some(f64::NAN);
    broken.generation_seconds = 0.0;
    store.put_candidate(&broken).unwrap();
    store.put_candidate(&fixture::candidate("r", 0, 1, 0.5)).unwrap();
    let sft = SftRecord { pairs: 2, steps: 1, loss_before: f64::NAN, loss_after: f64::INFINITY, seconds: 1.0 };
    store.put_cycle(&fixture::end_of_cycle(0, Some(sft), Vec::new())).unwrap();
    let view = RunView::load(&store, Context::default()).unwrap();
    let accuracy = view.cycles[0].accuracy.unwrap();
    assert_eq!((accuracy.count, accuracy.mean, accuracy.low), (1, 0.5, None));
    assert_eq!((view.totals.trained, view.totals.unmeasured), (2, 1));
    assert_eq!(view.totals.over_threshold.total, 1);
    assert_eq!(view.cycles[0].novelty.unwrap().count, 1);
    assert_eq!(view.cycles[0].sft.as_ref().unwrap().loss_before, None);
    assert_eq!(view.best.len(), 1);
    let json = serde_json::to_value(&view).unwrap();
    assert_eq!(json["candidates"][0]["accuracy_val"], serde_json::Value::Null);
    assert_eq!(json["cycles"][0]["accuracy"]["mean"], 0.5);
}

#[test]
fn the_terminal_table_says_the_same() {
    let text = text_summary(&fixture::view());
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("cycle") && lines[0].contains("SFT loss"));
    let cells: Vec<&str> = lines[3].split_whitespace().collect();
    assert_eq!(cells[..5], ["2", "16", "13", "2", "1"], "{text}");
    assert!(lines[3].ends_with("0.680 → 0.490"), "{text}");
    assert!(text.contains("33 of 48 (68.8 %"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn an_empty_and_an_unfinished_run_have_figures_too() {
    let (_folder, mut store) = fixture::store();
    let view = RunView::load(&store, Context::default()).unwrap();
    assert_eq!((view.totals.raw, view.totals.raw_valid.share, view.finished), (0, None, None));
    assert!(text_summary(&view).contains("no cycle yet"));

    let one = fixture::rejected(fixture::candidate("r", 0, 0, 0.1), Verdict::Contract, Vec::new());
    store.put_candidate(&one).unwrap();
    let view = RunView::load(&store, Context::default()).unwrap();
    assert!(!view.cycles[0].complete);
    assert_eq!(view.totals.raw_valid.share, Some(0.0));
    assert_eq!(view.funnel[1].reasons[0].code, "contract");
    assert!(text_summary(&view).contains("not finished"));
}
