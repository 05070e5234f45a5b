//! Results that are known from earlier.

use super::fakes::{FakeEvaluator, create, generator, lively, resume};
use archsmith_archive::{EvaluationCache, Proxies};
use archsmith_search::cache::Cached;
use archsmith_search::{Evaluation, EvaluationTask, Evaluator, Host, Outcome, PartError, Search};
use serde_json::{Value, json};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

/// The fake, counting what it is asked.
struct Counting(Rc<Cell<usize>>);

impl Evaluator for Counting {
    fn evaluate(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Evaluation) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        self.0.set(self.0.get() + tasks.len());
        FakeEvaluator.evaluate(tasks, done)
    }

    fn look(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Proxies) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        FakeEvaluator.look(tasks, done)
    }
}

/// Runs with a cache in this folder; gives the outcome, what had to be evaluated, and how many events there were.
fn run(search: &mut Search, folder: &Path, settings: Value, events: usize) -> (Outcome, usize, usize) {
    let asked = Rc::new(Cell::new(0));
    let cache = EvaluationCache::open(folder).unwrap();
    let mut evaluator = Cached::new(Box::new(Counting(asked.clone())), cache, settings);
    let told = Cell::new(0usize);
    let stop = || told.get() >= events;
    let mut on_event = |_: &archsmith_archive::Event| told.set(told.get() + 1);
    let mut host = Host { now_ms: &|| 0, on_event: &mut on_event, stop: &stop };
    let mut generator = generator(search.config());
    let outcome = search.run(generator.as_mut(), &mut evaluator, &mut host).unwrap();
    (outcome, asked.get(), told.get())
}

#[test]
fn what_was_evaluated_once_is_not_again_and_the_archive_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let make = |name: &str| create(&folder.path().join(name), lively());
    let (plain, _) = super::fakes::run(&mut make("plain"), usize::MAX).unwrap();
    let (first, asked, events) = run(&mut make("first"), &cache, json!({}), usize::MAX);
    assert!(asked > 0);
    let (second, again, _) = run(&mut make("second"), &cache, json!({}), usize::MAX);
    assert_eq!((again, &second), (0, &first));
    assert_eq!(first, plain, "a cache changes nothing");
    let (other, asked_of_other, _) = run(&mut make("other"), &cache, json!({ "epochs": 2 }), usize::MAX);
    assert_eq!((asked_of_other, other), (asked, first.clone()), "other settings are other results");
    // Stopped and resumed with a cache, it is still the same.
    for stop_at in (1..events).step_by(29) {
        let root = folder.path().join(format!("stopped-{stop_at}"));
        run(&mut create(&root, lively()), &folder.path().join(format!("cache-{stop_at}")), json!({}), stop_at);
        let (resumed, _, _) = run(&mut resume(&root).unwrap(), &cache, json!({}), usize::MAX);
        assert_eq!(resumed.digest, first.digest);
    }
}

#[test]
fn a_damaged_entry_is_found_out_anew() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let (first, asked, _) = run(&mut create(&folder.path().join("a"), lively()), &cache, json!({}), usize::MAX);
    let mut damaged = 0;
    for inner in std::fs::read_dir(&cache).unwrap() {
        for entry in std::fs::read_dir(inner.unwrap().path()).unwrap() {
            let path = entry.unwrap().path();
            let whole = std::fs::read(&path).unwrap();
            if damaged < 3 {
                std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
                damaged += 1;
            }
        }
    }
    assert!(asked > 3);
    let (second, again, _) = run(&mut create(&folder.path().join("b"), lively()), &cache, json!({}), usize::MAX);
    assert_eq!((second, again), (first, 3));
}

#[test]
fn a_cache_that_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    assert!(EvaluationCache::open(&file).is_err());
}
