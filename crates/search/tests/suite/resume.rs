//! A run that is stopped anywhere ends with the archive of one that was not.

use super::fakes::{FakeEvaluator, config, create, lively, resume, run, run_with, switched_on};
use archsmith_archive::{CandidateRecord, Origin, Proxies, Stage, Verdict};
use archsmith_search::{Evaluation, EvaluationTask, Evaluator, PartError};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

#[test]
fn two_runs_of_one_seed_have_one_digest() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = run(&mut create(&a.path().join("run"), config()), usize::MAX).unwrap().0;
    let second = run(&mut create(&b.path().join("run"), config()), usize::MAX).unwrap().0;
    assert!(first.finished);
    assert_eq!(first, second);
    let mut other = config();
    other.run.seed = 1;
    let c = tempfile::tempdir().unwrap();
    let third = run(&mut create(&c.path().join("run"), other), usize::MAX).unwrap().0;
    assert_ne!(first.digest, third.digest);
}

#[test]
fn a_run_has_what_it_promises() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("run");
    let mut search = create(&root, config());
    run(&mut search, usize::MAX).unwrap();
    let all = search.store().candidates().unwrap();
    let cycles = search.store().cycles().unwrap();
    assert_eq!(cycles.len(), 3);
    assert_eq!(all.iter().filter(|c| c.attempt == 0).count(), 30);
    assert!(all.iter().any(|c| c.verdict.stage() == Stage::Trained && c.admitted));
    assert!(all.iter().any(|c| c.verdict.stage() == Stage::Unparsed), "the broken text is in the archive");
    assert!(all.iter().any(|c| c.attempt == 1), "missing imports were repaired, and counted apart");
    assert!(cycles.iter().all(|c| c.sft.is_some() && c.adapter.is_some()));
    assert!(search.store().verify().unwrap().is_empty());
    for name in ["config.toml", "events.jsonl", "archive.sqlite", "pairs.jsonl", "adapters/cycle-000/learnt"] {
        assert!(root.join(name).exists(), "{name}");
    }
}

#[test]
fn stopped_after_any_event_and_resumed_it_ends_the_same() {
    let whole = tempfile::tempdir().unwrap();
    let (undisturbed, events) = run(&mut create(&whole.path().join("run"), config()), usize::MAX).unwrap();
    // Every seventh moment: all parts of a cycle are among them.
    for stop_at in (1..events).step_by(7) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        let mut search = create(&root, config());
        let (first, _) = run(&mut search, stop_at).unwrap();
        drop(search);
        let mut search = resume(&root).unwrap();
        let (second, _) = run(&mut search, usize::MAX).unwrap();
        assert!(second.finished);
        assert_eq!(
            second.digest, undisturbed.digest,
            "stopped at event {stop_at} of {events} (finished: {})",
            first.finished
        );
    }
}

#[test]
fn a_guided_run_says_so_and_resumes_the_same() {
    use archsmith_archive::Origin;
    use archsmith_search::config::Guide;
    let mut guided = config();
    guided.sampling.guide = Guide::Compiler;
    let whole = tempfile::tempdir().unwrap();
    let mut search = create(&whole.path().join("run"), guided.clone());
    let (undisturbed, events) = run(&mut search, usize::MAX).unwrap();
    let all = search.store().candidates().unwrap();
    assert!(all.iter().all(|c| c.origin == Origin::Guided && c.verdict.stage().is_valid()), "all are guided and valid");
    let objected = all.iter().filter(|c| c.guidance.unwrap().objections > 0).count();
    assert!(objected > 0 && objected < all.len(), "{objected} of {}", all.len());
    for stop_at in (1..events).step_by(19) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        run(&mut create(&root, guided.clone()), stop_at).unwrap();
        let (resumed, _) = run(&mut resume(&root).unwrap(), usize::MAX).unwrap();
        assert_eq!(resumed.digest, undisturbed.digest, "stopped at event {stop_at} of {events}");
    }
    let free = tempfile::tempdir().unwrap();
    let (free, _) = run(&mut create(&free.path().join("run"), config()), usize::MAX).unwrap();
    assert_ne!(free.digest, undisturbed.digest);
}

#[test]
fn networks_are_changed_by_diffs_and_the_run_resumes_the_same() {
    use archsmith_search::config::PromptStyle;
    use archsmith_search::patch;
    let mut delta = config();
    delta.prompt.style = PromptStyle::Chat;
    delta.prompt.delta = 0.7;
    delta.prompt.examples = 2;
    delta.repair.attempts = 1;
    (delta.novelty.graph, delta.novelty.near_duplicate) = (false, 1.0);
    let whole = tempfile::tempdir().unwrap();
    let mut search = create(&whole.path().join("run"), delta.clone());
    let (undisturbed, events) = run(&mut search, usize::MAX).unwrap();
    let all = search.store().candidates().unwrap();
    let asked: Vec<&CandidateRecord> = all.iter().filter(|c| c.prompt_id == "delta").collect();
    assert!(asked.iter().all(|c| c.cycle > 0), "at first there is nothing to change");
    let failed = |c: &CandidateRecord| c.diagnostics.first().is_some_and(|d| d.code == patch::CODE);
    for c in &asked {
        let [parent] = c.parents.as_slice() else { panic!("{:?}", c.parents) };
        let parent = search.store().candidate(parent).unwrap().unwrap();
        assert!(parent.cycle < c.cycle && parent.verdict.stage() == Stage::Trained);
        if failed(c) {
            assert_eq!(c.verdict.stage(), Stage::Unparsed);
            assert!(c.text.contains("@@"), "the answer as it was is kept");
            assert!(!all.iter().any(|d| (d.cycle, d.index) == (c.cycle, c.index) && d.prompt_id == "repair"));
        } else {
            assert!(c.text.starts_with("import torch") && c.text != parent.text, "{}", c.text);
        }
    }
    let trained = asked.iter().filter(|c| c.verdict.stage() == Stage::Trained).count();
    assert!(trained > 0 && asked.iter().any(|c| failed(c)), "{trained} of {}", asked.len());
    let whole_ones = all.iter().filter(|c| c.cycle > 0 && c.prompt_id == "full");
    assert!(whole_ones.clone().any(|c| c.parents.len() == 2), "the others are shown two");
    for stop_at in (1..events).step_by(23) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        run(&mut create(&root, delta.clone()), stop_at).unwrap();
        let (resumed, _) = run(&mut resume(&root).unwrap(), usize::MAX).unwrap();
        assert_eq!(resumed.digest, undisturbed.digest, "stopped at event {stop_at} of {events}");
    }
}

#[test]
fn a_duplicate_is_drawn_again_as_often_as_asked_and_resumes_the_same() {
    let mut again = config();
    again.novelty.redraws = 2;
    again.novelty.heat = 1.0;
    again.prompt.vary_budget = true;
    let whole = tempfile::tempdir().unwrap();
    let mut search = create(&whole.path().join("run"), again.clone());
    let (undisturbed, events) = run(&mut search, usize::MAX).unwrap();
    let all = search.store().candidates().unwrap();
    let duplicate = |c: &&CandidateRecord| c.verdict.stage() == Stage::Duplicate;
    let drawn = |c: &CandidateRecord, attempt| {
        all.iter().any(|d| (d.cycle, d.index, d.attempt) == (c.cycle, c.index, attempt) && d.prompt_id == "full")
    };
    let duplicates: Vec<&CandidateRecord> = all.iter().filter(duplicate).collect();
    assert!(duplicates.iter().any(|c| c.attempt == 0) && duplicates.iter().any(|c| c.attempt == 1));
    assert!(duplicates.iter().filter(|c| c.attempt < 2).all(|c| drawn(c, c.attempt + 1)), "each was drawn again");
    let others = all.iter().filter(|c| !duplicate(c) && c.verdict.stage().is_valid());
    assert!(others.into_iter().all(|c| !drawn(c, c.attempt + 1)), "and nothing else");
    let written = all.iter().filter(|c| c.prompt_id == "full" && c.origin == Origin::Raw);
    assert!(written.into_iter().all(|c| c.tokens == 7 * (1 + c.attempt)), "each is hotter than the one before");
    let trained = |later: bool| all.iter().any(|c| (c.attempt > 0) == later && c.verdict.stage() == Stage::Trained);
    assert!(trained(false) && trained(true), "both the first and the later ones are trained");
    let budget = |c: &CandidateRecord| {
        let prompt = search.store().prompt(&c.prompt_hash).unwrap().unwrap();
        prompt.lines().find_map(|l| l.strip_prefix("# parameters: at most ").map(str::to_string)).unwrap()
    };
    let budgets: BTreeSet<String> = all.iter().map(budget).collect();
    let known = ["50000", "100000", "200000", "300000", "500000"].map(String::from);
    assert_eq!(budgets, BTreeSet::from(known), "prompts state budgets of all sizes up to what is allowed");
    for stop_at in (1..events).step_by(23) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        run(&mut create(&root, again.clone()), stop_at).unwrap();
        let (resumed, _) = run(&mut resume(&root).unwrap(), usize::MAX).unwrap();
        assert_eq!(resumed.digest, undisturbed.digest, "stopped at event {stop_at} of {events}");
    }
}

#[test]
fn a_finished_run_resumed_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("run");
    let (first, _) = run(&mut create(&root, config()), usize::MAX).unwrap();
    let (again, events) = run(&mut resume(&root).unwrap(), usize::MAX).unwrap();
    assert_eq!((again, events), (first, 0));
}

#[test]
fn two_processes_on_one_run_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("run");
    let _first = create(&root, config());
    let second = resume(&root).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(second.contains("another process"), "{second}");
}

#[test]
fn mutation_in_the_model_s_place_resumes_the_same() {
    use super::fakes::SOURCES;
    use archsmith_archive::Event;
    use archsmith_search::Host;
    use archsmith_search::mutation::Mutation;
    use std::cell::Cell;
    let go = |search: &mut archsmith_search::Search, events: usize| {
        let told = Cell::new(0usize);
        let stop = || told.get() >= events;
        let mut on_event = |_: &Event| told.set(told.get() + 1);
        let mut host = Host { now_ms: &|| 0, on_event: &mut on_event, stop: &stop };
        let mut generator = Mutation::new(SOURCES.map(String::from).to_vec(), None).unwrap();
        (search.run(&mut generator, &mut FakeEvaluator, &mut host).unwrap(), told.get())
    };
    let whole = tempfile::tempdir().unwrap();
    let mut search = create(&whole.path().join("run"), config());
    let (undisturbed, events) = go(&mut search, usize::MAX);
    let all = search.store().candidates().unwrap();
    assert!(all.iter().any(|c| c.admitted), "mutations of good networks are now and then good");
    assert!(all.iter().any(|c| !c.verdict.stage().is_valid()), "and now and then broken");
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("run");
    go(&mut create(&root, config()), events / 2);
    let (resumed, _) = go(&mut resume(&root).unwrap(), usize::MAX);
    assert_eq!(resumed.digest, undisturbed.digest);
}

#[test]
fn a_run_with_every_switch_on_prunes_audits_selects_and_resumes_the_same() {
    let whole = tempfile::tempdir().unwrap();
    let root = whole.path().join("run");
    let mut search = create(&root, switched_on());
    let (undisturbed, events) = run(&mut search, usize::MAX).unwrap();
    let all = search.store().candidates().unwrap();
    let pruned = |by: &str| {
        let is = |c: &&CandidateRecord| matches!(&c.verdict, Verdict::Pruned { by: found } if found == by);
        all.iter().filter(is).collect::<Vec<_>>()
    };
    let (foreseen, halved) = (pruned("prediction"), pruned("halving"));
    assert!(!foreseen.is_empty() && !halved.is_empty(), "{} {}", foreseen.len(), halved.len());
    let foresight = |c: &CandidateRecord| c.foresight.clone().unwrap_or_default();
    assert!(foreseen.iter().all(|c| c.cycle > 0 && c.metrics.is_none() && foresight(c).rungs.is_empty()));
    assert!(halved.iter().all(|c| c.metrics.is_none() && !foresight(c).rungs.is_empty()));
    assert!(all.iter().any(|c| foresight(c).audited));
    for c in all.iter().filter(|c| c.verdict.stage() == Stage::Trained) {
        let shares: Vec<f64> = foresight(c).rungs.iter().map(|r| r.share).collect();
        assert_eq!(shares, [0.25, 0.5], "what is trained in full came through every rung");
    }
    // Of a rung the worse are given up.
    for cycle in 0..3 {
        let first = |c: &CandidateRecord| foresight(c).rungs.first().and_then(|r| r.accuracy_val);
        let of = |trained: bool| {
            let is = move |c: &&CandidateRecord| c.cycle == cycle && (foresight(c).rungs.len() > 1) == trained;
            all.iter().filter(is).filter_map(first).collect::<Vec<f64>>()
        };
        let (stayed, gone) = (of(true), of(false));
        let worst = stayed.into_iter().fold(f64::INFINITY, f64::min);
        assert!(gone.into_iter().all(|a| a <= worst), "cycle {cycle}");
    }
    assert!(search.store().verify().unwrap().is_empty());
    for stop_at in (1..events).step_by(5) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        run(&mut create(&root, switched_on()), stop_at).unwrap();
        let (resumed, _) = run(&mut resume(&root).unwrap(), usize::MAX).unwrap();
        assert_eq!(resumed.digest, undisturbed.digest, "stopped at event {stop_at} of {events}");
    }
    // The recorded decisions repeat, and what was given up can be trained after all.
    use archsmith_search::replay::{Change, Part, replay};
    let change = Change { without: [Part::Prediction, Part::Halving].into(), threshold: None };
    let found =
        replay(search.store(), search.config(), super::fakes::CONTRACT, &change, Some(&mut FakeEvaluator)).unwrap();
    assert_eq!(found.control.agree, found.control.of, "{:?}", found.control.first_other);
    let computed: u32 = found.cycles.iter().map(|c| c.computed).sum();
    assert_eq!(computed as usize, foreseen.len() + halved.len());
}

#[test]
fn what_is_learnt_from_is_what_selection_chooses() {
    use archsmith_search::config::{SelectBy, Selection};
    let pairs_learnt = |by: Option<SelectBy>| {
        let mut config = lively();
        config.selection = by.map(|by| Selection { by, keep: 4 });
        config.sft.infill = false;
        config.sft.held_out = 0.0;
        let dir = tempfile::tempdir().unwrap();
        let mut search = create(&dir.path().join("run"), config);
        run(&mut search, usize::MAX).unwrap();
        search.store().cycles().unwrap().iter().filter_map(|c| c.sft.as_ref()).map(|s| s.pairs).collect::<Vec<u64>>()
    };
    let all = pairs_learnt(None);
    assert!(all[2] > 4, "{all:?}");
    for by in [SelectBy::Pareto, SelectBy::MapElites] {
        let chosen = pairs_learnt(Some(by));
        assert!(chosen.iter().zip(&all).all(|(chosen, all)| chosen <= all) && chosen[2] <= 4, "{by:?}: {chosen:?}");
    }
    assert_eq!(pairs_learnt(Some(SelectBy::Pareto))[2], 4);
}

/// The fake, for which every third network takes more memory than there is.
struct Narrow;

impl Evaluator for Narrow {
    fn evaluate(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Evaluation) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        FakeEvaluator.evaluate(tasks, &mut |at, evaluation| match tasks[at].seed % 3 {
            0 => done(at, Evaluation::OverBudget { what: "memory".into() }),
            1 => done(at, Evaluation::Unsupported { feature: "a layer".into() }),
            _ => done(at, evaluation),
        })
    }

    fn look(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Proxies) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        FakeEvaluator.look(tasks, done)
    }
}

#[test]
fn what_training_refuses_is_known_after_a_resume_as_before() {
    let whole = tempfile::tempdir().unwrap();
    let mut search = create(&whole.path().join("run"), config());
    let (undisturbed, events) = run_with(&mut search, &mut Narrow, usize::MAX).unwrap();
    let all = search.store().candidates().unwrap();
    let refused = |id: &str| {
        let is = |c: &&CandidateRecord| c.id == id && c.fingerprint.is_some() && c.verdict.stage() < Stage::Duplicate;
        all.iter().find(is).is_some()
    };
    let repeats = |c: &&CandidateRecord| matches!(&c.verdict, Verdict::Duplicate { of, .. } if refused(of));
    assert!(all.iter().filter(repeats).any(|c| c.cycle > 0), "a network that training refused is written again");
    for stop_at in (events / 3..events).step_by(9) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        run_with(&mut create(&root, config()), &mut Narrow, stop_at).unwrap();
        let (resumed, _) = run_with(&mut resume(&root).unwrap(), &mut Narrow, usize::MAX).unwrap();
        assert_eq!(resumed.digest, undisturbed.digest, "stopped at event {stop_at} of {events}");
    }
}
