//! Candidates trained again.

use super::fakes::{CONTRACT, FakeEvaluator, create, lively, run};
use archsmith_archive::Retrainings;
use archsmith_search::reseed::{Plan, Reseed};
use std::cell::Cell;
use std::collections::BTreeSet;

#[test]
fn a_plan_is_carried_out_once_over_however_many_calls() {
    let folder = tempfile::tempdir().unwrap();
    let mut search = create(&folder.path().join("run"), lively());
    run(&mut search, usize::MAX).unwrap();
    let (store, config) = (search.store(), search.config());
    let digest = store.digest().unwrap();
    let plan = Plan { networks: 5, spread: false, times: 3, epochs: 1 };
    let work = Reseed { store, config, contract: CONTRACT, plan };
    let path = search.dir().retrainings_path();

    // Stopped after the fourth result, then taken up again from the file.
    let done = Cell::new(0);
    let mut results = Retrainings::open(&path).unwrap();
    let left =
        work.run(&mut results, &mut FakeEvaluator, &mut |_| done.set(done.get() + 1), &|| done.get() >= 4).unwrap();
    assert_eq!((done.get(), left), (4, 11));
    let mut results = Retrainings::open(&path).unwrap();
    assert_eq!(results.all().len(), 4);
    let left = work.run(&mut results, &mut FakeEvaluator, &mut |_| done.set(done.get() + 1), &|| false).unwrap();
    assert_eq!((done.get(), left), (15, 0));
    let best: Vec<String> = store.top(5).unwrap().into_iter().map(|c| c.id).collect();
    let trained: BTreeSet<&str> = results.all().iter().map(|r| r.candidate.as_str()).collect();
    assert_eq!(trained, best.iter().map(String::as_str).collect());
    let seeds: BTreeSet<u64> = results.all().iter().map(|r| r.seed).collect();
    assert_eq!(seeds.len(), 15, "each training has a seed of its own");

    // In one go the same comes out, in whatever order.
    let mut at_once = Retrainings::open(&folder.path().join("at-once.jsonl")).unwrap();
    work.run(&mut at_once, &mut FakeEvaluator, &mut |_| {}, &|| false).unwrap();
    let sorted = |all: &Retrainings| {
        let mut lines: Vec<String> = all.all().iter().map(|r| serde_json::to_string(r).unwrap()).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&results), sorted(&at_once));
    // And a third call has nothing to do.
    assert_eq!(work.run(&mut results, &mut FakeEvaluator, &mut |_| panic!("nothing is open"), &|| false).unwrap(), 0);
    assert_eq!(store.digest().unwrap(), digest, "the archive is only read");
}

#[test]
fn networks_are_taken_from_the_top_or_evenly() {
    let folder = tempfile::tempdir().unwrap();
    let mut search = create(&folder.path().join("run"), lively());
    run(&mut search, usize::MAX).unwrap();
    let ranked: Vec<String> = search.store().top(usize::MAX).unwrap().into_iter().map(|c| c.id).collect();
    let chosen = |networks, spread| {
        let plan = Plan { networks, spread, times: 1, epochs: 1 };
        let work = Reseed { store: search.store(), config: search.config(), contract: CONTRACT, plan };
        work.chosen().unwrap().into_iter().map(|c| c.id).collect::<Vec<_>>()
    };
    assert_eq!(chosen(4, false), ranked[..4]);
    let spread = chosen(4, true);
    assert_eq!((spread.len(), &spread[0], &spread[3]), (4, &ranked[0], &ranked[ranked.len() - 1]));
    assert_eq!(chosen(1, true), ranked[..1]);
    assert_eq!(chosen(1000, true), ranked);
    assert_eq!(chosen(0, false), Vec::<String>::new());
}

#[test]
fn a_damaged_file_of_results_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("retrainings.jsonl");
    std::fs::write(&path, "\n{\"candidate\": 3}\n").unwrap();
    let said = Retrainings::open(&path).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(said.contains("line 2") && said.contains("delete the line"), "{said}");
}
