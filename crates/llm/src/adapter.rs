//! LoRA adapters and their files, in PEFT's format.
//!
//! `adapter_config.json` and `adapter_model.safetensors`, keys
//! `base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight` (`rank × in`) and `…lora_B.weight`
//! (`out × rank`).

use crate::decoder::{Decoder, PROJECTIONS};
use crate::error::{LlmError, Result};
use crate::linear::Lora;
use crate::matrix::Matrix;
use crate::weights::{
    Store, parse_safetensors, projection_name, projection_sizes, shape_of, write_atomically, write_safetensors,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;

/// The size of an adapter. It adapts all seven projections of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoraConfig {
    /// Rank of the update.
    pub rank: usize,
    /// The update is scaled by `alpha / rank`.
    pub alpha: f64,
    /// Share of the adapter's inputs dropped in training.
    pub dropout: f64,
    /// The first blocks that are adapted; more than the model has means all.
    pub layers: usize,
}

impl Default for LoraConfig {
    /// The published values: rank 32, alpha 32, dropout 0.05, the first 24 layers.
    fn default() -> Self {
        Self { rank: 32, alpha: 32.0, dropout: 0.05, layers: 24 }
    }
}

impl LoraConfig {
    pub(crate) fn check(&self) -> Result<()> {
        let fits = (1..=4096).contains(&self.rank) && self.alpha.is_finite() && self.layers > 0;
        if !fits || !(0.0..0.9).contains(&self.dropout) {
            return Err(LlmError::invalid(format!(
                "LoRA of rank {}, alpha {}, dropout {}, {} layers: expected rank 1 to 4096, dropout below 0.9, at least one layer",
                self.rank, self.alpha, self.dropout, self.layers
            )));
        }
        Ok(())
    }
}

/// Gives the decoder a fresh adapter: A uniform in ±1/√in (PEFT's Kaiming initialisation), B zero, so that nothing
/// changes before training.
pub(crate) fn attach(decoder: &mut Decoder, config: &LoraConfig, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sizes = projection_sizes(&decoder.config);
    for block in decoder.blocks.iter_mut().take(config.layers) {
        for (linear, &(out, input)) in block.linears.iter_mut().zip(&sizes) {
            let bound = 1.0 / (input as f32).sqrt();
            let mut draw = || ((rng.next_u32() >> 8) as f32 / (1u32 << 24) as f32 * 2.0 - 1.0) * bound;
            let a = Matrix::new(config.rank, input, (0..config.rank * input).map(|_| draw()).collect());
            let b = Matrix::zeros(out, config.rank);
            linear.lora = Some(Lora { a, b, scale: (config.alpha / config.rank as f64) as f32 });
        }
    }
}

/// Takes the adapter away.
pub(crate) fn detach(decoder: &mut Decoder) {
    decoder.blocks.iter_mut().flat_map(|b| &mut b.linears).for_each(|l| l.lora = None);
}

fn key(layer: usize, projection: usize, part: &str) -> String {
    format!("base_model.model.{}.lora_{part}.weight", projection_name(layer, projection))
}

const WEIGHTS: &str = "adapter_model.safetensors";
const CONFIG: &str = "adapter_config.json";

/// Writes the adapter to `dir`.
pub(crate) fn save(decoder: &Decoder, config: &LoraConfig, base: &str, dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(LlmError::io(dir))?;
    let mut parts: Vec<(String, &Matrix)> = Vec::new();
    for (l, block) in decoder.blocks.iter().enumerate() {
        for (p, linear) in block.linears.iter().enumerate() {
            if let Some(lora) = &linear.lora {
                parts.push((key(l, p, "A"), &lora.a));
                parts.push((key(l, p, "B"), &lora.b));
            }
        }
    }
    let views = parts.iter().map(|(n, m)| {
        let shape = if m.rows == 1 { vec![1, m.cols] } else { shape_of(m) };
        (n.clone(), m.data.as_slice(), shape)
    });
    write_safetensors(&dir.join(WEIGHTS), views, Store::F32, &[("format", "pt".into())])?;
    let layers: Vec<usize> = (0..config.layers.min(decoder.blocks.len())).collect();
    let about = json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.dropout,
        "target_modules": PROJECTIONS.map(|p| p.1),
        "layers_to_transform": layers,
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "inference_mode": true,
        "use_dora": false,
        "use_rslora": false,
    });
    write_atomically(&dir.join(CONFIG), format!("{about:#}\n").as_bytes())
}

/// Options of PEFT's LoRA that change what an adapter computes, and that are not computed here.
const CHANGES: [&str; 16] = [
    "kasa_config",
    "monteclora_config",
    "use_dora",
    "use_bdlora",
    "use_qalora",
    "alora_invocation_tokens",
    "arrow_config",
    "lora_bias",
    "fan_in_fan_out",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "modules_to_save",
    "trainable_token_indices",
    "target_parameters",
    "bias",
];

/// Whether an option has another value than its usual one.
fn is_set(option: &Value) -> bool {
    match option {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::String(text) => text != "none",
        Value::Number(_) => true,
    }
}

/// Reads an adapter and puts it on the decoder, in place of what it had. On an error the decoder stays as it was.
pub(crate) fn load(decoder: &mut Decoder, dir: &Path) -> Result<LoraConfig> {
    let path = dir.join(CONFIG);
    let text = std::fs::read_to_string(&path).map_err(LlmError::io(&path))?;
    let what = path.display().to_string();
    let about: Value = serde_json::from_str(&text).map_err(|e| LlmError::format(what.clone(), e))?;
    if about["peft_type"] != "LORA" {
        let why = format!("peft_type is {}; only LORA adapters are supported", about["peft_type"]);
        return Err(LlmError::format(what, why));
    }
    if let Some(key) = CHANGES.into_iter().find(|key| is_set(&about[key])) {
        let why =
            format!("`{key}` is {}; an adapter with it is not supported, merge it into its model instead", about[key]);
        return Err(LlmError::format(what, why));
    }
    let rank = about["r"].as_u64().and_then(|r| usize::try_from(r).ok());
    let (Some(rank), Some(alpha)) = (rank, about["lora_alpha"].as_f64()) else {
        return Err(LlmError::format(what, "`r` and `lora_alpha` should be numbers"));
    };
    // With rsLoRA (arXiv 2312.03732) the scale is alpha / √rank; what is kept is the alpha that gives it in the usual way.
    let alpha = if about["use_rslora"] == true { alpha * (rank as f64).sqrt() } else { alpha };
    let mut config = LoraConfig {
        rank,
        alpha,
        dropout: about["lora_dropout"].as_f64().unwrap_or(0.0),
        layers: decoder.blocks.len(),
    };
    config.check().map_err(|e| LlmError::format(what.clone(), e))?;
    let file = dir.join(WEIGHTS);
    let bytes = std::fs::read(&file).map_err(LlmError::io(&file))?;
    let what = file.display().to_string();
    let (mut named, _) = parse_safetensors(&what, &bytes)?;
    let sizes = projection_sizes(&decoder.config);
    let mut found: Vec<(usize, usize, Lora)> = Vec::new();
    for layer in 0..decoder.blocks.len() {
        for (p, &(out, input)) in sizes.iter().enumerate() {
            match (named.remove(&key(layer, p, "A")), named.remove(&key(layer, p, "B"))) {
                (None, None) => {}
                (Some(a), Some(b)) if (a.rows, a.cols, b.rows, b.cols) == (rank, input, out, rank) => {
                    found.push((layer, p, Lora { a, b, scale: (alpha / rank as f64) as f32 }));
                }
                _ => {
                    let why = format!(
                        "layer {layer}, {}: expected lora_A {rank}×{input} and lora_B {out}×{rank}; is it of this model?",
                        PROJECTIONS[p].1
                    );
                    return Err(LlmError::format(what, why));
                }
            }
        }
    }
    if let Some(extra) = named.keys().next() {
        return Err(LlmError::format(what, format!("tensor `{extra}` belongs to no projection of this model")));
    }
    let Some(last) = found.iter().map(|f| f.0).max() else {
        return Err(LlmError::format(what, "it holds no LoRA weights"));
    };
    config.layers = last + 1;
    detach(decoder);
    for (layer, p, lora) in found {
        decoder.blocks[layer].linears[p].lora = Some(lora);
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DecoderConfig;
    use crate::pool::Pool;
    use crate::weights::assemble;
    use std::sync::Arc;

    /// What PEFT says of a model: `NAME.json` beside the folders `NAME` and `NAME-adapter`.
    struct Stored {
        decoder: Decoder,
        ids: Vec<u32>,
        base: Vec<Vec<f32>>,
        adapted: Vec<Vec<f32>>,
    }

    fn stored(dir: &Path, name: &str) -> Stored {
        let read = |path: &str| std::fs::read(dir.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let about: Value = serde_json::from_slice(&read(&format!("{name}.json"))).unwrap();
        let rows = |key: &str| -> Vec<Vec<f32>> { serde_json::from_value(about[key].clone()).unwrap() };
        let mut config =
            DecoderConfig::from_json(&String::from_utf8(read(&format!("{name}/config.json"))).unwrap()).unwrap();
        let (mut named, _) = parse_safetensors(name, &read(&format!("{name}/model.safetensors"))).unwrap();
        config.tied = !named.contains_key("lm_head.weight");
        let decoder = assemble(config, &mut named, Arc::new(Pool::new(1).unwrap())).unwrap();
        Stored {
            decoder,
            ids: serde_json::from_value(about["ids"].clone()).unwrap(),
            base: rows("base"),
            adapted: rows("adapted"),
        }
    }

    fn logits(decoder: &Decoder, ids: &[u32]) -> Vec<Vec<f32>> {
        (1..=ids.len()).map(|n| decoder.prefill(&ids[..n]).unwrap().1).collect()
    }

    /// The largest difference of two tables.
    fn apart(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
        assert_eq!(a.len(), b.len());
        a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    /// Reads PEFT's adapter; the differences of the scores without and with it, and how much it changes.
    fn compare(dir: &Path, name: &str) -> (f32, f32, f32) {
        let mut s = stored(dir, name);
        let base = apart(&logits(&s.decoder, &s.ids), &s.base);
        load(&mut s.decoder, &dir.join(format!("{name}-adapter"))).unwrap();
        (base, apart(&logits(&s.decoder, &s.ids), &s.adapted), apart(&s.base, &s.adapted))
    }

    #[test]
    fn an_adapter_that_peft_made_gives_its_scores() {
        let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peft"));
        for name in ["llama", "qwen2"] {
            let (base, adapted, change) = compare(dir, name);
            assert!(base < 2e-5 && adapted < 2e-5 && change > 0.02, "{name}: {base} {adapted} {change}");
        }
    }

    #[test]
    fn options_that_change_what_an_adapter_computes_are_refused() {
        let from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peft/llama-adapter"));
        let to = std::env::temp_dir().join(format!("archsmith-adapter-{}", std::process::id()));
        std::fs::create_dir_all(&to).unwrap();
        std::fs::copy(from.join(WEIGHTS), to.join(WEIGHTS)).unwrap();
        let about: Value = serde_json::from_slice(&std::fs::read(from.join(CONFIG)).unwrap()).unwrap();
        let mut decoder = stored(from.parent().unwrap(), "llama").decoder;
        let cases = [
            ("use_dora", json!(true)),
            ("bias", json!("all")),
            ("rank_pattern", json!({"q_proj": 2})),
            ("modules_to_save", json!(["lm_head"])),
            ("peft_type", json!("IA3")),
            ("r", json!(0)),
            ("r", json!(-1)),
            ("r", json!(5)),
            ("lora_alpha", json!(null)),
        ];
        for (key, value) in cases {
            let mut changed = about.clone();
            changed[key] = value.clone();
            std::fs::write(to.join(CONFIG), changed.to_string()).unwrap();
            let error = load(&mut decoder, &to).unwrap_err().to_string();
            assert!(error.contains("adapter_"), "{key} = {value}: {error}");
            assert!(decoder.blocks.iter().flat_map(|b| &b.linears).all(|l| l.lora.is_none()), "nothing was changed");
        }
        // The scale of rsLoRA, also after it was written again.
        let mut changed = about.clone();
        changed["use_rslora"] = json!(true);
        std::fs::write(to.join(CONFIG), changed.to_string()).unwrap();
        let config = load(&mut decoder, &to).unwrap();
        let scale = |d: &Decoder| d.blocks[0].linears[0].lora.as_ref().unwrap().scale;
        let expected = about["lora_alpha"].as_f64().unwrap() / about["r"].as_f64().unwrap().sqrt();
        assert!((f64::from(scale(&decoder)) - expected).abs() < 1e-6);
        save(&decoder, &config, "base", &to).unwrap();
        load(&mut decoder, &to).unwrap();
        assert!((f64::from(scale(&decoder)) - expected).abs() < 1e-6);
        std::fs::remove_dir_all(&to).unwrap();
    }

    /// With the library itself: `PEFT=DIR`, a folder as above. Compares, and writes an adapter of ours with its scores for each model.
    #[test]
    #[ignore = "needs what a script with PEFT writes"]
    fn interchange_with_peft() {
        let dir = std::path::PathBuf::from(std::env::var("PEFT").unwrap_or_default());
        for entry in std::fs::read_dir(&dir).unwrap().flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let Some(name) = file.strip_suffix(".json").filter(|n| !n.ends_with("-ours")) else { continue };
            let (base, adapted, change) = compare(&dir, name);
            println!("{name}: base {base:e}, adapted {adapted:e}, changed by {change}");
            let mut s = stored(&dir, name);
            let config = LoraConfig { rank: 6, alpha: 9.0, dropout: 0.0, layers: 2 };
            attach(&mut s.decoder, &config, 3);
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            for lora in s.decoder.blocks.iter_mut().flat_map(|b| &mut b.linears).filter_map(|l| l.lora.as_mut()) {
                lora.b.data.iter_mut().for_each(|v| *v = (rng.next_u32() as f32 / u32::MAX as f32 - 0.5) * 0.2);
            }
            save(&s.decoder, &config, name, &dir.join(format!("{name}-ours"))).unwrap();
            let about = json!({ "ids": s.ids, "adapted": logits(&s.decoder, &s.ids) });
            std::fs::write(dir.join(format!("{name}-ours.json")), about.to_string()).unwrap();
        }
    }
}
