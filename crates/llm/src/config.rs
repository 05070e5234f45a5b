//! The shape of a decoder, read from a Hugging Face `config.json` or from GGUF metadata, and checked.

use crate::attention::Heads;
use crate::error::{LlmError, Result};
use serde_json::{Value, json};

/// Which family's conventions a model follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Llama and what copies it (SmolLM, DeepSeek-Coder).
    Llama,
    /// Qwen2 and Qwen2.5: biases on q, k and v.
    Qwen2,
}

impl Architecture {
    /// The name in `model_type` and in `general.architecture`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self> {
        match name {
            "llama" => Ok(Self::Llama),
            "qwen2" => Ok(Self::Qwen2),
            other => Err(LlmError::format("architecture", format!("`{other}` is not supported, only llama and qwen2"))),
        }
    }
}

/// How rotation frequencies are stretched beyond the context of pretraining.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RopeScaling {
    None,
    /// Every frequency divided by the factor.
    Linear(f64),
    /// Llama 3.1: low frequencies divided by `factor`, high ones kept, a smooth passage between.
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        original: f64,
    },
    /// A divisor for each frequency, as GGUF files carry it (`rope_freqs.weight`).
    Divisors(Vec<f64>),
}

/// The shape of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DecoderConfig {
    pub(crate) architecture: Architecture,
    pub(crate) vocab: usize,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) ffn: usize,
    pub(crate) context: usize,
    pub(crate) rope_theta: f64,
    pub(crate) rope_scaling: RopeScaling,
    pub(crate) eps: f32,
    pub(crate) tied: bool,
}

/// Largest rotation table kept; models that claim longer contexts are used up to here.
const CONTEXT_LIMIT: usize = 32_768;

impl DecoderConfig {
    pub(crate) fn attention_heads(&self) -> Heads {
        Heads { query: self.heads, key_value: self.kv_heads, dim: self.head_dim }
    }

    /// Refuses shapes that no decoder of these families has, before anything is allocated from them.
    pub(crate) fn check(mut self) -> Result<Self> {
        let bounded = [
            ("vocabulary", self.vocab, 1 << 22),
            ("hidden size", self.hidden, 1 << 16),
            ("number of layers", self.layers, 1 << 10),
            ("number of heads", self.heads, 1 << 10),
            ("number of key-value heads", self.kv_heads, 1 << 10),
            ("head size", self.head_dim, 1 << 10),
            ("feed-forward size", self.ffn, 1 << 18),
            ("context length", self.context, 1 << 30),
        ];
        for (name, value, most) in bounded {
            if value == 0 || value > most {
                return Err(LlmError::format(
                    "model configuration",
                    format!("{name} is {value}, expected 1 to {most}"),
                ));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            let why = format!("{} heads cannot share {} key-value heads evenly", self.heads, self.kv_heads);
            return Err(LlmError::format("model configuration", why));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(LlmError::format("model configuration", format!("head size {} is odd", self.head_dim)));
        }
        let sane = self.rope_theta.is_finite() && self.rope_theta > 0.0 && self.eps.is_finite() && self.eps >= 0.0;
        if !sane {
            return Err(LlmError::format("model configuration", "rope_theta or rms_norm_eps is not a sensible number"));
        }
        self.context = self.context.min(CONTEXT_LIMIT);
        Ok(self)
    }

    /// The angle each pair of a head turns by at every position.
    pub(crate) fn frequencies(&self) -> Vec<f64> {
        let half = self.head_dim / 2;
        (0..half)
            .map(|i| {
                let f = self.rope_theta.powf(-(i as f64) / half as f64);
                match &self.rope_scaling {
                    RopeScaling::None => f,
                    RopeScaling::Linear(factor) => f / factor,
                    RopeScaling::Divisors(d) => f / d.get(i).copied().unwrap_or(1.0),
                    RopeScaling::Llama3 { factor, low, high, original } => {
                        let turns = original * f / std::f64::consts::TAU;
                        let keep = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                        f * keep + f / factor * (1.0 - keep)
                    }
                }
            })
            .collect()
    }

    /// Reads Hugging Face's `config.json`.
    pub(crate) fn from_json(text: &str) -> Result<Self> {
        let root: Value = serde_json::from_str(text).map_err(|e| LlmError::format("config.json", e))?;
        let int = |key: &str| -> Result<usize> {
            root[key].as_u64().and_then(|v| usize::try_from(v).ok()).ok_or_else(|| {
                LlmError::format("config.json", format!("`{key}` should be a whole number, found {}", root[key]))
            })
        };
        let or = |key: &str, default: usize| if root[key].is_null() { Ok(default) } else { int(key) };
        let architecture = Architecture::parse(root["model_type"].as_str().unwrap_or("missing model_type"))?;
        if let Some(act) = root["hidden_act"].as_str()
            && act != "silu"
        {
            return Err(LlmError::format("config.json", format!("hidden_act `{act}` is not supported, only silu")));
        }
        let (hidden, heads, context) =
            (int("hidden_size")?, int("num_attention_heads")?, int("max_position_embeddings")?);
        // transformers 5 keeps in `rope_parameters` what was `rope_theta` and `rope_scaling` before.
        let parameters = &root["rope_parameters"];
        let scaling = if parameters.is_object() { parameters } else { &root["rope_scaling"] };
        let rope_theta = parameters["rope_theta"].as_f64().or(root["rope_theta"].as_f64()).unwrap_or(10_000.0);
        let number = |key: &str, default: f64| scaling[key].as_f64().unwrap_or(default);
        let kind = scaling["rope_type"].as_str().or(scaling["type"].as_str()).unwrap_or("default");
        let rope_scaling = match kind {
            "default" => RopeScaling::None,
            "linear" => RopeScaling::Linear(number("factor", 1.0)),
            "llama3" => RopeScaling::Llama3 {
                factor: number("factor", 8.0),
                low: number("low_freq_factor", 1.0),
                high: number("high_freq_factor", 4.0),
                original: number("original_max_position_embeddings", 8192.0),
            },
            other => {
                return Err(LlmError::format("config.json", format!("rope_scaling `{other}` is not supported")));
            }
        };
        Self {
            architecture,
            vocab: int("vocab_size")?,
            hidden,
            layers: int("num_hidden_layers")?,
            heads,
            kv_heads: or("num_key_value_heads", heads)?,
            head_dim: or("head_dim", hidden.checked_div(heads).unwrap_or(0))?,
            ffn: int("intermediate_size")?,
            context,
            rope_theta,
            rope_scaling,
            eps: root["rms_norm_eps"].as_f64().unwrap_or(1e-6) as f32,
            tied: root["tie_word_embeddings"].as_bool().unwrap_or(architecture == Architecture::Qwen2),
        }
        .check()
    }

    /// Hugging Face's `config.json` of this shape (for models this crate trained: no rope scaling).
    pub(crate) fn to_json(&self, bos: u32, eos: u32, pad: u32) -> Value {
        json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": self.architecture.name(),
            "vocab_size": self.vocab,
            "hidden_size": self.hidden,
            "intermediate_size": self.ffn,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "max_position_embeddings": self.context,
            "rms_norm_eps": f64::from(self.eps),
            "rope_theta": self.rope_theta,
            "hidden_act": "silu",
            "attention_bias": false,
            "mlp_bias": false,
            "tie_word_embeddings": self.tied,
            "initializer_range": 0.02,
            "bos_token_id": bos,
            "eos_token_id": eos,
            "pad_token_id": pad,
            "torch_dtype": "float16",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(rope: &str) -> DecoderConfig {
        let text = format!(
            r#"{{"model_type": "llama", "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4,
            "intermediate_size": 64, "max_position_embeddings": 128, {rope}}}"#
        );
        DecoderConfig::from_json(&text).expect("a configuration")
    }

    #[test]
    fn rotation_is_read_where_either_release_of_transformers_writes_it() {
        let old = config(r#""rope_theta": 100000.0, "rope_scaling": {"type": "linear", "factor": 2.0}"#);
        let new = config(r#""rope_parameters": {"rope_theta": 100000.0, "rope_type": "linear", "factor": 2.0}"#);
        assert_eq!(old.rope_theta, 100_000.0);
        assert_eq!(old.frequencies(), new.frequencies());
        assert_ne!(new.frequencies(), config(r#""rope_parameters": {"rope_theta": 10000.0}"#).frequencies());
    }
}
