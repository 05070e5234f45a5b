//! Tasks, outcomes and child processes.

use crate::nets::{shortcut, small_conv};
use archsmith_ir::Recipe;
use archsmith_train::lower::Plan;
use archsmith_train::worker::{Executor, ExecutorError, WorkerError, run_task};
use archsmith_train::{Aim, DataRef, FitConfig, Outcome, SplitConfig, Task, held};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn task(seed: u64) -> Task {
    Task {
        graph: small_conv(16, [4, 4, 4], true, 0.1, Recipe::default()).into_graph(),
        data: DataRef::Embedded,
        splits: SplitConfig { validation: 50, train_limit: Some(64), test_limit: Some(50), seed: 0 },
        config: FitConfig { threads: 1, seed, ..FitConfig::default() },
        aim: Aim::Metrics,
    }
}

/// A worker that is a shell script; `$2` is the task file, `$4` the result file.
fn script(folder: &Path, text: &str) -> Executor {
    Executor {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), text.into(), "worker".into()],
        workers: 2,
        time_limit: Duration::from_secs(20),
        memory_limit_mb: None,
        folder: folder.to_path_buf(),
    }
}

/// This test binary as a worker: see `entry`.
fn real(folder: &Path) -> Executor {
    let me = std::env::current_exe().unwrap();
    let text = format!("TASK=\"$2\" RESULT=\"$4\" exec '{}' --ignored --exact worker::entry", me.display());
    Executor { time_limit: Duration::from_secs(120), ..script(folder, &text) }
}

#[test]
#[ignore = "the child of other tests"]
fn entry() {
    let (Ok(task), Ok(result)) = (std::env::var("TASK"), std::env::var("RESULT")) else { return };
    run_task(Path::new(&task), Path::new(&result)).unwrap();
}

#[test]
fn a_child_only_looks_where_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = [Task { aim: Aim::Proxies, ..task(1) }, task(1)];
    let outcomes = real(folder.path()).run(&tasks, &AtomicBool::new(false), &mut |_, _| {}).unwrap();
    let [Outcome::Seen(proxies), Outcome::Trained(_)] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(proxies.grad_norm.is_some() && proxies.naswot.is_some(), "{proxies:?}");
}

#[test]
fn children_train_and_outcomes_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = [task(1), task(2), task(1)];
    let mut seen = Vec::new();
    let outcomes = real(folder.path()).run(&tasks, &AtomicBool::new(false), &mut |i, _| seen.push(i)).unwrap();
    let loss = |o: &Outcome| match o {
        Outcome::Trained(m) => m.loss,
        other => panic!("{other:?}"),
    };
    assert_eq!(loss(&outcomes[0]).to_bits(), loss(&outcomes[2]).to_bits());
    assert_ne!(loss(&outcomes[0]).to_bits(), loss(&outcomes[1]).to_bits());
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2]);
    // In this process the same task has the same outcome.
    let Outcome::Trained(here) = task(2).run() else { panic!("not trained") };
    assert_eq!(here.loss.to_bits(), loss(&outcomes[1]).to_bits());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "files are left behind");
}

#[test]
fn a_child_that_takes_too_long_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let executor = Executor { time_limit: Duration::from_millis(300), ..script(folder.path(), "exec sleep 60") };
    let start = Instant::now();
    let outcomes = executor.run(&[task(0)], &AtomicBool::new(false), &mut |_, _| {}).unwrap();
    assert!(matches!(outcomes[0], Outcome::TimedOut { .. }), "{outcomes:?}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_crash_keeps_what_the_child_said() {
    let folder = tempfile::tempdir().unwrap();
    let said = script(folder.path(), "echo 'the matrix has no inverse' >&2; exit 7");
    let outcomes = said.run(&[task(0)], &AtomicBool::new(false), &mut |_, _| {}).unwrap();
    assert!(
        matches!(&outcomes[0], Outcome::Crashed { reason } if reason.contains("no inverse") && reason.contains('7')),
        "{outcomes:?}"
    );
    let silent = script(folder.path(), "exit 0");
    let outcomes = silent.run(&[task(0)], &AtomicBool::new(false), &mut |_, _| {}).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Crashed { reason } if reason.contains("no outcome")), "{outcomes:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_that_takes_too_much_memory_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    // A variable that doubles until the limit stops it.
    let hungry = "x=aaaaaaaa; while [ ${#x} -lt 400000000 ]; do x=$x$x; done; exec sleep 60";
    let executor = Executor { memory_limit_mb: Some(64), ..script(folder.path(), hungry) };
    let outcomes = executor.run(&[task(0)], &AtomicBool::new(false), &mut |_, _| {}).unwrap();
    assert!(matches!(&outcomes[0], Outcome::OverMemory { reason } if reason.contains("out of memory")), "{outcomes:?}");
}

#[test]
fn a_network_beyond_the_memory_limit_is_refused_before_it_is_made() {
    let mut large = task(0);
    large.graph = small_conv(256, [512, 256, 256], true, 0.0, Recipe::default()).into_graph();
    large.splits.train_limit = None;
    large.config.memory_limit_mb = Some(300);
    let outcome = large.run();
    assert!(matches!(&outcome, Outcome::OverMemory { reason } if reason.contains("300 MiB")), "{outcome:?}");
    let mut small = task(0);
    small.config.memory_limit_mb = Some(500);
    assert!(matches!(small.run(), Outcome::Trained(_)));
}

#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_training_is_known_before() {
    let folder = tempfile::tempdir().unwrap();
    // The last with as little as it can do with: activations are computed again.
    let plain = |batch, widths| (batch, small_conv(batch, widths, true, 0.1, Recipe::default()), false);
    for (batch, graph, spare) in [plain(256, [64, 64, 64]), plain(64, [256, 512, 512]), (256, shortcut(256), true)] {
        let mut task = task(0);
        // The images lie beside it.
        let data = (DataRef::Embedded.load().unwrap().bytes() as u64).div_ceil(1 << 20);
        let (plan, footprint) = Plan::fitting(&graph, |_| !spare).unwrap();
        assert_eq!(plan.segments() > 1, spare);
        let limit = footprint.process_mb();
        task.graph = graph.into_graph();
        task.splits.train_limit = Some(2 * batch);
        task.config.memory_limit_mb = spare.then_some(limit + data);
        let outcomes = real(folder.path()).run(&[task], &AtomicBool::new(false), &mut |_, _| {}).unwrap();
        let Outcome::Trained(metrics) = &outcomes[0] else { panic!("{outcomes:?}") };
        let (predicted, measured) = (footprint.process_mb() + data, metrics.peak_rss_mb.unwrap());
        let ratio = predicted as f64 / measured as f64;
        assert!((0.85..1.15).contains(&ratio), "{predicted} MiB predicted, {measured} measured");
    }
}

#[test]
fn a_stop_kills_the_children() {
    let folder = tempfile::tempdir().unwrap();
    let executor = script(folder.path(), "exec sleep 60");
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    std::thread::scope(|s| {
        s.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            stop.store(true, Ordering::Relaxed);
        });
        let error = executor.run(&[task(0), task(1), task(2)], &stop, &mut |_, _: &Outcome| {});
        assert!(matches!(error, Err(ExecutorError::Stopped)), "{error:?}");
    });
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn files_that_are_no_tasks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (bad, result) = (folder.path().join("bad.json"), folder.path().join("result.json"));
    std::fs::write(&bad, "{\"graph\": 3}").unwrap();
    assert!(matches!(run_task(&bad, &result), Err(WorkerError::Format { what: "task", .. })));
    assert!(matches!(run_task(&folder.path().join("none.json"), &result), Err(WorkerError::Io { .. })));
    assert!(!result.exists());
}

#[test]
fn missing_data_is_not_the_candidates_fault() {
    let missing = Task { data: DataRef::FashionMnist { dir: "/nowhere".into() }, ..task(0) };
    let outcome = missing.run();
    assert!(matches!(&outcome, Outcome::Failed { reason } if reason.contains("/nowhere")), "{outcome:?}");
}

/// `CANDIDATES` children in a row, one in four a real fit, the others broken in three ways. Counts what this process holds, so it must
/// be the only test of its process: see `nothing_is_left_of_many_children`.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "counts what its process holds: run alone, by another test or by `just soak`"]
fn soak() {
    let wanted: usize = std::env::var("CANDIDATES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let train = real(folder.path());
    let broken = [
        Executor { time_limit: Duration::from_millis(100), ..script(folder.path(), "exec sleep 60") },
        script(folder.path(), "echo lost >&2; kill -SEGV $$"),
        script(folder.path(), "yes | head -c 300000 >&2; exit 0"),
    ];
    let mut first = None;
    for i in 0..wanted {
        let executor = match i % 4 {
            0 => &train,
            k => &broken[k - 1],
        };
        let outcomes: Vec<Outcome> = executor.run(&[task(i as u64)], &stop, &mut |_, _| {}).unwrap();
        let right = match i % 4 {
            0 => matches!(outcomes[..], [Outcome::Trained(_)]),
            1 => matches!(outcomes[..], [Outcome::TimedOut { .. }]),
            _ => matches!(outcomes[..], [Outcome::Crashed { .. }]),
        };
        assert!(right, "candidate {i}: {outcomes:?}");
        if (i + 1) % 20 == 0 {
            let now = held().unwrap();
            println!("{:>4} candidates: {now:?}", i + 1);
            let first = *first.get_or_insert(now);
            assert_eq!((now.files, now.children), (first.files, 0), "after {} candidates", i + 1);
            assert!(now.rss_kib < first.rss_kib + 4096, "{first:?} after 20 candidates, {now:?} after {}", i + 1);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "files are left");
        }
    }
    assert!(first.is_some(), "fewer than 20 candidates show nothing");
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_many_children() {
    let me = std::env::current_exe().unwrap();
    let arguments = ["--ignored", "--exact", "worker::soak", "--nocapture"];
    let o = std::process::Command::new(me).args(arguments).env("CANDIDATES", "40").output().unwrap();
    let said = String::from_utf8_lossy(&o.stdout);
    assert!(o.status.success() && said.contains("40 candidates"), "{said}\n{}", String::from_utf8_lossy(&o.stderr));
}
