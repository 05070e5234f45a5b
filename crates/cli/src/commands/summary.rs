//! `archsmith summary`.

use super::{network, python_files, shown};
use crate::args::{SummaryArgs, SummaryBy};
use crate::{Ending, output};
use archsmith_inspect::table::{By, Table, table};
use archsmith_ir::summary::grouped;
use rayon::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    #[serde(flatten)]
    table: &'a Table,
}

/// A network's table in the form asked for.
enum Shown {
    Line(String),
    Records(Vec<Vec<String>>),
    Page(String),
}

pub(super) fn summary(args: SummaryArgs) -> anyhow::Result<Ending> {
    let options = args.reading.options()?;
    let files = python_files(&args.files)?;
    let by = match args.by {
        SummaryBy::Module => By::Module,
        SummaryBy::Op => By::Op,
        SummaryBy::Line => By::Line,
    };
    let (many, mut refused) = (files.len() > 1, 0usize);
    let bar = (files.len() > 100).then(|| output::bar(files.len() as u64, "summary"));
    let mut head_is_out = false;
    // In chunks, so that lines come out in order while work goes on in parallel and memory stays flat.
    for chunk in files.chunks(64) {
        let results: Vec<anyhow::Result<Result<Shown, String>>> = chunk
            .par_iter()
            .map(|file| {
                let net = match network::read_with(file, &options)? {
                    Ok(net) => net,
                    Err(why) => return Ok(Err(why)),
                };
                let t = table(&net.graph, (!net.source.is_empty()).then_some(net.source.as_str()));
                Ok(Ok(if args.json {
                    Shown::Line(serde_json::to_string(&Line { file: &net.name, table: &t })?)
                } else if args.csv {
                    let mut records = t.records();
                    for (i, record) in records.iter_mut().enumerate().filter(|_| many) {
                        record.insert(0, if i == 0 { "file".into() } else { net.name.clone() });
                    }
                    Shown::Records(records)
                } else if many {
                    let (params, macs) = (grouped(t.totals.params), grouped(t.totals.macs));
                    Shown::Line(format!("{}: {params} parameters, {macs} MACs, {} operators", net.name, t.rows.len()))
                } else {
                    Shown::Page(t.to_text(by))
                }))
            })
            .collect();
        for (file, result) in chunk.iter().zip(results) {
            match result {
                Ok(Ok(Shown::Line(text))) => output::line(text)?,
                Ok(Ok(Shown::Page(text))) => output::paged(text.trim_end())?,
                // One head for all.
                Ok(Ok(Shown::Records(records))) => {
                    output::csv(&records[usize::from(std::mem::replace(&mut head_is_out, true))..])?;
                }
                Ok(Err(why)) => {
                    refused += 1;
                    // Of many, one line each; `check` says the rest.
                    let first = why.lines().next().unwrap_or_default().to_string();
                    output::note(if many { format!("{}: {first}", shown(file)) } else { why.trim_end().to_string() });
                }
                Err(e) if many => {
                    refused += 1;
                    output::note(format!("{e:#}"));
                }
                Err(e) => return Err(e),
            }
            if let Some(bar) = &bar {
                bar.inc(1);
            }
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(if refused == 0 { Ending::Done } else { Ending::No })
}
