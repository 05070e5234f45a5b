use archsmith_archive::{
    CandidateRecord, CycleRecord, DiagnosticRecord, Metrics, Origin, RunRecord, SeedRecord, SftRecord, Stage, Store,
    StoreError, Verdict, candidate_id, run_id,
};

fn metrics(accuracy_val: f64) -> Metrics {
    Metrics {
        accuracy_train: None,
        accuracy_val,
        accuracy_test: accuracy_val - 0.01,
        loss: 1.25,
        seconds: 8.0,
        img_s: 1200.0,
        peak_rss_mb: 200.0,
        epochs: 1,
    }
}

pub(crate) fn candidate(cycle: u32, index: u32, verdict: Verdict) -> CandidateRecord {
    let trained = verdict == Verdict::Trained;
    CandidateRecord {
        id: candidate_id("run", cycle, index, 0),
        cycle,
        index,
        attempt: 0,
        origin: Origin::Raw,
        prompt_id: "compact".to_owned(),
        prompt_hash: String::new(),
        parents: vec!["seed:plain_conv".to_owned()],
        text: format!("import torch\n# {cycle} {index} äöü\n"),
        diagnostics: vec![DiagnosticRecord {
            code: "shape-mismatch".to_owned(),
            message: "expected 64 features, found 32".to_owned(),
            line: Some(2),
            column: None,
        }],
        fingerprint: trained.then(|| format!("f{index}")),
        params: Some(171_290),
        macs: Some(5_220_000),
        recipe: serde_json::json!({"optimizer": {"lr": 0.01, "kind": "sgd"}}),
        novelty: Some(0.4),
        nearest: None,
        metrics: trained.then(|| metrics(0.5 + 0.01 * f64::from(index))),
        admitted: trained,
        seed: u64::MAX,
        tokens: 400,
        guidance: None,
        foresight: None,
        generation_seconds: 1.5,
        verdict,
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("archive.sqlite")).unwrap();
    (folder, store)
}

#[test]
fn what_is_put_comes_back_in_order_after_reopening() {
    let (folder, mut store) = store();
    let path = store.path().to_path_buf();
    let all = [
        candidate(0, 0, Verdict::Unparsed),
        candidate(0, 1, Verdict::Trained),
        candidate(1, 0, Verdict::Unsupported { feature: "torch.fft.fft2".to_owned() }),
        candidate(1, 1, Verdict::Duplicate { of: candidate_id("run", 0, 1, 0), jaccard: 0.93 }),
    ];
    for candidate in all.iter().rev() {
        assert!(store.put_candidate(candidate).unwrap());
    }
    drop(store);
    let store = Store::open_read_only(&path).unwrap();
    assert_eq!(store.candidates().unwrap(), all);
    assert_eq!(store.candidates_of(1).unwrap(), all[2..]);
    assert_eq!(store.admitted().unwrap(), all[1..2]);
    assert_eq!(store.candidate(&all[2].id[..12]).unwrap().as_ref(), Some(&all[2]));
    assert_eq!(store.candidate("").unwrap(), None);
    assert_eq!(store.verify().unwrap(), []);
    drop(folder);
}

#[test]
fn the_best_come_first_and_ties_in_order_of_making() {
    let (_folder, mut store) = store();
    for (index, accuracy) in [(0, 0.5), (1, 0.7), (2, 0.7), (3, 0.6)] {
        let mut record = candidate(0, index, Verdict::Trained);
        record.metrics = Some(metrics(accuracy));
        store.put_candidate(&record).unwrap();
    }
    store.put_candidate(&candidate(0, 4, Verdict::IllTyped)).unwrap();
    let best: Vec<u32> = store.top(3).unwrap().into_iter().map(|record| record.index).collect();
    assert_eq!(best, [1, 2, 3]);
    assert_eq!(store.top(100).unwrap().len(), 4);
}

#[test]
fn raw_and_repaired_are_counted_apart() {
    let (_folder, mut store) = store();
    store.put_candidate(&candidate(0, 0, Verdict::IllTyped)).unwrap();
    store.put_candidate(&candidate(0, 1, Verdict::IllTyped)).unwrap();
    let repaired = CandidateRecord {
        id: candidate_id("run", 0, 1, 1),
        attempt: 1,
        origin: Origin::Repaired,
        ..candidate(0, 1, Verdict::Trained)
    };
    store.put_candidate(&repaired).unwrap();
    store.put_candidate(&candidate(1, 0, Verdict::TimedOut)).unwrap();
    let counts: Vec<_> = store.counts(None).unwrap().into_iter().collect();
    assert_eq!(
        counts,
        [
            ((Origin::Raw, Stage::IllTyped), 2),
            ((Origin::Raw, Stage::TimedOut), 1),
            ((Origin::Repaired, Stage::Trained), 1)
        ]
    );
    assert_eq!(store.counts(Some(1)).unwrap().len(), 1);
}

#[test]
fn putting_again_changes_nothing_and_another_record_is_refused() {
    let (_folder, mut store) = store();
    let first = candidate(0, 0, Verdict::Trained);
    assert!(store.put_candidate(&first).unwrap());
    // Only the clock differs: what a resumed run may put again.
    let mut again = first.clone();
    again.generation_seconds = 99.0;
    again.metrics = Some(Metrics { seconds: 99.0, ..metrics(0.5) });
    assert!(!store.put_candidate(&again).unwrap());
    assert_eq!(store.candidates().unwrap(), std::slice::from_ref(&first));

    let mut other = first.clone();
    other.text.push('#');
    assert!(matches!(store.put_candidate(&other), Err(StoreError::Conflict { .. })));
    // The same place under another id.
    other.id = "0123456789abcdef".to_owned();
    assert!(matches!(store.put_candidate(&other), Err(StoreError::Conflict { .. })));

    let cycle = CycleRecord { cycle: 0, candidates: 1, sft: None, adapter: None, topped_up: Vec::new() };
    assert!(store.put_cycle(&cycle).unwrap());
    assert!(!store.put_cycle(&cycle).unwrap());
    assert!(matches!(store.put_cycle(&CycleRecord { candidates: 2, ..cycle }), Err(StoreError::Conflict { .. })));
}

#[test]
fn the_digest_sees_content_and_not_the_clock() {
    let fill = |clock: f64, loss: f64, reverse: bool| {
        let (folder, mut store) = store();
        let mut records: Vec<_> = (0..3).map(|index| candidate(0, index, Verdict::Trained)).collect();
        for record in &mut records {
            record.generation_seconds = clock;
            record.metrics = Some(Metrics { seconds: clock, img_s: clock, peak_rss_mb: clock, ..metrics(0.5) });
        }
        if reverse {
            records.reverse();
        }
        for record in &records {
            store.put_candidate(record).unwrap();
        }
        let sft = SftRecord { pairs: 6, steps: 12, loss_before: 2.0, loss_after: loss, seconds: clock };
        store
            .put_cycle(&CycleRecord {
                cycle: 0,
                candidates: 3,
                sft: Some(sft),
                adapter: Some("adapters/cycle-000".into()),
                topped_up: Vec::new(),
            })
            .unwrap();
        let digest = store.digest().unwrap();
        drop(folder);
        digest
    };
    let digest = fill(1.0, 1.5, false);
    assert_eq!(digest.len(), 64);
    assert_eq!(digest, fill(7.5, 1.5, true));
    assert_ne!(digest, fill(1.0, 1.6, false));
}

#[test]
fn the_order_of_keys_in_a_recipe_does_not_matter() {
    let mut a = candidate(0, 0, Verdict::Trained);
    let mut b = a.clone();
    a.recipe = serde_json::json!({"a": 1, "b": [{"c": 2, "d": 3}]});
    b.recipe = serde_json::from_str(r#"{"b": [{"d": 3, "c": 2}], "a": 1}"#).unwrap();
    assert_eq!(a.digest().unwrap(), b.digest().unwrap());
}

#[test]
fn absurd_numbers_are_stored() {
    let (_folder, mut store) = store();
    let mut record = candidate(0, 0, Verdict::OverBudget { what: "parameters".to_owned() });
    record.params = Some(u64::MAX);
    record.macs = Some(u64::MAX);
    record.text = "\u{0}\u{1f600}".to_owned();
    store.put_candidate(&record).unwrap();
    assert_eq!(store.candidates().unwrap(), [record]);
    let mut diverged = candidate(0, 1, Verdict::Diverged);
    diverged.metrics = Some(Metrics { loss: f64::NAN, accuracy_val: f64::NAN, ..metrics(0.1) });
    store.put_candidate(&diverged).unwrap();
    assert!(!store.put_candidate(&diverged).unwrap());
    assert!(store.candidates().unwrap()[1].metrics.as_ref().unwrap().loss.is_nan());
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let (_folder, mut store) = store();
    let path = store.path().to_path_buf();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }));
    assert!(error.to_string().contains("another process"));
    let reader = Store::open_read_only(&path).unwrap();
    store.put_candidate(&candidate(0, 0, Verdict::Contract)).unwrap();
    assert_eq!(reader.candidates().unwrap().len(), 1);
    drop(store);
    Store::open(&path).unwrap();
}

/// Files of every version that wrote archives stay readable, and their digests what they were.
#[test]
fn an_archive_of_the_first_version_is_read_verified_and_written_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.sqlite");
    rusqlite::Connection::open(&path).unwrap().execute_batch(include_str!("old/schema-1.sql")).unwrap();
    const DIGEST: &str = "23d2b544b959d82e590cad9070f0b0cac2c18155a9beb30c67c6dd63004ab29f";
    assert_eq!(Store::open_read_only(&path).unwrap().digest().unwrap(), DIGEST);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.digest().unwrap(), DIGEST, "taken to today's schema it holds the same");
    assert_eq!(store.verify().unwrap(), []);
    let all = store.candidates().unwrap();
    assert_eq!((all.len(), all[0].seed, all[1].verdict.code()), (2, u64::MAX, "unparsed"));
    assert_eq!(store.cycles().unwrap()[0].topped_up, Vec::<String>::new());
    // What is there may be put again, as a resumed run does; and a further cycle may follow.
    assert!(!store.put_candidate(&all[0]).unwrap());
    assert!(store.put_candidate(&candidate(1, 0, Verdict::Trained)).unwrap());
    assert_eq!(store.candidates().unwrap().len(), 3);
}

#[test]
fn what_is_no_archive_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.sqlite");
    assert!(matches!(Store::open_read_only(&path), Err(StoreError::Missing { .. })));
    std::fs::write(&path, "this is a text and no archive at all\n".repeat(100)).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Damaged { .. })));
    assert!(matches!(Store::open_read_only(&path), Err(StoreError::Damaged { .. })));
    assert!(matches!(Store::open(&folder.path().join("absent/archive.sqlite")), Err(StoreError::Io { .. })));
}

#[test]
fn verify_finds_references_to_nothing() {
    let (_folder, mut store) = store();
    store
        .put_seeds(&[SeedRecord { name: "plain_conv".into(), text: String::new(), accuracy: None, fingerprint: None }])
        .unwrap();
    let mut record = candidate(0, 0, Verdict::Trained);
    record.parents = vec!["seed:plain_conv".into(), "seed:none".into(), "feedfeedfeedfeed".into()];
    store.put_candidate(&record).unwrap();
    store.put_cycle(&CycleRecord { cycle: 0, candidates: 2, sft: None, adapter: None, topped_up: Vec::new() }).unwrap();
    let messages: Vec<_> = store.verify().unwrap().into_iter().map(|problem| problem.message).collect();
    assert_eq!(messages.len(), 3);
    assert!(messages[0].contains("seed:none") && messages[1].contains("feedfeedfeedfeed"));
    assert!(messages[2].contains("should have 2 candidates, 1"));
}

#[test]
fn the_run_is_recorded_once() {
    let (_folder, mut store) = store();
    let run = RunRecord {
        run_id: run_id("cycles = 3\n", 7),
        version: "0.1.0".into(),
        seed: 7,
        config: "cycles = 3\n".into(),
        created: "2026-11-24T08:00:00Z".into(),
        schema: archsmith_archive::record::SCHEMA_VERSION,
    };
    assert_eq!(store.run().unwrap(), None);
    assert!(store.put_run(&run).unwrap());
    let later = RunRecord { created: "2026-11-25T08:00:00Z".into(), ..run.clone() };
    assert!(!store.put_run(&later).unwrap());
    assert_eq!(store.run().unwrap(), Some(run.clone()));
    assert!(matches!(store.put_run(&RunRecord { seed: 8, ..run }), Err(StoreError::Conflict { .. })));
}

#[test]
fn stages_are_ordered_and_their_codes_are_those_stored() {
    assert!(Stage::ALL.is_sorted());
    for stage in Stage::ALL {
        assert_eq!(Stage::from_code(stage.code()), Some(stage));
        assert_eq!(serde_json::to_value(stage).unwrap(), stage.code());
    }
    let verdict = Verdict::OverBudget { what: "parameters".into() };
    assert_eq!(serde_json::to_value(&verdict).unwrap()["code"], verdict.code());
    assert!(!verdict.stage().is_valid() && Stage::Duplicate.is_valid());
    assert_eq!(verdict.to_string(), "over-budget: parameters");
}

#[test]
fn ids_tell_runs_places_and_attempts_apart() {
    let ids: std::collections::BTreeSet<_> = [
        candidate_id("a", 1, 11, 0),
        candidate_id("a", 11, 1, 0),
        candidate_id("a", 1, 1, 10),
        candidate_id("b", 1, 11, 0),
    ]
    .into();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|id| id.len() == 16));
    assert_ne!(run_id("x = 1", 1), run_id("x = 1", 2));
}
