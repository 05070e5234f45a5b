//! `archsmith check`.

use super::{python_files, read_source, shown};
use crate::args::CheckArgs;
use crate::{Ending, output};
use archsmith_frontend::{Options, Rejection, Stage};
use archsmith_ir::cost;
use archsmith_ir::summary::grouped;
use rayon::prelude::*;
use serde::Serialize;
use std::path::Path;

/// What `--json` prints of a file.
#[derive(Debug, Serialize)]
struct Line {
    file: String,
    ok: bool,
    verdict: &'static str,
    code: Option<String>,
    message: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    /// Bytes of the source: from, to.
    span: Option<[u32; 2]>,
    /// Other places, each with `span`, `line`, `column`, `text`.
    labels: serde_json::Value,
    help: Option<String>,
    params: Option<u64>,
    trainable: Option<u64>,
    macs: Option<u64>,
    out_shape: Option<Vec<usize>>,
}

pub(super) fn check(args: CheckArgs) -> anyhow::Result<Ending> {
    let options = args.reading.options()?;
    let files = python_files(&args.files)?;
    let bar = (files.len() > 100).then(|| output::bar(files.len() as u64, "check"));
    // In chunks, so that lines come out in order while work goes on in parallel and memory stays flat.
    let mut refused = 0usize;
    let mut unreadable = 0usize;
    for chunk in files.chunks(64) {
        let results: Vec<(Line, String)> = chunk.par_iter().map(|file| check_file(file, &options)).collect();
        for (line, text) in results {
            refused += usize::from(!line.ok);
            unreadable += usize::from(line.verdict == "unreadable");
            if args.json {
                output::json(&line)?;
            } else {
                output::line(text)?;
            }
            if let Some(bar) = &bar {
                bar.inc(1);
            }
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if files.len() > 1 {
        output::note(format!("{} of {} files are networks that can be built", files.len() - refused, files.len()));
    }
    if unreadable == files.len() {
        anyhow::bail!("no file could be read");
    }
    Ok(if refused == 0 { Ending::Done } else { Ending::No })
}

fn check_file(file: &Path, options: &Options) -> (Line, String) {
    let name = shown(file);
    let empty = |verdict, code: Option<String>, message: Option<String>, line| Line {
        file: name.clone(),
        ok: false,
        verdict,
        code,
        message,
        line,
        column: None,
        span: None,
        labels: serde_json::Value::Array(Vec::new()),
        help: None,
        params: None,
        trainable: None,
        macs: None,
        out_shape: None,
    };
    let source = match read_source(file) {
        Ok(s) => s,
        Err(e) => {
            let message = format!("{e:#}");
            return (
                empty("unreadable", Some("unreadable".into()), Some(message.clone()), None),
                format!("{name}: {message}"),
            );
        }
    };
    match archsmith_frontend::check(&source, options) {
        Ok((graph, notes)) => {
            let cost = cost::cost(&graph);
            let eval = graph.eval();
            let out_shape = graph.graph().eval.outputs.first().map(|v| eval.ty(*v).shape.clone());
            let mut text =
                format!("{name}: {} parameters, {} multiply-adds an image", grouped(cost.params), grouped(cost.macs));
            for n in &notes {
                text.push('\n');
                text.push_str(n.render(&source, &name, output::color_out()).trim_end());
            }
            let line = Line {
                ok: true,
                verdict: "typed",
                params: Some(cost.params),
                trainable: Some(cost.trainable),
                macs: Some(cost.macs),
                out_shape,
                ..empty("typed", None, None, None)
            };
            (line, text)
        }
        Err(rejection) => {
            let first = rejection.diagnostics.first();
            let number = |n: usize| u32::try_from(n).ok();
            let mut line = empty(
                stage_code(&rejection),
                first.map(|d| d.code.to_string()),
                first.map(|d| d.message.clone()),
                first.and_then(|d| number(d.position(&source).0)),
            );
            if let Some(d) = first {
                line.column = number(d.position(&source).1);
                line.span = Some([d.span.start, d.span.end]);
                line.labels = d.to_json(&source)["labels"].take();
                line.help = d.help.clone();
            }
            (line, rejection.render(&source, &name, output::color_out()).trim_end().to_string())
        }
    }
}

/// The stable code of a rejection's stage: the verdict it becomes in a run.
pub(super) fn stage_code(rejection: &Rejection) -> &'static str {
    match rejection.stage {
        Stage::Unparsed => "unparsed",
        Stage::Contract => "contract",
        Stage::Unsupported => "unsupported",
        Stage::IllTyped => "ill-typed",
        Stage::OverBudget => "over-budget",
    }
}
