//! `archsmith bench evaluate`: a corpus through the worker processes, as a run evaluates its candidates.

use super::{python_files, read_source};
use crate::args::BenchEvaluateArgs;
use crate::wiring::WorkerEvaluator;
use crate::{Ending, output};
use anyhow::{anyhow, bail};
use archsmith_frontend::Options;
use archsmith_search::{Config, Evaluation, EvaluationTask, Evaluator};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

/// Candidates between two lines about this process.
const LOOK_EVERY: usize = 20;

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    verdict: String,
    seconds: f64,
}

/// What this process holds, where the system tells.
#[derive(Clone, Copy, Debug, Serialize)]
struct Held {
    candidates: usize,
    open_files: Option<usize>,
    children: Option<usize>,
    rss_kib: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Totals {
    candidates: usize,
    seconds: f64,
    verdicts: BTreeMap<String, usize>,
    first: Option<Held>,
    last: Held,
}

pub(super) fn run(args: BenchEvaluateArgs) -> anyhow::Result<Ending> {
    let all = python_files(std::slice::from_ref(&args.corpus))?;
    if all.is_empty() {
        bail!("{} has no .py file", args.corpus.display());
    }
    let n = args.limit.min(all.len());
    let files = (0..n).map(|i| &all[i * all.len() / n]);

    let mut config = Config::preset("smoke")?;
    (config.data.train_images, config.data.validation_images, config.data.test_images) =
        (args.images, args.images, args.images);
    config.training.time_limit_s = args.time_limit;
    config.training.memory_limit_mb = args.memory_limit;
    let mut evaluator = WorkerEvaluator::new(&config)?;
    let options = Options { in_shape: [config.training.batch, 3, 32, 32], ..Options::default() };

    let start = Instant::now();
    let (mut verdicts, mut first) = (BTreeMap::new(), None);
    let bar = output::bar(n as u64, "evaluate");
    for (i, file) in files.enumerate() {
        let begun = Instant::now();
        let verdict = match archsmith_frontend::check(&read_source(file)?, &options) {
            Err(rejection) => rejection.stage.to_string(),
            Ok((graph, _)) => {
                let task = EvaluationTask { id: i.to_string(), graph, seed: i as u64 };
                let mut found = None;
                evaluator
                    .evaluate(&[task], &mut |_, evaluation| {
                        found = Some(evaluation);
                        ControlFlow::Continue(())
                    })
                    .map_err(|e| anyhow!("{}: {e}", file.display()))?;
                match found {
                    Some(Evaluation::Trained(_)) => "trained".to_string(),
                    Some(Evaluation::Diverged) => "diverged".to_string(),
                    Some(Evaluation::TimedOut) => "timed-out".to_string(),
                    Some(Evaluation::OverBudget { what }) => format!("over-{what}"),
                    Some(Evaluation::Crashed { reason }) => format!("crashed: {reason}"),
                    Some(Evaluation::Unsupported { .. }) => "not-lowered".to_string(),
                    None => bail!("{} got no verdict", file.display()),
                }
            }
        };
        *verdicts.entry(verdict.clone()).or_insert(0) += 1;
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        output::json(&Line { name, verdict, seconds: begun.elapsed().as_secs_f64() })?;
        if (i + 1) % LOOK_EVERY == 0 {
            let now = held(i + 1);
            first.get_or_insert(now);
            output::json(&now)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    output::json(&Totals { candidates: n, seconds, verdicts, first, last: held(n) })?;
    Ok(Ending::Done)
}

fn held(candidates: usize) -> Held {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rss = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    Held {
        candidates,
        open_files: std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
        children: children(),
        rss_kib: rss.and_then(|v| v.trim().trim_end_matches("kB").trim().parse().ok()),
    }
}

/// Processes whose parent is this one, ended ones that nobody waited for among them.
fn children() -> Option<usize> {
    let me = std::process::id();
    let parent = |stat: &str| -> Option<u32> {
        // The name in parentheses may hold spaces: state and parent follow the last of them.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let processes = std::fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    Some(
        processes
            .filter(|p| std::fs::read_to_string(p.path().join("stat")).is_ok_and(|stat| parent(&stat) == Some(me)))
            .count(),
    )
}
