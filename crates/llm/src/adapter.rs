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

/// Reads an adapter and puts it on the decoder, in place of what it had. On an error the decoder stays as it was.
pub(crate) fn load(decoder: &mut Decoder, dir: &Path) -> Result<LoraConfig> {
    let path = dir.join(CONFIG);
    let text = std::fs::read_to_string(&path).map_err(LlmError::io(&path))?;
    let what = path.display().to_string();
    let about: Value = serde_json::from_str(&text).map_err(|e| LlmError::format(what.clone(), e))?;
    if about["peft_type"] != "LORA" || about["use_dora"] == true || about["use_rslora"] == true {
        return Err(LlmError::format(
            what,
            "only plain LoRA adapters are supported (peft_type LORA, no DoRA, no rsLoRA)",
        ));
    }
    let rank = about["r"].as_u64().and_then(|r| usize::try_from(r).ok());
    let (Some(rank), Some(alpha)) = (rank, about["lora_alpha"].as_f64()) else {
        return Err(LlmError::format(what, "`r` and `lora_alpha` should be numbers"));
    };
    let mut config = LoraConfig {
        rank,
        alpha,
        dropout: about["lora_dropout"].as_f64().unwrap_or(0.0),
        layers: decoder.blocks.len(),
    };
    config.check()?;
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
