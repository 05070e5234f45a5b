//! A run that is killed, or whose disk is full, at any moment: what it leaves is resumed, and ends with the archive of a run
//! that nothing happened to.
//!
//! The run is a process of its own: this test binary, asked for [`child`] alone.

use super::fakes::{CONTRACT, config, resume, run, seeds, switched_on};
use archsmith_ir::seed::Seed;
use archsmith_search::Search;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Where the child's run is.
const FOLDER: &str = "ARCHSMITH_TEST_RUN";
/// Set for a run with everything on that goes beyond the protocol.
const SWITCHED_ON: &str = "ARCHSMITH_TEST_SWITCHED_ON";

/// Begins the run in the folder, or goes on with it, to its end; prints the digest.
#[test]
#[ignore = "the process that the other tests here kill"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let root = Path::new(&folder);
    let mut search = if root.join("config.toml").exists() {
        match resume(root) {
            Ok(search) => search,
            Err(e) => return println!("not resumed: {e}"),
        }
    } else {
        let versions = serde_json::json!({});
        let config = if std::env::var_os(SWITCHED_ON).is_some() { switched_on() } else { config() };
        match Search::create(root, config, CONTRACT, seeds(), &versions, "2026-01-01T00:00:00Z".into()) {
            Ok(search) => search,
            Err(e) => return println!("not begun: {e}"),
        }
    };
    match run(&mut search, usize::MAX) {
        Ok((outcome, _)) => println!("digest {} {}", outcome.digest, outcome.finished),
        Err(e) => println!("stopped: {e}"),
    }
}

fn command(program: &str, root: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove(SWITCHED_ON);
    command.env(FOLDER, root).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn this() -> String {
    std::env::current_exe().unwrap().display().to_string()
}

const ARGUMENTS: [&str; 4] = ["--ignored", "--exact", "killed::child", "--nocapture"];

fn undisturbed(root: &Path) -> String {
    digest(&command(&this(), root).args(ARGUMENTS).output().unwrap()).expect("the undisturbed run ends")
}

/// The digest of a run that came to its end.
fn digest(output: &Output) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|l| l.split_once("digest "))?.1.to_string();
    Some(line.strip_suffix(" true")?.to_string())
}

/// Kills runs until there were so many kills; each run that ends is compared and begun anew.
fn kill(kills: u32, switched_on: bool) {
    let command = |root: &Path| {
        let mut command = command(&this(), root);
        if switched_on {
            command.env(SWITCHED_ON, "1");
        }
        command.args(ARGUMENTS);
        command
    };
    let folder = tempfile::tempdir().unwrap();
    let started = std::time::Instant::now();
    let whole_run = command(&folder.path().join("undisturbed")).output().unwrap();
    let expected = digest(&whole_run).expect("the undisturbed run ends");
    let whole = started.elapsed();
    let mut draws = Seed::from_u64(1).derive("kills", &[]).draws();
    let (mut done, mut runs) = (0, 0);
    while done < kills {
        let root = folder.path().join(format!("run-{runs}"));
        let mut killed = 0;
        loop {
            let mut process = command(&root).spawn().unwrap();
            // Anywhere in a run; the first moments, in which a folder is made or an archive opened, more often than by chance.
            let share = draws.unit().powi(2);
            std::thread::sleep(Duration::from_secs_f64(share * whole.as_secs_f64()));
            if killed < 12 && process.try_wait().unwrap().is_none() {
                // SIGKILL: nothing in the process can answer it.
                process.kill().unwrap();
                process.wait().unwrap();
                killed += 1;
                continue;
            }
            let output = process.wait_with_output().unwrap();
            let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert_eq!(digest(&output).as_ref(), Some(&expected), "run {runs}, killed {killed} times: {words}");
            break;
        }
        let store = archsmith_archive::Store::open(&root.join("archive.sqlite")).unwrap();
        assert!(store.verify().unwrap().is_empty(), "run {runs}: the archive is whole");
        done += killed;
        runs += 1;
    }
    println!("{done} kills in {runs} runs, each with the digest {expected}");
}

#[test]
fn killed_a_few_times_it_ends_the_same() {
    kill(10, false);
}

#[test]
fn killed_a_few_times_with_every_switch_on_it_ends_the_same() {
    kill(6, true);
}

#[test]
#[ignore = "minutes: `just kills`"]
fn killed_many_times_it_ends_the_same() {
    kill(200, false);
    kill(200, true);
}

/// No file may grow beyond so many KiB: a write in the middle of the run fails, as it does on a full disk.
#[cfg(unix)]
#[test]
fn on_a_full_disk_it_says_so_and_ends_the_same_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let expected = undisturbed(&folder.path().join("undisturbed"));
    let mut failed = 0;
    for kib in [1, 4, 16, 40, 64, 100, 160, 250] {
        let root = folder.path().join(format!("run-{kib}"));
        // `ulimit -f` counts blocks of 512 bytes or of 1024, by shell.
        let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
        let full = command("sh", &root).args(["-c", &script, &this()]).args(ARGUMENTS).output().unwrap();
        let words = String::from_utf8_lossy(&full.stdout).into_owned() + &String::from_utf8_lossy(&full.stderr);
        assert!(full.status.success(), "it ends with words, not with a panic or a signal: {kib} KiB: {words}");
        failed += u32::from(digest(&full).is_none());
        let resumed = command(&this(), &root).args(ARGUMENTS).output().unwrap();
        let then = String::from_utf8_lossy(&resumed.stdout).into_owned() + &String::from_utf8_lossy(&resumed.stderr);
        assert_eq!(digest(&resumed).as_ref(), Some(&expected), "{kib} KiB: {words}\nthen: {then}");
    }
    assert!(failed >= 4, "the limits were too wide to be met: {failed}");
}
