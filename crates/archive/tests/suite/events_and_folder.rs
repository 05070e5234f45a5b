use std::fs::OpenOptions;
use std::io::Write;

use archsmith_archive::{Event, EventLog, EventLogError, RunDir, RunDirError, TimedEvent, write_atomically};

fn event(at_ms: u64) -> TimedEvent {
    TimedEvent { at_ms, event: Event::CycleStarted { cycle: at_ms as u32, candidates: 12 } }
}

#[test]
fn a_line_cut_off_by_a_crash_is_removed_and_the_log_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let mut log = EventLog::open(&path).unwrap();
    log.append(&event(1)).unwrap();
    log.append(&event(2)).unwrap();
    log.sync().unwrap();
    drop(log);
    // Longer than the block in which the end of the last whole line is looked for.
    let torn = format!("{{\"at_ms\":3,\"event\":\"warning\",\"message\":\"{}", "x".repeat(10_000));
    OpenOptions::new().append(true).open(&path).unwrap().write_all(torn.as_bytes()).unwrap();
    assert_eq!(EventLog::read(&path).unwrap(), [event(1), event(2)]);
    let mut log = EventLog::open(&path).unwrap();
    log.append(&event(3)).unwrap();
    assert_eq!(EventLog::read(&path).unwrap(), [event(1), event(2), event(3)]);
}

#[test]
fn a_log_that_is_one_torn_line_becomes_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    std::fs::write(&path, "{\"at_ms\"").unwrap();
    drop(EventLog::open(&path).unwrap());
    assert_eq!(std::fs::read(&path).unwrap(), b"");
}

#[test]
fn a_whole_line_that_is_no_event_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    std::fs::write(&path, "{\"at_ms\":1,\"event\":\"interrupted\",\"cycle\":1}\nnonsense\n").unwrap();
    assert!(matches!(EventLog::read(&path), Err(EventLogError::NotAnEvent { line: 2, .. })));
}

#[test]
fn events_are_flat_objects_with_a_name() {
    let line = serde_json::to_value(TimedEvent { at_ms: 5, event: Event::Interrupted { cycle: 2 } }).unwrap();
    assert_eq!(line, serde_json::json!({"at_ms": 5, "event": "interrupted", "cycle": 2}));
}

#[test]
fn a_folder_whose_making_was_cut_short_is_made_anew_and_nothing_of_others_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    std::fs::create_dir_all(root.join("adapters")).unwrap();
    for left in ["seed", "versions.json.4711.tmp"] {
        std::fs::write(root.join(left), "ha").unwrap();
    }
    std::fs::write(root.join("notes.txt"), "mine").unwrap();
    let make = || RunDir::create(&root, "cycles = 3\n", 5, &serde_json::Value::Null);
    let error = make().unwrap_err();
    assert!(matches!(&error, RunDirError::NotEmpty { found, .. } if found == "notes.txt"), "{error}");
    assert!(root.join("seed").exists(), "nothing was taken away");
    std::fs::remove_file(root.join("notes.txt")).unwrap();
    assert_eq!(make().unwrap().seed().unwrap(), 5);
    assert!(!root.join("versions.json.4711.tmp").exists());
    let other = folder.path().join("other");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join("seed"), "of sunflowers").unwrap();
    assert!(RunDir::create(&other, "", 5, &serde_json::Value::Null).is_err(), "a file of that name alone is not ours");
}

#[test]
fn a_run_folder_is_made_once_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("runs/first");
    let run = RunDir::create(&root, "cycles = 3\n", u64::MAX, &serde_json::json!({"archsmith": "0.1.0"})).unwrap();
    assert!(run.adapters().is_dir());
    assert!(run.adapter_dir(7).ends_with("adapters/cycle-007"));
    let again = RunDir::open(&root).unwrap();
    assert_eq!((again.seed().unwrap(), again.config().unwrap()), (u64::MAX, "cycles = 3\n".to_owned()));
    let error = RunDir::create(&root, "", 1, &serde_json::Value::Null).unwrap_err();
    assert!(matches!(error, RunDirError::NotEmpty { .. }));
    assert_eq!(again.config().unwrap(), "cycles = 3\n");
    std::fs::write(root.join("seed"), "seven").unwrap();
    assert!(matches!(again.seed(), Err(RunDirError::Damaged { .. })));
}

#[test]
fn another_folder_is_no_run() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(RunDir::open(folder.path()), Err(RunDirError::NotARun { missing: "config.toml", .. })));
}

#[test]
fn an_atomic_write_replaces_or_leaves_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    write_atomically(&path, b"old").unwrap();
    write_atomically(&path, b"new").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    // A folder can't be replaced by a file: the write fails, and nothing of it remains.
    let taken = folder.path().join("adapters");
    std::fs::create_dir(&taken).unwrap();
    write_atomically(&taken, b"x").unwrap_err();
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 2);
}
