//! The commands, one file each.

mod archive;
mod bench;
mod check;
mod compare;
mod config;
mod conform;
mod corpus;
mod diff;
mod doctor;
mod draw;
mod evaluate;
mod explain;
mod export;
mod finetune;
mod fingerprint;
mod generate;
mod network;
mod novelty;
mod ops;
mod pretrain;
mod replay;
mod report;
mod run;
mod run_net;
mod shell;
mod show;
mod summary;
mod trace;
mod train;

use crate::Ending;
use crate::args::{Args, BenchCommand, Command, CorpusCommand, Reading};
use anyhow::{Context, anyhow};
use archsmith_frontend::{Options, Prm};
use std::io::Read;
use std::path::{Path, PathBuf};

/// An error of the caller: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUse(pub(crate) String);

pub(crate) fn dispatch(args: Args) -> anyhow::Result<Ending> {
    match args.command {
        Command::Run(a) => run::run(a),
        Command::Check(a) => check::check(a),
        Command::Conform(a) => conform::conform(a),
        Command::Summary(a) => summary::summary(a),
        Command::Show(a) => show::show(a),
        Command::Trace(a) => trace::trace(a),
        Command::Fingerprint(a) => fingerprint::fingerprint(a),
        Command::Diff(a) => diff::diff(a),
        Command::Draw(a) => draw::draw(a),
        Command::RunNet(a) => run_net::run_net(a),
        Command::Completions(a) => shell::completions(a),
        Command::Man(a) => shell::man(a),
        Command::Export(a) => export::export(a),
        Command::Train(a) => train::train(a),
        Command::Generate(a) => generate::generate(a),
        Command::Finetune(a) => finetune::finetune(a),
        Command::Pretrain(a) => pretrain::pretrain(a),
        Command::Corpus(CorpusCommand::Import(a)) => corpus::import(a),
        Command::Corpus(CorpusCommand::Export(a)) => corpus::export(a),
        Command::Archive(c) => archive::archive(c),
        Command::Novelty(a) => novelty::novelty(a),
        Command::Replay(a) => replay::replay(a),
        Command::Report(a) => report::report(a),
        Command::Compare(a) => compare::compare(&a),
        Command::Config(a) => config::config(&a),
        Command::Ops(a) => ops::ops(a),
        Command::Explain(a) => explain::explain(a),
        Command::Doctor(a) => doctor::doctor(a),
        Command::Bench(BenchCommand::Check(a)) => bench::check(a),
        Command::Bench(BenchCommand::Train(a)) => bench::train(a),
        Command::Bench(BenchCommand::Evaluate(a)) => evaluate::run(a),
        Command::Bench(BenchCommand::Novelty(a)) => bench::novelty(a),
        Command::ConformWorker(a) => conform::worker(a),
        Command::Bench(BenchCommand::Generate(a)) => bench::generate(a),
        Command::Bench(BenchCommand::Finetune(a)) => bench::finetune(a),
        Command::Worker(a) => {
            // The parent holds the other end of standard input: when it is gone, nobody waits for the result.
            archsmith_train::worker::watch_parent(|| std::process::exit(3));
            archsmith_train::worker::run_task(&a.task, &a.result)?;
            Ok(Ending::Done)
        }
    }
}

/// A source file, or standard input for `-`.
fn read_source(path: &Path) -> anyhow::Result<String> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input could not be read")?;
        bytes
    } else {
        std::fs::read(path).with_context(|| format!("{} could not be read", path.display()))?
    };
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        anyhow!("{} is not UTF-8: byte {at} is no part of a character; save it as UTF-8", path.display())
    })
}

/// The name of a file as it is shown.
fn shown(path: &Path) -> String {
    if path == Path::new("-") { "<stdin>".to_string() } else { path.display().to_string() }
}

/// Files as they are, folders as the `.py` files in them (in `nn/` where there is one), in order of name.
fn python_files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for path in paths {
        if path.is_dir() {
            let inner = path.join("nn");
            let folder = if inner.is_dir() { inner } else { path.clone() };
            let entries =
                std::fs::read_dir(&folder).with_context(|| format!("{} could not be listed", folder.display()))?;
            let mut files = Vec::new();
            for entry in entries {
                let file = entry.with_context(|| format!("{} could not be listed", folder.display()))?.path();
                if file.extension().is_some_and(|e| e == "py") {
                    files.push(file);
                }
            }
            files.sort();
            if files.is_empty() {
                return Err(WrongUse(format!("{} holds no .py file", folder.display())).into());
            }
            out.extend(files);
        } else {
            out.push(path.clone());
        }
    }
    Ok(out)
}

impl Reading {
    fn options(&self) -> anyhow::Result<Options> {
        options(&self.in_shape, self.classes, &self.prm)
    }
}

/// How a source file is elaborated, from the flags.
fn options(in_shape: &str, classes: usize, prm: &[String]) -> anyhow::Result<Options> {
    let sizes: Vec<usize> = in_shape.split(',').filter_map(|s| s.trim().parse().ok().filter(|&n| n > 0)).collect();
    let in_shape = <[usize; 4]>::try_from(sizes)
        .map_err(|_| WrongUse(format!("--in-shape takes four positive integers N,C,H,W, found {in_shape:?}")))?;
    let mut options = Options { in_shape, classes, ..Options::default() };
    for setting in prm {
        let (name, value) =
            setting.split_once('=').ok_or_else(|| WrongUse(format!("--prm takes KEY=VALUE, found {setting:?}")))?;
        let value = value.trim();
        let value = match (value.parse::<i64>(), value.parse::<f64>()) {
            (Ok(v), _) => Prm::Int(v),
            (_, Ok(v)) => Prm::Float(v),
            _ => Prm::Str(value.to_string()),
        };
        options.prm.insert(name.trim().to_string(), value);
    }
    Ok(options)
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
