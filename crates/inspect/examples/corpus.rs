//! Exports every network of a corpus with weights filled by formula, one JSON line each: what `checks/run_onnx.py` and
//! `checks/run_source.py` read.
//!
//! `corpus CORPUS ORACLE.jsonl OUT [--skip N] [--only PREFIX]`: for each record of the oracle that PyTorch ran, OUT/NAME.onnx
//! (the evaluation pass, weights filled), OUT/NAME.py (canonical source), and on standard output the name with what was
//! found: whether it types, whether the textual IR and the source come back equal.

use archsmith_frontend::{Options, Prm};
use archsmith_inspect::{onnx, source, weights};
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{Seed, StateKind, TypedGraph, fingerprint, text};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

fn mix(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x7feb_352d);
    h ^= h >> 15;
    h = h.wrapping_mul(0x846c_a68b);
    h ^ (h >> 16)
}

/// Uniform in [-1, 1), by tensor and index.
fn u(t: u32, i: u32) -> f32 {
    let seed = 0x9e37_79b9_u32.wrapping_mul(t.wrapping_add(1)).wrapping_add(i);
    (mix(seed) >> 8) as f32 * 2f32.powi(-23) - 1.0
}

fn fill(graph: &TypedGraph, state: &mut [HostTensor]) {
    let g = graph.graph();
    for (t, (name, id)) in g.state_dict.iter().enumerate() {
        let (t, s) = (t as u32, &g.state[id.index()]);
        let last = name.rsplit('.').next().unwrap_or(name);
        let fan = s.ty.numel() / s.ty.shape.first().copied().unwrap_or(1).max(1);
        let scale = (6.0 / fan.max(1) as f64).sqrt().min(1.0) as f32;
        let Some(values) = state[id.index()].f32_mut() else { continue };
        for (i, v) in values.iter_mut().enumerate() {
            let u = u(t, i as u32);
            *v = match (s.kind, last, s.ty.rank()) {
                (StateKind::Buffer, "running_mean", _) => 0.1 * u,
                (StateKind::Buffer, "running_var", _) => 1.0 + 0.25 * u,
                (StateKind::Buffer | StateKind::Constant, ..) => *v,
                (_, _, 0) => 0.5 + 0.25 * u,
                (_, "weight", 1) => 1.0 + 0.25 * u,
                (_, _, 1) => 0.1 * u,
                _ => scale * u,
            };
        }
    }
}

fn options(record: &Value) -> Options {
    let mut options = Options::default();
    let size = record["in_size"].as_u64().unwrap_or(32) as usize;
    options.in_shape = [1, 3, size, size];
    options.batch = Some(2);
    options.prm.clear();
    for (key, value) in record["prm"].as_object().into_iter().flatten() {
        let value = match value {
            Value::String(s) => Prm::Str(s.clone()),
            v if v.is_i64() => Prm::Int(v.as_i64().unwrap_or(0)),
            v => Prm::Float(v.as_f64().unwrap_or(0.0)),
        };
        options.prm.insert(key.clone(), value);
    }
    options
}

/// Waits until the reader has removed enough of what was written.
fn wait_for_room(out: &Path) {
    let waiting = || {
        let files = std::fs::read_dir(out).into_iter().flatten().flatten();
        files.filter(|f| f.path().extension().is_some_and(|e| e == "onnx")).count()
    };
    while waiting() > 12 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

fn network(corpus: &Path, out: &Path, record: &Value) -> Value {
    let name = record["name"].as_str().unwrap_or_default();
    let mut line = json!({"name": name, "family": record["family"], "typed": false});
    let Ok(python) = std::fs::read_to_string(corpus.join("nn").join(format!("{name}.py"))) else { return line };
    let options = options(record);
    let Ok((graph, _)) = archsmith_frontend::check(&python, &options) else { return line };
    line["typed"] = true.into();
    let printed = text::print(graph.graph());
    line["text"] = text::parse(&printed).is_ok_and(|g| &g == graph.graph()).into();
    match source::python(&graph) {
        Ok(canonical) => {
            line["source"] = match archsmith_frontend::check(&canonical, &options) {
                Ok((again, _)) => {
                    let same = fingerprint::fingerprint(&again) == fingerprint::fingerprint(&graph);
                    if !same {
                        line["source_why"] = "another fingerprint".into();
                    }
                    same.into()
                }
                Err(e) => {
                    line["source_why"] = e.diagnostics.first().map(|d| d.message.clone()).into();
                    false.into()
                }
            };
            let _ = std::fs::write(out.join(format!("{name}.py")), canonical);
        }
        Err(e) => line["source_why"] = e.to_string().into(),
    }
    wait_for_room(out);
    let onnx = weights::initial(&graph, &Seed::from_u64(0)).map_err(|e| e.to_string()).and_then(|mut state| {
        fill(&graph, &mut state);
        let mut bytes = Vec::new();
        onnx::export(&graph, onnx::Weights::Given(&state), &mut bytes).map_err(|e| e.to_string())?;
        std::fs::write(out.join(format!("{name}.onnx")), bytes).map_err(|e| e.to_string())
    });
    match onnx {
        Ok(()) => line["onnx"] = true.into(),
        Err(e) => line["onnx_why"] = e.into(),
    }
    line
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [corpus, oracle, out, rest @ ..] = &args[..] else {
        eprintln!("corpus CORPUS ORACLE.jsonl OUT [FROM TO]");
        std::process::exit(2);
    };
    let records: Vec<Value> = std::fs::read_to_string(oracle)
        .unwrap_or_default()
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .filter(|r| r["ok"] == true)
        .collect();
    let at = |i: usize, default: usize| rest.get(i).and_then(|s| s.parse().ok()).unwrap_or(default);
    let (from, to) = (at(0, 0), at(1, records.len()).min(records.len()));
    let lines = records[from.min(to)..to].par_iter().map(|r| network(Path::new(corpus), Path::new(out), r));
    lines.for_each(|line| println!("{line}"));
}
