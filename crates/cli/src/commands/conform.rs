//! `archsmith conform`.

use super::WrongUse;
use crate::args::{ConformArgs, WorkerArgs};
use crate::{Ending, output};
use anyhow::Context;
use archsmith_conform::{Level, Record, Tally, Totals, Values, ValuesTask, Verdict, read_oracle};
use archsmith_train::Executor;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many networks' texts and records are held at a time.
const CHUNK: usize = 64;

#[derive(Debug, Serialize)]
struct TotalsLine<'a> {
    totals: TotalsByFamily<'a>,
}

#[derive(Debug, Serialize)]
struct TotalsByFamily<'a> {
    #[serde(flatten)]
    families: &'a BTreeMap<String, Totals>,
    all: &'a Totals,
}

pub(super) fn conform(args: ConformArgs) -> anyhow::Result<Ending> {
    let folder = corpus(&args.corpus)?;
    let mut records = read_oracle(&args.oracle)?;
    records.retain(|r| args.family.as_ref().is_none_or(|f| *f == r.family));
    records.retain(|r| args.name.as_ref().is_none_or(|n| r.name.contains(n.as_str())));
    if records.is_empty() {
        let asked = [&args.family, &args.name].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
        return Err(WrongUse(format!("the oracle has no network of {asked}")).into());
    }
    let executor = Executor {
        program: std::env::current_exe().context("this program's own file cannot be found")?,
        arguments: vec!["conform-worker".into()],
        workers: args.workers.max(1),
        time_limit: Duration::from_secs(args.time.max(1)),
        memory_limit_mb: (args.memory > 0).then_some(args.memory),
        folder: std::env::temp_dir().join(format!("archsmith-conform-{}", std::process::id())),
    };
    let bar = output::bar(records.len() as u64, "conform");
    let mut families: BTreeMap<String, Totals> = BTreeMap::new();
    let mut all = Totals::default();
    let mut misses = Vec::new();
    for chunk in records.chunks(CHUNK) {
        let result = compare(chunk, &folder, &executor, &args, &mut |verdict| {
            bar.inc(1);
            families.entry(verdict.family.clone()).or_default().add(&verdict);
            all.add(&verdict);
            if args.json {
                output::json(&verdict)?;
            }
            if !verdict.ok {
                misses.push(verdict);
            }
            Ok(())
        });
        if let Err(e) = result {
            let _ = std::fs::remove_dir(&executor.folder);
            return Err(e);
        }
    }
    bar.finish_and_clear();
    // Empty by now; on failure the system's own cleaning of temporary files takes it.
    let _ = std::fs::remove_dir(&executor.folder);
    if args.json {
        output::json(&TotalsLine { totals: TotalsByFamily { families: &families, all: &all } })?;
    } else {
        misses.sort_by(|a, b| a.name.cmp(&b.name));
        for miss in &misses {
            output::line(format!("{}: {}", miss.name, miss.why.as_deref().unwrap_or("")))?;
        }
        if !misses.is_empty() {
            output::line("")?;
        }
        output::line(table(&families, &all))?;
    }
    Ok(if all.blamed == 0 { Ending::Done } else { Ending::No })
}

/// What runs in the child process of one network.
pub(super) fn worker(args: WorkerArgs) -> anyhow::Result<Ending> {
    archsmith_train::worker::watch_parent(|| std::process::exit(3));
    archsmith_train::worker::run_file(&args.task, &args.result, ValuesTask::run)?;
    Ok(Ending::Done)
}

/// The folder that holds `NAME.py`.
fn corpus(path: &Path) -> anyhow::Result<PathBuf> {
    let inner = path.join("nn");
    let folder = if inner.is_dir() { inner } else { path.to_path_buf() };
    if !folder.is_dir() {
        return Err(WrongUse(format!("--corpus takes a folder of networks, found {}", path.display())).into());
    }
    Ok(folder)
}

/// Tells the verdict on each record as soon as it is known: first those that need no values.
fn compare(
    records: &[Record],
    folder: &Path,
    executor: &Executor,
    args: &ConformArgs,
    tell: &mut (dyn FnMut(Verdict) -> anyhow::Result<()> + Send),
) -> anyhow::Result<()> {
    let (mut tasks, mut waiting) = (Vec::new(), Vec::new());
    for record in records {
        let path = folder.join(format!("{}.py", record.name));
        let source = match std::fs::read_to_string(&path) {
            Ok(source) => Some(source),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(e).with_context(|| format!("{} could not be read", path.display())),
        };
        let verdict = Verdict::of(record, source.as_deref());
        match source {
            Some(source) if !args.no_values && verdict.wants_values(record) => {
                let memory_limit_mb = executor.memory_limit_mb.unwrap_or(u64::MAX);
                tasks.push(ValuesTask { source, record: record.clone(), memory_limit_mb });
                waiting.push((record, verdict));
            }
            _ => tell(verdict)?,
        }
    }
    let (stop, mut failed) = (AtomicBool::new(false), None);
    let done = executor.run(&tasks, &stop, &mut |k, values: &Values| {
        let (record, verdict) = &mut waiting[k];
        if failed.is_none()
            && let Err(e) = tell(std::mem::take(verdict).with_values(record, values))
        {
            stop.store(true, Ordering::Relaxed);
            failed = Some(e);
        }
    });
    match failed {
        Some(e) => Err(e),
        None => Ok(done.map(|_| ())?),
    }
}

fn table(families: &BTreeMap<String, Totals>, all: &Totals) -> String {
    let mut out = format!("{:<12}{:>9}", "family", "networks");
    for level in Level::ALL {
        out.push_str(&format!("{:>16}", level.name()));
    }
    out.push_str(&format!("{:>9}", "skipped"));
    let rows = families.iter().map(|(name, totals)| (name.as_str(), totals)).chain([("all", all)]);
    for (name, totals) in rows {
        out.push_str(&format!("\n{name:<12}{:>9}", totals.networks));
        for level in Level::ALL {
            let tally = totals.levels.get(&level).copied().unwrap_or(Tally::default());
            let cell = match tally.percent() {
                Some(percent) => format!("{percent:.2}% of {}", tally.of),
                None => "-".to_string(),
            };
            out.push_str(&format!("{cell:>16}"));
        }
        out.push_str(&format!("{:>9}", totals.skipped));
    }
    if all.blamed > 0 {
        out.push_str(&format!("\n{} refused as their own fault, though PyTorch accepts them", all.blamed));
    }
    out
}
