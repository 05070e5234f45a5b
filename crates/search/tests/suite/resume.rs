//! A run that is stopped anywhere ends with the archive of one that was not.

use super::fakes::{config, create, resume, run};
use archsmith_archive::{CandidateRecord, Stage};
use std::collections::BTreeSet;

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
fn a_duplicate_is_drawn_again_as_often_as_asked_and_resumes_the_same() {
    let mut again = config();
    again.novelty.redraws = 2;
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
    use super::fakes::{FakeEvaluator, SOURCES};
    use archsmith_archive::Event;
    use archsmith_search::Host;
    use archsmith_search::mutation::Mutation;
    use std::cell::Cell;
    let go = |search: &mut archsmith_search::Search, events: usize| {
        let told = Cell::new(0usize);
        let stop = || told.get() >= events;
        let mut on_event = |_: &Event| told.set(told.get() + 1);
        let mut host = Host { now_ms: &|| 0, on_event: &mut on_event, stop: &stop };
        let mut generator = Mutation::new(SOURCES.map(String::from).to_vec()).unwrap();
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
