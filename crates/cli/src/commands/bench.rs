//! `archsmith bench`: measurements that are compared with other programs' by scripts.

use super::{python_files, read_source};
use crate::args::{BenchCheckArgs, BenchFinetuneArgs, BenchGenerateArgs, BenchNoveltyArgs, BenchTrainArgs};
use crate::wiring::load_model;
use crate::{Ending, output};
use anyhow::bail;
use archsmith_archive::{NEAR_DUPLICATE, NoveltyIndex, Sketch};
use archsmith_frontend::{Options, Prm};
use archsmith_train::{Device, Precision};
use serde::Serialize;
use std::time::Instant;

#[derive(Debug, Serialize)]
struct CheckLine {
    files: usize,
    typed: usize,
    /// Median of reading source into a graph, both modes, µs.
    elaborate_us: f64,
    /// Median of proving the finished graph once more, µs.
    infer_us: f64,
    /// Median and 99th percentile of both together, µs.
    total_us_p50: f64,
    total_us_p99: f64,
    parse_us: f64,
}

pub(super) fn check(args: BenchCheckArgs) -> anyhow::Result<Ending> {
    let files = python_files(std::slice::from_ref(&args.corpus))?;
    if files.is_empty() {
        bail!("{} has no .py file", args.corpus.display());
    }
    let sources: Vec<String> = files.iter().filter_map(|f| read_source(f).ok()).collect();
    let options = Options { in_shape: [2, 3, 32, 32], ..Options::default() };
    if let Some(first) = sources.first() {
        let _ = archsmith_frontend::check(first, &options);
    }
    let (mut parse, mut elaborate, mut infer, mut total) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut typed = 0;
    let bar = output::bar(sources.len() as u64, "bench");
    for source in &sources {
        let t = Instant::now();
        let _ = archsmith_frontend::parse(source);
        let p = micros(t);
        let t = Instant::now();
        let found = archsmith_frontend::elaborate(source, &options);
        let e = micros(t);
        let mut i = 0.0;
        if let Ok(found) = found {
            let t = Instant::now();
            typed += usize::from(archsmith_ir::infer(found.graph).is_ok());
            i = micros(t);
            infer.push(i);
        }
        parse.push(p);
        elaborate.push(e);
        total.push(e + i);
        bar.inc(1);
    }
    bar.finish_and_clear();
    output::json(&CheckLine {
        files: sources.len(),
        typed,
        parse_us: percentile(&mut parse, 0.5),
        elaborate_us: percentile(&mut elaborate, 0.5),
        infer_us: percentile(&mut infer, 0.5),
        total_us_p50: percentile(&mut total, 0.5),
        total_us_p99: percentile(&mut total, 0.99),
    })?;
    Ok(Ending::Done)
}

pub(super) fn train(args: BenchTrainArgs) -> anyhow::Result<Ending> {
    let device: Device = args.device.parse()?;
    let precision: Precision = args.precision.parse()?;
    device.check(&std::env::var("LD_LIBRARY_PATH").unwrap_or_default())?;
    for net in &args.nets {
        let source = read_source(net)?;
        let mut options = Options { in_shape: [args.batch, 3, 32, 32], ..Options::default() };
        options.prm.insert("batch".into(), Prm::Int(args.batch as i64));
        let (graph, _) = match archsmith_frontend::check(&source, &options) {
            Ok(found) => found,
            Err(r) => {
                bail!("{}: {}", net.display(), r.diagnostics.first().map_or_else(String::new, |d| d.message.clone()))
            }
        };
        let name = net.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let limit_mb = (args.memory > 0).then_some(args.memory);
        let result = archsmith_train::bench::bench(&graph, args.steps, args.threads, device, precision, limit_mb)?;
        output::json(&TrainLine { name, result })?;
    }
    Ok(Ending::Done)
}

#[derive(Debug, Serialize)]
struct TrainLine {
    name: String,
    #[serde(flatten)]
    result: archsmith_train::bench::BenchResult,
}

#[derive(Debug, Serialize)]
struct NoveltyLine {
    files: usize,
    sketch_us: f64,
    query_insert_us: f64,
    /// Of the files that have a near-duplicate before them, the share for which retrieval finds one.
    recall: f64,
    /// Of those found, the share that are near-duplicates by exact Jaccard.
    precision: f64,
}

pub(super) fn novelty(args: BenchNoveltyArgs) -> anyhow::Result<Ending> {
    let mut files = python_files(&[args.dir])?;
    files.truncate(args.limit);
    let texts: Vec<String> = files.iter().filter_map(|f| read_source(f).ok()).collect();
    let t = Instant::now();
    let sketches: Vec<Sketch> = texts.iter().map(|t| Sketch::of(t)).collect();
    let sketch_us = micros(t) / texts.len() as f64;
    let copies = sketches.clone();
    let mut index = NoveltyIndex::new();
    let mut found = Vec::with_capacity(sketches.len());
    let t = Instant::now();
    for (i, sketch) in copies.into_iter().enumerate() {
        let near = index.query_sketch(&sketch).filter(|n| n.jaccard >= NEAR_DUPLICATE);
        found.push(near.map(|n| n.id));
        index.insert_sketch(&i.to_string(), sketch);
    }
    let query_insert_us = micros(t) / texts.len() as f64;
    // The truth, by brute force.
    let bar = output::bar(sketches.len() as u64, "exact");
    let (mut real, mut hit, mut right) = (0usize, 0usize, 0usize);
    for (i, sketch) in sketches.iter().enumerate() {
        let best = sketches[..i].iter().map(|s| s.jaccard(sketch)).fold(0.0, f64::max);
        if best >= NEAR_DUPLICATE {
            real += 1;
            hit += usize::from(found[i].is_some());
        }
        if let Some(id) = &found[i] {
            let j = id.parse::<usize>().ok().and_then(|k| sketches.get(k)).map_or(0.0, |s| s.jaccard(sketch));
            right += usize::from(j >= NEAR_DUPLICATE);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let share = |a: usize, b: usize| if b == 0 { 1.0 } else { a as f64 / b as f64 };
    let given = found.iter().flatten().count();
    output::json(&NoveltyLine {
        files: texts.len(),
        sketch_us,
        query_insert_us,
        recall: share(hit, real),
        precision: share(right, given),
    })?;
    Ok(Ending::Done)
}

pub(super) fn generate(args: BenchGenerateArgs) -> anyhow::Result<Ending> {
    let prompt = read_source(&args.prompt)?;
    let model = load_model(&args.model, args.threads)?;
    for batch in args.batch {
        output::json(&model.generation_speed(&prompt, batch, args.new_tokens)?)?;
    }
    Ok(Ending::Done)
}

#[derive(Debug, Serialize)]
struct FinetuneLine {
    model: String,
    seq: usize,
    checkpoint: bool,
    step_s_median: f64,
    step_s_best: f64,
    peak_rss_mb: Option<u64>,
}

pub(super) fn finetune(args: BenchFinetuneArgs) -> anyhow::Result<Ending> {
    let mut model = load_model(&args.model, args.threads)?;
    let mut seconds = model.finetuning_speed(args.seq, args.rank, args.steps, args.checkpoint)?;
    output::json(&FinetuneLine {
        model: args.model,
        seq: args.seq,
        checkpoint: args.checkpoint,
        step_s_median: percentile(&mut seconds, 0.5),
        step_s_best: percentile(&mut seconds, 0.0),
        peak_rss_mb: archsmith_train::peak_rss_mb(),
    })?;
    Ok(Ending::Done)
}

fn micros(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}

fn percentile(values: &mut [f64], p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len().saturating_sub(1)) as f64 * p).round() as usize;
    values.get(at).copied().unwrap_or(0.0)
}
