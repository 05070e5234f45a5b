//! Candidates trained again.

use super::fakes::{CONTRACT, FakeEvaluator, SOURCES, create, lively, run};
use archsmith_archive::{Retrainings, SeedRecord};
use archsmith_search::Search;
use archsmith_search::reseed::{Choice, Plan, Reseed};
use std::cell::Cell;
use std::collections::BTreeSet;

#[test]
fn a_plan_is_carried_out_once_over_however_many_calls() {
    let folder = tempfile::tempdir().unwrap();
    let mut search = create(&folder.path().join("run"), lively());
    run(&mut search, usize::MAX).unwrap();
    let (store, config) = (search.store(), search.config());
    let digest = store.digest().unwrap();
    let plan = Plan { networks: Choice::Best(5), times: 3, epochs: 1 };
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
    let chosen = |networks| {
        let plan = Plan { networks, times: 1, epochs: 1 };
        let work = Reseed { store: search.store(), config: search.config(), contract: CONTRACT, plan };
        work.chosen().unwrap().into_iter().map(|c| c.id).collect::<Vec<_>>()
    };
    assert_eq!(chosen(Choice::Best(4)), ranked[..4]);
    let spread = chosen(Choice::Spread(4));
    assert_eq!((spread.len(), &spread[0], &spread[3]), (4, &ranked[0], &ranked[ranked.len() - 1]));
    assert_eq!(chosen(Choice::Spread(1)), ranked[..1]);
    assert_eq!(chosen(Choice::Spread(1000)), ranked);
    assert_eq!(chosen(Choice::Best(0)), Vec::<String>::new());
}

#[test]
fn seed_networks_are_trained_as_candidates_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut seeds: Vec<SeedRecord> = SOURCES
        .iter()
        .zip(["c", "a", "d", "b"])
        .map(|(text, name)| SeedRecord { name: name.into(), text: (*text).into(), accuracy: None, fingerprint: None })
        .collect();
    // One that the run would not train.
    let broken = SOURCES[0].replace("self.stem", "self.stern");
    seeds.push(SeedRecord { name: "aa".into(), text: format!("{broken}\nraise"), accuracy: None, fingerprint: None });
    let root = folder.path().join("run");
    let created = Search::create(&root, lively(), CONTRACT, seeds, &serde_json::json!({}), String::new());
    let search = created.unwrap();
    let (store, config) = (search.store(), search.config());
    let work = |networks, times| {
        let plan = Plan { networks: Choice::SeedSet(networks), times, epochs: 1 };
        Reseed { store, config, contract: CONTRACT, plan }
    };
    let ids = |networks| work(networks, 1).chosen().unwrap().into_iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(9), ["seed:a", "seed:b", "seed:c", "seed:d"]);
    assert_eq!(ids(2), ["seed:a", "seed:d"]);
    let digest = store.digest().unwrap();
    let mut results = Retrainings::open(&search.dir().retrainings_path()).unwrap();
    assert_eq!(work(9, 2).run(&mut results, &mut FakeEvaluator, &mut |_| {}, &|| false).unwrap(), 0);
    let trainings: BTreeSet<u64> = results.all().iter().map(|r| r.seed).collect();
    assert_eq!((results.all().len(), trainings.len()), (8, 8));
    assert_eq!(store.digest().unwrap(), digest, "the archive is only read");
}

#[test]
fn a_damaged_file_of_results_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("retrainings.jsonl");
    std::fs::write(&path, "\n{\"candidate\": 3}\n").unwrap();
    let said = Retrainings::open(&path).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(said.contains("line 2") && said.contains("delete the line"), "{said}");
}
