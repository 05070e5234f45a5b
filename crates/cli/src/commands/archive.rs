//! `archsmith archive`.

mod reseed;

use crate::args::{
    ArchiveCommand, ArchiveDirArgs, ArchiveExportArgs, ArchiveImportArgs, ArchiveListArgs, ArchiveShowArgs,
    ArchiveTopArgs,
};
use crate::{Ending, output};
use anyhow::bail;
use archsmith_archive::{CandidateRecord, Manifest, RunDir, Stage, Store, export_run, import_run};
use archsmith_ir::summary::{self, grouped};
use serde::Serialize;
use std::path::Path;

/// What `--json` prints of a candidate.
#[derive(Debug, Serialize)]
struct Line<'a> {
    id: &'a str,
    cycle: u32,
    index: u32,
    attempt: u32,
    verdict: &'static str,
    accuracy_val: Option<f64>,
    accuracy_test: Option<f64>,
    params: Option<u64>,
    macs: Option<u64>,
    novelty: Option<f64>,
    admitted: bool,
}

pub(super) fn archive(command: ArchiveCommand) -> anyhow::Result<Ending> {
    match command {
        ArchiveCommand::Ls(a) => ls(a),
        ArchiveCommand::Top(a) => top(a),
        ArchiveCommand::Show(a) => show(a),
        ArchiveCommand::Digest(a) => digest(a),
        ArchiveCommand::Verify(a) => verify(a),
        ArchiveCommand::Reseed(a) => reseed::reseed(a),
        ArchiveCommand::Export(a) => export(a),
        ArchiveCommand::Import(a) => import(a),
    }
}

fn open(dir: &Path) -> anyhow::Result<Store> {
    Ok(Store::open_read_only(&RunDir::open(dir)?.archive_path())?)
}

fn ls(args: ArchiveListArgs) -> anyhow::Result<Ending> {
    let store = open(&args.dir)?;
    let stage = match &args.verdict {
        None => None,
        Some(code) => match Stage::from_code(code) {
            Some(stage) => Some(stage),
            None => {
                let codes: Vec<&str> = Stage::ALL.iter().map(|s| s.code()).collect();
                return Err(super::WrongUse(format!("unknown verdict '{code}'; there are {}", codes.join(", "))).into());
            }
        },
    };
    let all = match args.cycle {
        Some(cycle) => store.candidates_of(cycle)?,
        None => store.candidates()?,
    };
    let chosen: Vec<&CandidateRecord> = all.iter().filter(|c| stage.is_none_or(|s| c.verdict.stage() == s)).collect();
    print(&chosen, args.json)
}

fn top(args: ArchiveTopArgs) -> anyhow::Result<Ending> {
    let all = open(&args.dir)?.top(args.n)?;
    print(&all.iter().collect::<Vec<_>>(), args.json)
}

fn print(candidates: &[&CandidateRecord], json: bool) -> anyhow::Result<Ending> {
    if !json {
        output::line(format!(
            "{:<16}  {:>5}  {:>5}  {:<11}  {:>8}  {:>8}  {:>9}  {:>12}  {:>7}  admitted",
            "id", "cycle", "index", "verdict", "acc val", "acc test", "params", "macs", "novelty"
        ))?;
    }
    for c in candidates {
        let metrics = c.metrics.as_ref();
        if json {
            output::json(&Line {
                id: &c.id,
                cycle: c.cycle,
                index: c.index,
                attempt: c.attempt,
                verdict: c.verdict.code(),
                accuracy_val: metrics.map(|m| m.accuracy_val),
                accuracy_test: metrics.map(|m| m.accuracy_test),
                params: c.params,
                macs: c.macs,
                novelty: c.novelty,
                admitted: c.admitted,
            })?;
        } else {
            let share = |v: Option<f64>| v.map_or_else(|| "–".to_string(), |v| format!("{v:.4}"));
            let count = |v: Option<u64>| v.map_or_else(|| "–".to_string(), grouped);
            output::line(format!(
                "{:<16}  {:>5}  {:>5}  {:<11}  {:>8}  {:>8}  {:>9}  {:>12}  {:>7}  {}",
                c.id,
                c.cycle,
                if c.attempt == 0 { c.index.to_string() } else { format!("{}.{}", c.index, c.attempt) },
                c.verdict.code(),
                share(metrics.map(|m| m.accuracy_val)),
                share(metrics.map(|m| m.accuracy_test)),
                count(c.params),
                count(c.macs),
                c.novelty.map_or_else(|| "–".to_string(), |v| format!("{v:.3}")),
                if c.admitted { "yes" } else { "" }
            ))?;
        }
    }
    Ok(Ending::Done)
}

fn show(args: ArchiveShowArgs) -> anyhow::Result<Ending> {
    let store = open(&args.dir)?;
    let Some(c) = store.candidate(&args.id)? else {
        output::note(format!(
            "no candidate's id, or more than one, begins with '{}'; `archsmith archive ls` lists them",
            args.id
        ));
        return Ok(Ending::No);
    };
    if args.json {
        output::json(&c)?;
        return Ok(Ending::Done);
    }
    print(&[&c], false)?;
    output::line(format!("\nverdict  {}", c.verdict))?;
    if let Some(f) = &c.fingerprint {
        output::line(format!("graph    {f}"))?;
    }
    if let Some(n) = &c.nearest {
        output::line(format!("nearest  {n}"))?;
    }
    for d in &c.diagnostics {
        output::line(format!(
            "         line {}: [{}] {}",
            d.line.map_or_else(|| "–".into(), |l| l.to_string()),
            d.code,
            d.message
        ))?;
    }
    output::line(format!("\n{}", c.text.trim_end()))?;
    Ok(Ending::Done)
}

fn export(args: ArchiveExportArgs) -> anyhow::Result<Ending> {
    let manifest = export_run(&RunDir::open(&args.dir)?, &args.out)?;
    tell(&manifest, &args.out)
}

fn import(args: ArchiveImportArgs) -> anyhow::Result<Ending> {
    let manifest = import_run(&args.file, &args.out)?;
    tell(&manifest, &args.out)
}

fn tell(manifest: &Manifest, what: &Path) -> anyhow::Result<Ending> {
    let bytes: u64 = manifest.files.iter().map(|f| f.bytes).sum();
    let run = manifest.run_id.as_deref().unwrap_or("not begun");
    output::note(format!("{}: run {run}, {} files of {}", what.display(), manifest.files.len(), summary::bytes(bytes)));
    output::note("archive digest:");
    output::line(&manifest.digest)?;
    Ok(Ending::Done)
}

fn digest(args: ArchiveDirArgs) -> anyhow::Result<Ending> {
    output::line(open(&args.dir)?.digest()?)?;
    Ok(Ending::Done)
}

fn verify(args: ArchiveDirArgs) -> anyhow::Result<Ending> {
    let store = open(&args.dir)?;
    let problems = store.verify()?;
    if problems.is_empty() {
        output::line(format!("whole: {} candidates, {} cycles", store.candidates()?.len(), store.cycles()?.len()))?;
        return Ok(Ending::Done);
    }
    for p in &problems {
        output::line(format!("{}: {}", p.subject, p.message))?;
    }
    if problems.len() > 1000 {
        bail!("more than a thousand problems: the archive is damaged");
    }
    Ok(Ending::No)
}
