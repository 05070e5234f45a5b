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
    for stage in &view.funnel[..Stage::ALL.len() - 1] {
        raw -= stage.raw.stopped;
        repaired -= stage.repaired.stopped;
        assert_eq!((stage.raw.left, stage.repaired.left), (raw, repaired), "{}", stage.code);
        let reasons: u64 = stage.reasons.iter().map(|reason| reason.count).sum();
        assert_eq!(reasons + stage.other_reasons, stage.raw.stopped + stage.repaired.stopped, "{}", stage.code);
    }
    let last = &view.funnel[Stage::ALL.len() - 1];
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
fn a_repetition_counts_with_what_it_repeats_but_not_of_a_seed() {
    let (_folder, mut store) = fixture::store();
    let good = fixture::candidate("r", 0, 0, 0.9);
    let duplicate = |index, of: &str| {
        let verdict = Verdict::Duplicate { of: of.into(), jaccard: 0.95 };
        fixture::rejected(fixture::candidate("r", 1, index, 0.0), verdict, Vec::new())
    };
    for one in [duplicate(0, &good.id), duplicate(1, "seed:bottleneck"), fixture::candidate("r", 1, 2, 0.3), good] {
        store.put_candidate(&one).unwrap();
    }
    let view = RunView::load(&store, Context { threshold: 0.5, ..Context::default() }).unwrap();
    let cycle = &view.cycles[1];
    assert_eq!((cycle.trained, cycle.accuracy.unwrap().mean, cycle.over_threshold.count), (1, 0.3, 0));
    let written = cycle.written;
    assert!((written.accuracy.unwrap().mean - 0.6).abs() < 1e-12);
    assert_eq!((written.over_threshold.count, written.over_threshold.total), (1, 2));
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

#[test]
fn networks_trained_again_are_counted_by_hand() {
    use archsmith_archive::RetrainingRecord;
    let (_folder, store) = fixture::realistic();
    let best = store.top(3).unwrap();
    let again = |of: usize, epochs: u32, repeat: u32, accuracy: f64| {
        let mut metrics = best[of].metrics.clone().unwrap();
        metrics.accuracy_val = accuracy;
        RetrainingRecord {
            candidate: best[of].id.clone(),
            epochs,
            repeat,
            seed: u64::from(repeat),
            verdict: Verdict::Trained,
            metrics: Some(metrics),
        }
    };
    let mut context = fixture::context(&store);
    assert_eq!(RunView::load(&store, context.clone()).unwrap().noise, None);
    context.retrainings = vec![
        again(1, 1, 0, 0.40),
        again(0, 1, 1, 0.54),
        again(0, 1, 0, 0.50),
        again(1, 1, 1, 0.44),
        again(2, 1, 0, 0.30),
        again(0, 5, 0, 0.70),
        again(1, 5, 0, 0.80),
        again(2, 5, 0, 0.60),
        RetrainingRecord { verdict: Verdict::Diverged, metrics: None, ..again(2, 1, 1, 0.0) },
    ];
    let view = RunView::load(&store, context).unwrap();
    let noise = view.noise.as_ref().unwrap();
    assert_eq!((noise.epochs, noise.failed, noise.networks.len()), (1, 1, 3));
    let ids: Vec<&str> = noise.networks.iter().map(|n| n.id.as_str()).collect();
    assert_eq!(ids, best.iter().map(|c| c.id.as_str()).collect::<Vec<_>>());
    assert_eq!(noise.networks[0].again, [0.50, 0.54]);
    assert!((noise.networks[0].mean.unwrap() - 0.52).abs() < 1e-12);
    assert!((noise.networks[0].deviation.unwrap() - 0.02 * 2f64.sqrt()).abs() < 1e-12);
    assert_eq!((noise.networks[2].again.len(), noise.networks[2].deviation), (1, None));
    let icc = noise.icc.unwrap();
    assert_eq!((icc.groups, icc.values), (3, 5));
    assert!((icc.within - 0.0008_f64.sqrt()).abs() < 1e-12, "of two networks with two trainings each");
    let recorded: f64 = best.iter().map(|c| c.metrics.as_ref().unwrap().accuracy_val).sum::<f64>() / 3.0;
    assert!((noise.selection.unwrap() - (recorded - (0.52 + 0.42 + 0.30) / 3.0)).abs() < 1e-12);
    let long = &noise.longer[0];
    assert_eq!((long.epochs, long.networks), (5, 3));
    assert!((long.spearman.unwrap().value - 0.5).abs() < 1e-12 && (long.kendall.unwrap() - 1.0 / 3.0).abs() < 1e-12);
    let html = archsmith_report::render(&view).unwrap();
    assert!(html.contains("id=\"noise\"") && html.contains("over 3 networks: Spearman <b>0.50</b>"), "noise section");
    assert!(html.contains("1 training ended without an accuracy and is left out"));
}

#[test]
fn a_predictor_s_mistakes_are_those_of_its_audit() {
    use archsmith_archive::{Foresight, Proxies, Rung};
    let (_folder, mut store) = fixture::store();
    let mut put = |index: u32, accuracy: Option<f64>, predicted: f64, audited: bool, rung: Option<f64>, by: &str| {
        let mut one = fixture::candidate("r", 1, index, accuracy.unwrap_or(0.0));
        let rungs = rung.map(|accuracy_val| Rung { share: 0.25, accuracy_val: Some(accuracy_val) });
        let predicted = Some(predicted);
        // Ranks as the accuracies do, and nothing at all.
        let proxies = Proxies { snip: accuracy.map(|a| a * 1e9), synflow: Some(1.0), ..Proxies::default() };
        let proxies = Some(proxies);
        one.foresight = Some(Foresight { predicted, audited, rungs: rungs.into_iter().collect(), proxies });
        if accuracy.is_none() {
            one = fixture::rejected(one, Verdict::Pruned { by: by.into() }, Vec::new());
        }
        store.put_candidate(&one).unwrap();
    };
    put(0, Some(0.60), 0.50, false, Some(0.30), "");
    put(1, Some(0.50), 0.45, false, Some(0.20), "");
    put(2, Some(0.45), 0.10, true, Some(0.25), "");
    put(3, Some(0.20), 0.15, true, Some(0.21), "");
    put(4, None, 0.05, false, None, "prediction");
    put(5, None, 0.06, false, None, "prediction");
    put(6, None, 0.40, false, Some(0.10), "halving");
    let view = RunView::load(&store, Context::default()).unwrap();
    let found = view.foresight.as_ref().unwrap();
    let p = found.prediction.as_ref().unwrap();
    assert_eq!((p.foretold, p.measured, p.pruned), (7, 4, 2));
    assert!((p.error.unwrap() - (0.10 + 0.05 + 0.35 + 0.05) / 4.0).abs() < 1e-12);
    assert_eq!((p.wrong.count, p.wrong.total, p.lost), (1, 2, Some(1.0)));
    assert!((p.rank.unwrap().value - 0.8).abs() < 1e-12);
    let [snip] = &found.proxies[..] else { panic!("{:?}", found.proxies) };
    assert_eq!((snip.name, snip.measured, snip.rank.value), ("snip", 4, 1.0));
    let rung = &found.rungs[0];
    assert_eq!((found.rungs.len(), rung.share, rung.tried, rung.measured, found.halved), (1, 0.25, 5, 4, 1));
    let pruned = view.funnel.iter().find(|stage| stage.code == "pruned").unwrap();
    assert_eq!((pruned.raw.stopped, pruned.reasons[0].code.as_str()), (3, "prediction"));
    let html = archsmith_report::render(&view).unwrap();
    assert!(html.contains("id=\"foresight\"") && html.contains(">Promising<"));
    let plain = archsmith_report::render(&fixture::view()).unwrap();
    assert!(!plain.contains("id=\"foresight\"") && !plain.contains(">Promising<"));
}

#[test]
fn the_front_holds_what_nothing_beats() {
    let (_folder, mut store) = fixture::store();
    let sizes = [(0.50, 100, 10), (0.60, 100, 10), (0.40, 50, 20), (0.60, 200, 5), (0.60, 100, 10), (0.39, 60, 20)];
    for (index, (accuracy, params, macs)) in sizes.into_iter().enumerate() {
        let mut one = fixture::candidate("r", 0, index as u32, accuracy);
        (one.params, one.macs) = (Some(params), Some(macs));
        store.put_candidate(&one).unwrap();
    }
    let mut broken = fixture::candidate("r", 0, 9, f64::NAN);
    (broken.params, broken.macs) = (Some(1), Some(1));
    store.put_candidate(&broken).unwrap();
    let view = RunView::load(&store, Context::default()).unwrap();
    assert_eq!(view.front, [2, 1, 3]);
    let table = archsmith_report::tables("a", &view).into_iter().find(|table| table.name == "front").unwrap();
    let labels: Vec<&str> = table.records[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(labels, ["0.02", "0.01", "0.03"]);
    let real = fixture::view();
    let best = real.best[0].candidate;
    assert!(real.front.contains(&best), "the most accurate network is on the front");
}

#[test]
fn seed_networks_trained_as_candidates_are_stand_beside_them() {
    use archsmith_archive::{RetrainingRecord, SeedRecord};
    let (_folder, mut store) = fixture::realistic();
    let seed = |name: &str, accuracy| SeedRecord {
        name: name.into(),
        text: format!("# {name}\n"),
        accuracy,
        fingerprint: None,
    };
    store.put_seeds(&[seed("d", None), seed("b", Some(0.6)), seed("a", None), seed("c", None)]).unwrap();
    let candidate = store.top(1).unwrap().remove(0);
    let trained = |name: &str, epochs: u32, repeat: u32, accuracy: Option<f64>| {
        let mut metrics = candidate.metrics.clone().unwrap();
        metrics.accuracy_val = accuracy.unwrap_or_default();
        metrics.accuracy_test = accuracy.unwrap_or_default() - 0.01;
        RetrainingRecord {
            candidate: format!("seed:{name}"),
            epochs,
            repeat,
            seed: 1,
            verdict: if accuracy.is_some() { Verdict::Trained } else { Verdict::Diverged },
            metrics: accuracy.map(|_| metrics),
        }
    };
    let mut context = fixture::context(&store);
    let before = RunView::load(&store, context.clone()).unwrap();
    assert_eq!(before.seed_set.trained, None);
    let html = archsmith_report::render(&before).unwrap();
    assert!(html.contains("reseed DIR --seed-set") && !html.contains("class=\"zone"), "nothing is measured yet");
    context.retrainings = vec![
        trained("a", 1, 0, Some(0.30)),
        trained("b", 1, 0, Some(0.40625)),
        trained("b", 1, 1, Some(0.46875)),
        trained("c", 1, 0, Some(0.50)),
        trained("c", 5, 0, Some(0.90)),
        trained("d", 1, 0, None),
    ];
    let view = RunView::load(&store, context).unwrap();
    let set = &view.seed_set;
    let spread = set.trained.unwrap();
    assert_eq!((spread.count, spread.min, spread.max), (3, 0.30, 0.50));
    assert!((spread.median - 0.4375).abs() < 1e-12, "b was trained twice: its mean counts");
    // 0.40 is the threshold: b and c.
    assert_eq!((set.over_threshold.count, set.over_threshold.total), (2, 3));
    let known: Vec<&str> = set.known.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(known, ["a", "b", "bottleneck", "c"]);
    assert_eq!(set.brought.map(|brought| (brought.count, brought.max)), Some((2, 0.6)));
    assert_eq!(view.noise, None, "they are no candidates");
    let html = archsmith_report::render(&view).unwrap();
    assert!(html.contains("class=\"zone seeds\"") && html.contains("3 of the 5 networks"), "the seed set is shown");
    let tables = archsmith_report::tables("r", &view);
    let csv = tables.iter().find(|table| table.name == "seeds").unwrap().csv();
    assert!(csv.lines().any(|line| line.starts_with("b,0.6,0.4375,0.42")), "{csv}");
}

#[test]
fn the_paper_s_figures_stand_beside_the_run_s() {
    let (_folder, store) = fixture::realistic();
    let view = RunView::load(&store, fixture::context(&store)).unwrap();
    let html = archsmith_report::render(&view).unwrap();
    let (first, best) = (view.cycles[0].accuracy.unwrap().mean, view.cycles[2].accuracy.unwrap().mean);
    let gain = format!("<td class=\"n\">22.93</td><td class=\"n\">{:.1}</td>", 100.0 * (best - first));
    assert!(best > first && html.contains(&gain), "{gain}");
    // 9, 11 and 13 of 16 are valid.
    assert!(html.contains("<td class=\"n\">50.6 %, 74.5 %</td><td class=\"n\">68.8 %, 81.2 %</td>"));
    // A run of nothing has the table too.
    let (_folder, empty) = fixture::store();
    let html = archsmith_report::render(&RunView::load(&empty, fixture::context(&empty)).unwrap()).unwrap();
    assert!(html.contains("<td class=\"n\">22.93</td><td class=\"n\">–</td>"));
}
