//! Runs exported models in tract and compares with what PyTorch said.
//!
//! `archsmith-tract-check ORACLE.jsonl OUT` stands between the example `corpus` and `run_onnx.py`: it reads the lines of the
//! one, runs OUT/NAME.onnx on the oracle's input, and passes each line on to the other, which removes the model. What
//! differs or fails, and totals by family, go to standard error.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use tract_onnx::prelude::*;

fn mix(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x7feb_352d);
    h ^= h >> 15;
    h = h.wrapping_mul(0x846c_a68b);
    h ^ (h >> 16)
}

fn image(i: u32) -> f32 {
    let u = (mix(0x9e37_79b9_u32.wrapping_mul(1_000_001).wrapping_add(i)) >> 8) as f32 * 2f32.powi(-23) - 1.0;
    let ramp = ((((i / 16) % 128) as f32) - 64.0).abs() / 32.0 - 1.0;
    0.5 * u + 0.5 * ramp
}

fn run(path: &Path, size: usize) -> Result<Vec<f32>, Box<dyn std::error::Error>> {
    let model = tract_onnx::onnx().model_for_path(path)?.into_optimized()?.into_runnable()?;
    let values: Vec<f32> = (0..2 * 3 * size * size).map(|i| image(i as u32)).collect();
    let input = Tensor::from_shape(&[2, 3, size, size], &values)?;
    let outputs = model.run(tvec!(input.into()))?;
    let output = outputs[0].cast_to::<f32>()?.into_owned();
    Ok(output.to_plain_array_view::<f32>()?.iter().copied().collect())
}

/// Compares with the record: why the logits differ, if they do.
fn judge(path: &Path, r: &Value) -> Result<(), String> {
    let rows = r["logits"].as_array().into_iter().flatten();
    let numbers = rows.flat_map(|row| row.as_array().into_iter().flatten().filter_map(|v| v.as_f64().map(|v| v as f32)));
    let want: Vec<f32> = numbers.collect();
    let largest = want.iter().fold(0f32, |m, v| m.max(v.abs()));
    let limit = (1e-4 + 100.0 * r["pert"].as_f64().unwrap_or(0.0) as f32) * largest;
    let size = r["in_size"].as_u64().unwrap_or(32) as usize;
    let found = std::panic::catch_unwind(|| run(path, size).map_err(|e| e.to_string()));
    match found.unwrap_or_else(|_| Err("panicked".into())) {
        Ok(y) if y.len() == want.len() => {
            let off = y.iter().zip(&want).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
            if off <= limit { Ok(()) } else { Err(format!("off by {off:.3}, allowed {limit:.3}")) }
        }
        Ok(y) => Err(format!("gives {} numbers", y.len())),
        Err(e) => Err(e.replace('\n', " ").chars().take(300).collect()),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [oracle, out] = &args[..] else {
        eprintln!("archsmith-tract-check ORACLE.jsonl OUT < lines of the example `corpus`");
        std::process::exit(2);
    };
    std::panic::set_hook(Box::new(|_| {}));
    let records = std::fs::read_to_string(oracle).unwrap_or_default();
    let records = records.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let records: BTreeMap<String, Value> =
        records.map(|r| (r["name"].as_str().unwrap_or_default().to_string(), r)).collect();
    let mut tally: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let name = serde_json::from_str::<Value>(&line).ok().and_then(|l| Some(l["name"].as_str()?.to_string()));
        let name = name.unwrap_or_default();
        let path = Path::new(out).join(format!("{name}.onnx"));
        if let Some(r) = records.get(&name).filter(|r| path.is_file() && r["reseed"].as_f64() == Some(0.0)) {
            let t = tally.entry(r["family"].as_str().unwrap_or_default().to_string()).or_default();
            t[0] += 1;
            match judge(&path, r) {
                Ok(()) => t[1] += 1,
                Err(why) => eprintln!("tract {name} {why}"),
            }
        }
        println!("{line}");
    }
    for (family, [files, equal]) in &tally {
        eprintln!("tract {family}: {equal} of {files} equal");
    }
    let sum = tally.values().fold([0, 0], |s, t| [s[0] + t[0], s[1] + t[1]]);
    eprintln!("tract all: {} of {} equal", sum[1], sum[0]);
}
