//! A very long run: what it holds in memory (as Linux tells it), and how long the archive's answers take.

use super::fakes::{FakeEvaluator, SOURCES, config, create};
use archsmith_archive::{Event, NoveltyIndex};
use archsmith_search::Host;
use archsmith_search::mutation::Mutation;
use std::time::{Duration, Instant};

/// Kibibytes of this process in memory.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Median of some repetitions.
fn median(mut ask: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..21)
        .map(|_| {
            let started = Instant::now();
            ask();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[10]
}

/// `CANDIDATES` (100,000) mutations in cycles of 500, trained by the fake. Prints what a page would report; holds only that memory
/// grows by no more than what is known of each network that passed.
#[test]
#[ignore = "minutes: `just long`"]
fn a_hundred_thousand_candidates() {
    let wanted: u32 = std::env::var("CANDIDATES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let mut config = config();
    config.run.candidates = 500;
    config.run.cycles = wanted.div_ceil(500);
    config.model.batch = 500;
    // Nearly everything that stands passes, so that the index fills as no real run's does.
    config.novelty.near_duplicate = 1.0;
    config.novelty.graph = false;
    let folder = tempfile::tempdir().unwrap();
    let mut search = create(&folder.path().join("run"), config.clone());
    let mut generator = Mutation::new(SOURCES.map(String::from).to_vec(), None).unwrap();
    let tenth = (config.run.cycles / 10).max(1);
    let (mut held, mut passed) = (Vec::new(), 0u64);
    let started = Instant::now();
    let mut on_event = |event: &Event| match event {
        Event::CandidateFinished { accuracy_val: Some(_), .. } => passed += 1,
        Event::CycleFinished { cycle, .. } if (cycle + 1) % tenth == 0 => {
            held.push((passed, resident_kib()));
            println!(
                "{:>7} candidates, {passed} passed, {} KiB resident, {:.0} s",
                (cycle + 1) * 500,
                resident_kib(),
                started.elapsed().as_secs_f64()
            );
        }
        _ => {}
    };
    let mut host = Host { now_ms: &|| 0, on_event: &mut on_event, stop: &|| false };
    let outcome = search.run(&mut generator, &mut FakeEvaluator, &mut host).unwrap();
    assert!(outcome.finished);
    let store = search.store();
    let all = store.candidates().unwrap();
    let known: Vec<&str> = all.iter().filter(|c| c.metrics.is_some()).map(|c| c.text.as_str()).collect();
    let mut index = NoveltyIndex::new();
    for (i, text) in known.iter().enumerate() {
        index.insert(&i.to_string(), text);
    }
    let last = all.last().unwrap();
    println!("top 20: {:?}", median(|| drop(store.top(20).unwrap())));
    println!("one candidate: {:?}", median(|| drop(store.candidate(&last.id).unwrap())));
    println!("one cycle: {:?}", median(|| drop(store.candidates_of(last.cycle).unwrap())));
    println!("counts of a cycle: {:?}", median(|| drop(store.counts(Some(last.cycle)).unwrap())));
    println!("counts of all: {:?}", median(|| drop(store.counts(None).unwrap())));
    println!("near-duplicate among {}: {:?}", index.len(), median(|| drop(index.query(&last.text))));
    println!("nearest among {}: {:?}", index.len(), median(|| drop(index.nearest(&last.text))));
    let ((p0, m0), (p1, m1)) = (held[0], held[held.len() - 1]);
    let each = m1.saturating_sub(m0) as f64 / (p1 - p0).max(1) as f64;
    println!("{each:.2} KiB a network that passed");
    // A signature of 1 KiB, some 400 shingles of 8 bytes twice over, a name: what the novelty index keeps of a network.
    assert!(each < 16.0, "memory grows by {each:.1} KiB a network");
}
