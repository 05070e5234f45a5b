//! `archsmith bench evaluate`: a corpus through the worker processes, as a run evaluates its candidates.

use super::{python_files, read_source};
use crate::args::BenchEvaluateArgs;
use crate::wiring::WorkerEvaluator;
use crate::{Ending, output};
use anyhow::{anyhow, bail};
use archsmith_frontend::Options;
use archsmith_search::gates::refusal;
use archsmith_search::{Config, EvaluationTask, Evaluator};
use archsmith_train::{Held, held};
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

#[derive(Clone, Copy, Debug, Serialize)]
struct Look {
    candidates: usize,
    #[serde(flatten)]
    held: Option<Held>,
}

#[derive(Debug, Serialize)]
struct Totals {
    candidates: usize,
    seconds: f64,
    verdicts: BTreeMap<&'static str, usize>,
    first: Option<Look>,
    last: Look,
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
            Err(rejection) => refusal(&rejection),
            Ok((graph, _)) => {
                let task = EvaluationTask { id: i.to_string(), graph, share: 1.0, seed: i as u64 };
                let mut found = None;
                evaluator
                    .evaluate(&[task], &mut |_, evaluation| {
                        found = Some(evaluation);
                        ControlFlow::Continue(())
                    })
                    .map_err(|e| anyhow!("{}: {e}", file.display()))?;
                found.ok_or_else(|| anyhow!("{} got no verdict", file.display()))?.verdict()
            }
        };
        *verdicts.entry(verdict.code()).or_insert(0) += 1;
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        output::json(&Line { name, verdict: verdict.to_string(), seconds: begun.elapsed().as_secs_f64() })?;
        if (i + 1) % LOOK_EVERY == 0 {
            let now = Look { candidates: i + 1, held: held() };
            first.get_or_insert(now);
            output::json(&now)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    output::json(&Totals { candidates: n, seconds, verdicts, first, last: Look { candidates: n, held: held() } })?;
    Ok(Ending::Done)
}
