//! A run decided again with a part left out.

use super::fakes::{CONTRACT, FakeEvaluator, config, create, lively, resume, run};
use archsmith_archive::{CandidateRecord, Origin, Stage};
use archsmith_search::replay::{Change, Part, Replay, Standing, replay};
use archsmith_search::{Config, Evaluator, Search};

fn change(parts: &[Part]) -> Change {
    Change { without: parts.iter().copied().collect(), threshold: None }
}

fn again(search: &Search, change: &Change, trains: bool) -> Replay {
    let mut fake = FakeEvaluator;
    let evaluator = trains.then_some(&mut fake as &mut dyn Evaluator);
    replay(search.store(), search.config(), CONTRACT, change, evaluator).unwrap()
}

/// A finished run of a configuration; its folder goes when the test ends.
fn finished(config: Config) -> (tempfile::TempDir, Search) {
    let folder = tempfile::tempdir().unwrap();
    let mut search = create(&folder.path().join("run"), config);
    assert!(run(&mut search, usize::MAX).unwrap().0.finished);
    (folder, search)
}

fn with_redraws() -> Config {
    let mut config = lively();
    config.novelty.redraws = 2;
    config.admission.top_up = 6;
    config.admission.top_up_floor = 0.3;
    config
}

#[test]
fn with_nothing_left_out_every_decision_comes_out_again() {
    let (_folder, search) = finished(with_redraws());
    let digest = search.store().digest().unwrap();
    let found = again(&search, &Change::default(), false);
    assert_eq!(found.control.agree, found.control.of, "{:?}", found.control.first_other);
    assert_eq!(found.control.of as usize, search.store().candidates().unwrap().len());
    assert_eq!(found.cycles.len(), 3);
    for cycle in &found.cycles {
        assert_eq!(cycle.replayed, cycle.recorded);
        assert_eq!((cycle.standing, cycle.untrained, cycle.same_graph), (Standing::Exact, 0, 0));
        assert!(cycle.recorded.duplicates > 0 && cycle.recorded.admitted > 0, "the run has something to decide");
    }
    assert_eq!(found.notes, Vec::<String>::new());
    assert_eq!(search.store().digest().unwrap(), digest, "the archive is only read");
}

#[test]
fn duplicates_pass_without_novelty_and_get_the_result_they_would_have_had() {
    let (_folder, search) = finished(with_redraws());
    let all = search.store().candidates().unwrap();
    let first_duplicates = |cycle: u32| {
        all.iter().filter(|c| c.cycle == cycle && c.attempt == 0 && c.verdict.stage() == Stage::Duplicate).count()
    };
    let computed = again(&search, &change(&[Part::Novelty]), true);
    for cycle in &computed.cycles {
        assert_eq!((cycle.replayed.duplicates, cycle.untrained, cycle.same_graph), (0, 0, 0));
        assert!(cycle.computed as usize >= first_duplicates(cycle.cycle));
        assert!(cycle.replayed.candidates < cycle.recorded.candidates, "nothing was drawn again");
    }
    // The fake's result follows from the seed alone: what a run without novelty has of the first cycle's texts.
    let mut free = with_redraws();
    (free.novelty.near_duplicate, free.novelty.graph) = (1.0, false);
    let (_other, other) = finished(free);
    let trained = |store: &archsmith_archive::Store| {
        let mut of: Vec<f64> = store.candidates_of(0).unwrap().iter().filter_map(accuracy).collect();
        of.sort_by(f64::total_cmp);
        of
    };
    let there = trained(other.store());
    let mean = there.iter().sum::<f64>() / there.len() as f64;
    let replayed = computed.cycles[0].replayed;
    // A text that is word for word a known one is refused even at a similarity of 1: a few may be missing there.
    assert!(replayed.trained as usize >= there.len());
    if replayed.trained as usize == there.len() {
        assert!((replayed.accuracy_mean.unwrap() - mean).abs() < 1e-12);
    }
    // Without training, what has the graph of another takes its result, and the rest is counted as open.
    let open = again(&search, &change(&[Part::Novelty]), false);
    for (cycle, computed) in open.cycles.iter().zip(&computed.cycles) {
        assert_eq!(cycle.same_graph + cycle.untrained, computed.computed);
        assert_eq!(cycle.computed, 0);
    }
    assert_eq!(open.cycles[0].standing, Standing::Partly);
    assert_eq!(open.cycles[1].standing, Standing::GivenTheTexts);
    assert!(open.notes.iter().any(|n| n.contains("--train")) || open.cycles.iter().all(|c| c.untrained == 0));
}

fn accuracy(candidate: &CandidateRecord) -> Option<f64> {
    candidate.metrics.as_ref().map(|m| m.accuracy_val)
}

#[test]
fn each_part_is_left_out_alone() {
    let (_folder, search) = finished(with_redraws());
    let all = search.store().candidates().unwrap();
    let first = |of: fn(&&CandidateRecord) -> bool| all.iter().filter(|c| c.cycle == 0).filter(of).count() as u32;

    let redraws = again(&search, &change(&[Part::Redraws]), false);
    let drawn_again = first(|c| c.attempt > 0 && c.origin != Origin::Repaired);
    assert!(drawn_again > 0);
    assert!(redraws.cycles[0].replayed.candidates <= redraws.cycles[0].recorded.candidates - drawn_again);
    assert_eq!(redraws.cycles[0].standing, Standing::Exact);

    let (_plain, plain) = finished(config());
    let repair = again(&plain, &change(&[Part::Repair]), false);
    let of_plain = plain.store().candidates_of(0).unwrap();
    let repaired = of_plain.iter().filter(|c| c.origin == Origin::Repaired).count() as u32;
    assert!(repaired > 0);
    assert!(repair.cycles[0].replayed.candidates <= repair.cycles[0].recorded.candidates - repaired);

    let top_up = again(&search, &change(&[Part::TopUp]), false);
    assert!(top_up.cycles.iter().any(|c| c.recorded.topped_up > 0));
    assert!(top_up.cycles.iter().all(|c| c.replayed.topped_up == 0 && c.replayed.admitted == c.recorded.admitted));

    let strict = Change { threshold: Some(1.0), ..Change::default() };
    assert!(again(&search, &strict, false).cycles.iter().all(|c| c.replayed.admitted == 0));
    let lax = Change { threshold: Some(0.0), ..Change::default() };
    assert!(again(&search, &lax, false).cycles.iter().all(|c| c.replayed.admitted == c.recorded.trained));

    let sft = again(&search, &change(&[Part::Sft]), false);
    assert_eq!((sft.cycles[0].standing, sft.cycles[0].replayed), (Standing::Exact, sft.cycles[0].recorded));
    assert!(sft.cycles[1..].iter().all(|c| c.standing == Standing::Unknown));
    assert!(sft.notes.iter().any(|n| n.contains("sft.enabled=false")));

    let guide = again(&search, &change(&[Part::Guide]), false);
    assert!(guide.notes.iter().any(|n| n.contains("the run had no guide")));
    assert_eq!(guide.cycles[0].replayed, guide.cycles[0].recorded);
}

#[test]
fn without_the_guide_a_text_it_changed_counts_as_refused() {
    let mut guided = config();
    guided.sampling.guide = archsmith_search::config::Guide::Compiler;
    let (_folder, search) = finished(guided);
    let objected = |c: &&CandidateRecord| c.cycle == 0 && c.guidance.is_some_and(|g| g.objections > 0);
    let changed = search.store().candidates().unwrap().iter().filter(objected).count() as u32;
    assert!(changed > 0);
    let found = again(&search, &change(&[Part::Guide]), false);
    let cycle = &found.cycles[0];
    assert_eq!((cycle.guided_away, cycle.standing), (changed, Standing::Partly));
    assert_eq!(cycle.replayed.candidates, cycle.recorded.candidates);
    assert_eq!(cycle.replayed.valid, cycle.recorded.valid - changed);
}

#[test]
fn a_run_that_is_not_finished_is_replayed_as_far_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    let (_, events) = run(&mut create(&root, config()), usize::MAX).unwrap();
    let other = folder.path().join("other");
    run(&mut create(&other, config()), events / 2).unwrap();
    let search = resume(&other).unwrap();
    let found = again(&search, &Change::default(), false);
    assert_eq!(found.cycles.len(), search.store().cycles().unwrap().len());
    assert_eq!(found.control.agree, found.control.of, "{:?}", found.control.first_other);
}

#[test]
fn parts_have_names() {
    for (part, name) in Part::ALL {
        assert_eq!(Part::from_name(name), Some(part));
        assert_eq!(serde_json::to_value(part).unwrap(), name);
    }
    assert_eq!(Part::from_name("noveltie"), None);
}
