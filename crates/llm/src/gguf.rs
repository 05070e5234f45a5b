//! Models from GGUF files: weights, tokenizer, chat template.
//!
//! Rows of llama's q and k, which GGUF files hold in interleaved rotary order, are put back in Hugging Face's order.
//! candle reads and unpacks all types of quantised blocks; large models are then held in eight bits, small ones in
//! `f32`.

use crate::config::{Architecture, DecoderConfig, RopeScaling};
use crate::decoder::{Decoder, PROJECTIONS};
use crate::error::{LlmError, Result};
use crate::linear::Weight;
use crate::matrix::Matrix;
use crate::pool::Pool;
use crate::quantised::Q8;
use crate::text::Text;
use crate::weights::{Weights, assemble};
use candle_core::Device;
use candle_core::quantized::gguf_file::{Content, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{AddedToken, Tokenizer};

/// Models of at most this many weights are held as `f32`: small enough that speed matters more than memory.
const DENSE_WEIGHTS: usize = 64_000_000;

struct Metadata<'a>(&'a Content, String);

impl Metadata<'_> {
    fn wrong(key: &str, why: impl ToString) -> LlmError {
        LlmError::format(format!("GGUF metadata `{key}`"), why)
    }

    fn find(&self, key: &str) -> Option<&Value> {
        self.0.metadata.get(key)
    }

    fn need(&self, key: &str) -> Result<&Value> {
        self.find(key).ok_or_else(|| Self::wrong(key, "it is missing"))
    }

    fn text(&self, key: &str) -> Result<&str> {
        self.need(key)?.to_string().map(String::as_str).map_err(|e| Self::wrong(key, e))
    }

    /// A whole number of the architecture's own keys.
    fn size(&self, key: &str) -> Result<usize> {
        let key = format!("{}.{key}", self.1);
        whole(self.need(&key)?).ok_or_else(|| Self::wrong(&key, "expected a whole number"))
    }

    fn float(&self, key: &str) -> Option<f64> {
        match self.find(&format!("{}.{key}", self.1))? {
            Value::F32(v) => Some(f64::from(*v)),
            Value::F64(v) => Some(*v),
            other => whole(other).map(|v| v as f64),
        }
    }

    fn id(&self, key: &str) -> Option<u32> {
        self.find(key).and_then(whole).and_then(|v| u32::try_from(v).ok())
    }
}

fn whole(v: &Value) -> Option<usize> {
    match v {
        Value::I8(v) => usize::try_from(*v).ok(),
        Value::I16(v) => usize::try_from(*v).ok(),
        Value::I32(v) => usize::try_from(*v).ok(),
        Value::I64(v) => usize::try_from(*v).ok(),
        other => other.to_u64().ok().and_then(|v| usize::try_from(v).ok()),
    }
}

/// Loads a GGUF file; also says how its weights are quantised.
pub(crate) fn load(path: &Path, pool: Arc<Pool>) -> Result<(Decoder, Text, String)> {
    read(path, pool).map_err(LlmError::within(path))
}

fn read(path: &Path, pool: Arc<Pool>) -> Result<(Decoder, Text, String)> {
    let file = File::open(path).map_err(LlmError::io(path))?;
    let mut reader = BufReader::new(file);
    let damaged = |e: candle_core::Error| {
        LlmError::format(path.display().to_string(), format!("not a valid GGUF file ({e}); fetch or copy it again"))
    };
    let content = Content::read(&mut reader).map_err(damaged)?;
    let architecture = Metadata(&content, String::new()).text("general.architecture")?.to_owned();
    let meta = Metadata(&content, architecture.clone());
    let (hidden, heads) = (meta.size("embedding_length")?, meta.size("attention.head_count")?);
    let tokens = match meta.need("tokenizer.ggml.tokens")? {
        Value::Array(list) => list.len(),
        _ => return Err(Metadata::wrong("tokenizer.ggml.tokens", "expected a list")),
    };
    let embedding = content.tensor_infos.get("token_embd.weight");
    let vocab = embedding.and_then(|t| t.shape.dims().first().copied()).unwrap_or(tokens);
    let mut config = DecoderConfig {
        architecture: Architecture::parse(&architecture)?,
        vocab,
        hidden,
        layers: meta.size("block_count")?,
        heads,
        kv_heads: meta.size("attention.head_count_kv").unwrap_or(heads),
        head_dim: meta.size("attention.key_length").unwrap_or(hidden.checked_div(heads).unwrap_or(0)),
        ffn: meta.size("feed_forward_length")?,
        context: meta.size("context_length")?,
        rope_theta: meta.float("rope.freq_base").unwrap_or(10_000.0),
        rope_scaling: RopeScaling::None,
        eps: meta.float("attention.layer_norm_rms_epsilon").unwrap_or(1e-6) as f32,
        tied: !content.tensor_infos.contains_key("output.weight"),
    }
    .check()?;
    let kind = meta.find(&format!("{architecture}.rope.scaling.type")).and_then(|v| v.to_string().ok());
    match kind.map(String::as_str) {
        None | Some("none") => {}
        Some("linear") => config.rope_scaling = RopeScaling::Linear(meta.float("rope.scaling.factor").unwrap_or(1.0)),
        Some(other) => return Err(Metadata::wrong("rope.scaling.type", format!("`{other}` is not supported"))),
    }
    let text = tokenizer(&meta)?;
    text.check_fits(vocab)?;
    let weights = content.tensor_infos.values().map(|t| elements(t.shape.dims())).fold(0, usize::saturating_add);
    let quantisation = describe(&content);
    let mut source = GgufWeights {
        content: &content,
        reader,
        file: path.display().to_string(),
        heads: (config.heads, config.kv_heads),
        unpermute: config.architecture == Architecture::Llama,
        dense: weights <= DENSE_WEIGHTS,
    };
    if let Some(divisors) = source.vector("rope_freqs.weight", config.head_dim / 2)? {
        if !divisors.data.iter().all(|d| d.is_finite() && *d > 0.0) {
            return Err(source.wrong("rope_freqs.weight", "expected positive numbers"));
        }
        config.rope_scaling = RopeScaling::Divisors(divisors.data.iter().map(|&d| f64::from(d)).collect());
    }
    let decoder = assemble(config, &mut source, pool)?;
    Ok((decoder, text, quantisation))
}

/// The number of elements of a shape, which a file may state as it likes.
fn elements(dims: &[usize]) -> usize {
    dims.iter().fold(1, |n: usize, d| n.saturating_mul(*d))
}

/// The types of the matrices, the most frequent first.
fn describe(content: &Content) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for t in content.tensor_infos.values().filter(|t| t.shape.dims().len() == 2) {
        let count = counts.entry(format!("{:?}", t.ggml_dtype).to_uppercase()).or_default();
        *count = count.saturating_add(elements(t.shape.dims()));
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    counts.into_iter().map(|c| c.0).collect::<Vec<_>>().join("+")
}

struct GgufWeights<'a> {
    content: &'a Content,
    reader: BufReader<File>,
    file: String,
    heads: (usize, usize),
    unpermute: bool,
    dense: bool,
}

/// GGUF's name of a tensor.
fn gguf_name(name: &str) -> String {
    let fixed = match name {
        "model.embed_tokens.weight" => "token_embd.weight",
        "lm_head.weight" => "output.weight",
        "model.norm.weight" => "output_norm.weight",
        other => other,
    };
    let Some(rest) = fixed.strip_prefix("model.layers.") else { return fixed.to_owned() };
    let parts: Vec<&str> = rest.split('.').collect();
    let part = match parts[1..] {
        [.., "q_proj", _] => "attn_q",
        [.., "k_proj", _] => "attn_k",
        [.., "v_proj", _] => "attn_v",
        [.., "o_proj", _] => "attn_output",
        [.., "gate_proj", _] => "ffn_gate",
        [.., "up_proj", _] => "ffn_up",
        [.., "down_proj", _] => "ffn_down",
        ["input_layernorm", _] => "attn_norm",
        _ => "ffn_norm",
    };
    format!("blk.{}.{part}.{}", parts[0], parts.last().copied().unwrap_or_default())
}

impl GgufWeights<'_> {
    fn wrong(&self, name: &str, why: impl ToString) -> LlmError {
        LlmError::format(format!("{}: tensor `{name}`", self.file), why)
    }

    /// The tensor `name` as `f32`; vectors have one row.
    fn read(&mut self, name: &str, dims: &[usize]) -> Result<Matrix> {
        let Some(info) = self.content.tensor_infos.get(name) else {
            return Err(self.wrong(name, "it is missing"));
        };
        if info.shape.dims() != dims {
            let why = format!("its shape is {:?}, the metadata says {dims:?}", info.shape.dims());
            return Err(self.wrong(name, why));
        }
        let tensor = info.read(&mut self.reader, self.content.tensor_data_offset, &Device::Cpu);
        let values = tensor.and_then(|t| t.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>());
        let values = values.map_err(|e| self.wrong(name, format!("{e}; fetch or copy the file again")))?;
        let (rows, cols) = if let [rows, cols] = *dims { (rows, cols) } else { (1, values.len()) };
        Ok(Matrix::new(rows, cols, values))
    }

    /// Heads of the rows of a projection whose rows are in interleaved order.
    fn interleaved(&self, name: &str) -> Option<usize> {
        if !self.unpermute {
            return None;
        }
        let is = |p: usize| name.contains(&format!(".{}.", PROJECTIONS[p].1));
        if is(0) { Some(self.heads.0) } else { is(1).then_some(self.heads.1) }
    }
}

/// Rows of each head from `0, half, 1, half+1, …` to `0, 1, …, half, half+1, …`.
fn half_split_rows<T: Copy>(data: &[T], heads: usize, rows: usize) -> Vec<T> {
    let width = data.len() / rows;
    let (dim, half) = (rows / heads, rows / heads / 2);
    let mut out = Vec::with_capacity(data.len());
    for row in 0..rows {
        let (head, i) = (row / dim, row % dim);
        let from = head * dim + if i < half { 2 * i } else { 2 * (i - half) + 1 };
        out.extend_from_slice(&data[from * width..(from + 1) * width]);
    }
    out
}

impl Weights for GgufWeights<'_> {
    fn weight(&mut self, name: &str, rows: usize, cols: usize) -> Result<Weight> {
        let heads = self.interleaved(name);
        let name = gguf_name(name);
        let mut m = self.read(&name, &[rows, cols])?;
        if let Some(heads) = heads {
            m.data = half_split_rows(&m.data, heads, rows);
        }
        let quantised = if self.dense { None } else { Q8::from_dense(&m) };
        Ok(quantised.map_or_else(|| Weight::Dense(m), |q| Weight::Quantised(Arc::new(q))))
    }

    fn vector(&mut self, name: &str, size: usize) -> Result<Option<Matrix>> {
        let heads = self.interleaved(name);
        let name = gguf_name(name);
        if !self.content.tensor_infos.contains_key(&name) {
            return Ok(None);
        }
        let mut m = self.read(&name, &[size])?;
        if let Some(heads) = heads {
            m.data = half_split_rows(&m.data, heads, size);
        }
        Ok(Some(m))
    }

    fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(&gguf_name(name))
    }
}

const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How text is cut before byte pairs are merged, by the name in `tokenizer.ggml.pre`.
fn pre_tokenizer(pre: &str) -> Result<PreTokenizerWrapper> {
    let wrong = |e: tokenizers::Error| LlmError::Tokenizer(e.to_string());
    let split = |pattern: &str| -> Result<PreTokenizerWrapper> {
        let split = Split::new(SplitPattern::Regex(pattern.into()), SplitDelimiterBehavior::Isolated, false);
        split.map(Into::into).map_err(wrong)
    };
    let bytes = |regex: bool| PreTokenizerWrapper::from(ByteLevel::new(false, true, regex));
    let digits = PreTokenizerWrapper::from(Digits::new(true));
    let parts = match pre {
        "gpt-2" | "gpt2" | "default" => vec![bytes(true)],
        "smollm" | "starcoder" | "refact" | "command-r" => vec![digits, bytes(true)],
        "qwen2" => vec![split(QWEN2)?, bytes(false)],
        "llama-bpe" | "llama3" | "smaug-bpe" => vec![split(LLAMA3)?, bytes(false)],
        "deepseek-coder" => vec![
            split(r"[\r\n]")?,
            split(r"\s?\p{L}+")?,
            split(r"\s?\p{P}+")?,
            split(r"[一-龥ࠀ-一가-퟿]+")?,
            digits,
            bytes(false),
        ],
        "deepseek-llm" => vec![
            split(r"[\r\n]")?,
            split(r"\s?\p{L}+")?,
            split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+")?,
            split(r"\s+$")?,
            split(r"[一-龥ࠀ-一가-퟿]+")?,
            digits,
            bytes(false),
        ],
        other => {
            let why = format!("`{other}` is not supported; use the model's folder with its tokenizer.json instead");
            return Err(Metadata::wrong("tokenizer.ggml.pre", why));
        }
    };
    Ok(Sequence::new(parts).into())
}

fn tokenizer(meta: &Metadata<'_>) -> Result<Text> {
    let kind = meta.text("tokenizer.ggml.model")?;
    if kind != "gpt2" {
        let why = format!("`{kind}` is not supported, only byte-level BPE (`gpt2`); use the model's folder instead");
        return Err(Metadata::wrong("tokenizer.ggml.model", why));
    }
    let strings = |key: &str| -> Result<Vec<&str>> {
        let list = meta.need(key)?.to_vec().map_err(|e| Metadata::wrong(key, e))?;
        list.iter().map(|v| v.to_string().map(String::as_str).map_err(|e| Metadata::wrong(key, e))).collect()
    };
    let tokens = strings("tokenizer.ggml.tokens")?;
    let mut merges = Vec::new();
    for merge in strings("tokenizer.ggml.merges")? {
        let pair = merge.split_once(' ');
        let (a, b) = pair.ok_or_else(|| Metadata::wrong("tokenizer.ggml.merges", format!("`{merge}` is no pair")))?;
        merges.push((a.to_owned(), b.to_owned()));
    }
    let pre = meta.text("tokenizer.ggml.pre").unwrap_or("default");
    let vocab: Vocab = tokens.iter().zip(0u32..).map(|(t, i)| ((*t).to_owned(), i)).collect();
    let wrong = |e: tokenizers::Error| LlmError::Tokenizer(e.to_string());
    if tokens.len() != vocab.len() {
        return Err(Metadata::wrong("tokenizer.ggml.tokens", "a token stands there twice"));
    }
    let bpe = BPE::builder().vocab_and_merges(vocab, merges).ignore_merges(pre.starts_with("llama"));
    let mut tokenizer = Tokenizer::new(bpe.build().map_err(wrong)?);
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer(pre)?));
    tokenizer.with_decoder(Some(ByteLevel::new(false, true, true)));
    if pre == "qwen2" {
        tokenizer.with_normalizer(Some(NFC)).map_err(wrong)?;
    }
    if let Some(Value::Array(types)) = meta.find("tokenizer.ggml.token_type") {
        // 3: control tokens, left out of decoded text; 4: tokens the makers added, part of the text.
        let of = |wanted: usize| -> Vec<AddedToken> {
            let chosen = tokens.iter().zip(types).filter(|(_, t)| whole(t) == Some(wanted));
            chosen.map(|(token, _)| AddedToken::from((*token).to_owned(), wanted == 3).normalized(false)).collect()
        };
        tokenizer.add_special_tokens(of(3)).map_err(wrong)?;
        tokenizer.add_tokens(of(4)).map_err(wrong)?;
    }
    let (bos, eos) = (meta.id("tokenizer.ggml.bos_token_id"), meta.id("tokenizer.ggml.eos_token_id"));
    let ends: Vec<u32> = eos.into_iter().chain(meta.id("tokenizer.ggml.eot_token_id")).collect();
    let add_bos = meta.find("tokenizer.ggml.add_bos_token").and_then(|v| v.to_bool().ok());
    let add_bos = add_bos.unwrap_or(pre.starts_with("llama") || pre.starts_with("deepseek"));
    let template = meta.find("tokenizer.chat_template").and_then(|v| v.to_string().ok()).cloned();
    Text::new(tokenizer, bos, &ends, add_bos, template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_file_format() {
        assert_eq!(gguf_name("model.layers.12.self_attn.o_proj.weight"), "blk.12.attn_output.weight");
        assert_eq!(gguf_name("model.layers.0.post_attention_layernorm.weight"), "blk.0.ffn_norm.weight");
        assert_eq!(gguf_name("model.layers.3.self_attn.q_proj.bias"), "blk.3.attn_q.bias");
        assert_eq!(gguf_name("lm_head.weight"), "output.weight");
    }

    #[test]
    fn rows_return_to_half_split_order() {
        // Two heads of four rows, interleaved as 0 2 1 3.
        let interleaved = [0, 2, 1, 3, 4, 6, 5, 7];
        assert_eq!(half_split_rows(&interleaved, 2, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
