//! Training a small model from nothing: tokenizer, weights, checkpoints, and a folder in Hugging Face's format.
//!
//! A document is a prompt and a completion; the loss counts the completion alone. Whole documents are packed into
//! batches of about `batch_tokens` tokens; none sees another one, and there is no padding. The order of documents,
//! the first weights and the schedule follow from the seed and the configuration, so a run that was interrupted and
//! resumed ends with the weights of one that was not (at the same number of threads).

use crate::adamw::{AdamW, Schedule, Update};
use crate::bpe;
use crate::config::{Architecture, DecoderConfig, RopeScaling};
use crate::decoder::{Batch, Decoder, Gradients, Key, Pass};
use crate::error::{LlmError, Result};
use crate::linear::Learn;
use crate::matrix::Matrix;
use crate::pool::Pool;
use crate::text::Text;
use crate::train::{Sequences, Step, held_out_loss, shuffled};
use crate::weights::{
    Named, Store, assemble, parse_safetensors, projection_name, projection_sizes, shape_of, write_atomically,
    write_safetensors,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokenizers::Tokenizer;

/// A document to learn from, used as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PretrainDoc {
    /// What comes before; may be empty. Not part of the loss.
    pub prompt: String,
    /// The text to learn.
    pub completion: String,
}

/// The recipe of a pretraining run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PretrainConfig {
    /// Tokens in the vocabulary, with the three special ones.
    pub vocab_size: usize,
    /// Width of the model.
    pub hidden: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key-value heads.
    pub kv_heads: usize,
    /// Width of the feed-forward part.
    pub ffn: usize,
    /// Longest sequence in tokens; longer documents are cut into several.
    pub context: usize,
    /// Passes over the documents.
    pub epochs: usize,
    /// Optimiser steps, when given instead of `epochs`.
    pub steps: Option<usize>,
    /// Tokens in a step, about.
    pub batch_tokens: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up.
    pub warmup_steps: usize,
    /// What follows the warm-up.
    pub schedule: Schedule,
    /// Decoupled weight decay of matrices.
    pub weight_decay: f64,
    /// Largest global norm of the gradient.
    pub clip: f64,
    /// Seed of weights and order.
    pub seed: u64,
    /// Stop after this time, with a checkpoint; the schedule stays that of all steps.
    pub max_seconds: Option<f64>,
    /// Steps between held-out evaluations and checkpoints.
    pub checkpoint_every: usize,
    /// Threads; 0: all cores.
    pub threads: usize,
}

impl Default for PretrainConfig {
    fn default() -> Self {
        Self {
            vocab_size: 2048,
            hidden: 192,
            layers: 6,
            heads: 6,
            kv_heads: 2,
            ffn: 512,
            context: 2048,
            epochs: 4,
            steps: None,
            batch_tokens: 4096,
            learning_rate: 3e-3,
            warmup_steps: 50,
            schedule: Schedule::Cosine,
            weight_decay: 0.1,
            clip: 1.0,
            seed: 1,
            max_seconds: None,
            checkpoint_every: 200,
            threads: 0,
        }
    }
}

/// What a pretraining run reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PretrainReport {
    /// Steps done, over all resumed parts.
    pub steps: usize,
    /// Steps of the whole run; more than `steps` when the time was up.
    pub of: usize,
    /// Mean loss a token of the last steps, in nats.
    pub train_loss: f64,
    /// Mean loss a token on the held-out documents, in nats.
    pub held_out_loss: Option<f64>,
    /// Weights in the model.
    pub parameters: usize,
    /// Tokens in the documents.
    pub corpus_tokens: usize,
    /// Tokens trained on in this part.
    pub tokens: usize,
    /// Time of this part.
    pub seconds: f64,
}

/// Trains a model and writes it to `out_dir`; goes on from the checkpoint there if it is of the same run.
///
/// `start`: the folder of a model of the same shape that an earlier run wrote; its tokenizer is kept and its weights
/// are where this run begins. None: from nothing.
///
/// # Errors
/// No documents, an impossible configuration, a start of another shape, a checkpoint of another run, a full disk;
/// [`LlmError::Cancelled`] when `each` breaks, after a checkpoint.
pub fn pretrain(
    docs: &[PretrainDoc],
    held_out: &[PretrainDoc],
    config: &PretrainConfig,
    start: Option<&Path>,
    out_dir: &Path,
    each: &mut dyn FnMut(Step) -> ControlFlow<()>,
) -> Result<PretrainReport> {
    if docs.is_empty() {
        return Err(LlmError::invalid("no documents to learn from"));
    }
    if config.batch_tokens == 0 || config.checkpoint_every == 0 || (config.epochs == 0 && config.steps.is_none()) {
        return Err(LlmError::invalid("batch_tokens, checkpoint_every and epochs must be at least 1"));
    }
    std::fs::create_dir_all(out_dir).map_err(LlmError::io(out_dir))?;
    let pool = Arc::new(Pool::new(config.threads)?);
    Run::open(docs, held_out, config, start, out_dir, pool)?.train(each)
}

struct Run<'a> {
    config: &'a PretrainConfig,
    out_dir: &'a Path,
    text: Text,
    sequences: Sequences,
    held_out: Sequences,
    decoder: Decoder,
    optimiser: AdamW,
    identity: String,
    done: usize,
}

const CHECKPOINT: &str = "checkpoint.safetensors";

impl<'a> Run<'a> {
    fn open(
        docs: &[PretrainDoc],
        held_out: &[PretrainDoc],
        config: &'a PretrainConfig,
        start: Option<&Path>,
        out_dir: &'a Path,
        pool: Arc<Pool>,
    ) -> Result<Self> {
        // What makes two runs the same: the recipe without its time limit, and the documents.
        let recipe = PretrainConfig { max_seconds: None, threads: pool.threads, ..config.clone() };
        let mut identity = serde_json::to_string(&recipe).map_err(|e| LlmError::invalid(e.to_string()))?;
        identity.push_str(&format!(" documents {:016x}", digest(parts(docs))));
        let (tokenizer, begun) = match start {
            Some(dir) => {
                let (tokenizer, weights, hash) = begin(dir)?;
                identity.push_str(&format!(" start {hash:016x}"));
                (tokenizer, Some(weights))
            }
            None => {
                let texts = docs.iter().flat_map(|d| [d.prompt.as_str(), d.completion.as_str()]);
                (bpe::train(texts, config.vocab_size)?, None)
            }
        };
        let vocab = tokenizer.get_vocab_size(true);
        let id = |t| tokenizer.token_to_id(t).ok_or_else(|| LlmError::Tokenizer(format!("no token {t}")));
        let (bos, eos) = (id(bpe::BOS)?, id(bpe::EOS)?);
        let text = Text::new(tokenizer, Some(bos), &[eos], true, None)?;
        let shape = DecoderConfig {
            architecture: Architecture::Llama,
            vocab,
            hidden: config.hidden,
            layers: config.layers,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.hidden.checked_div(config.heads).unwrap_or(0),
            ffn: config.ffn,
            context: config.context,
            rope_theta: 10_000.0,
            rope_scaling: RopeScaling::None,
            eps: 1e-5,
            tied: true,
        }
        .check()?;
        let cut = |docs: &[PretrainDoc]| -> Result<Sequences> {
            let all: Result<Vec<_>> =
                pool.run(|| docs.par_iter().map(|d| sequences(&text, d, eos, shape.context)).collect());
            Ok(all?.into_iter().flatten().collect())
        };
        let (train, held_out) = (cut(docs)?, cut(held_out)?);
        if train.is_empty() {
            return Err(LlmError::invalid("the documents hold no text to learn"));
        }
        let path = out_dir.join(CHECKPOINT);
        let mut named = None;
        if path.exists() {
            let bytes = std::fs::read(&path).map_err(LlmError::io(&path))?;
            let (tensors, metadata) = parse_safetensors(&path.display().to_string(), &bytes)?;
            if metadata.get("identity") != Some(&identity) {
                let why = "this checkpoint is of a run with another recipe or other documents; \
                           choose another output folder or remove it";
                return Err(LlmError::format(path.display().to_string(), why));
            }
            let step = metadata.get("step").and_then(|s| s.parse().ok());
            named = Some((tensors, step.ok_or_else(|| LlmError::format(CHECKPOINT, "it has no step number"))?));
        }
        let (mut weights, done) = named.unwrap_or_else(|| {
            let first = begun.unwrap_or_else(|| initial(&shape, config.seed));
            (first, 0usize)
        });
        let mut decoder = assemble(shape, &mut weights, pool)?;
        let mut optimiser = AdamW { step: done as u64, ..AdamW::default() };
        if done > 0 {
            decoder.visit(Learn::Everything, &mut |key, _| {
                let mut take = |what: &str| weights.remove(&format!("{what}.{}", name(key))).map(|m| m.data);
                if let (Some(m), Some(v)) = (take("first"), take("second")) {
                    optimiser.moments.insert(key, (m, v));
                }
            });
        }
        Ok(Self { config, out_dir, text, sequences: train, held_out, decoder, optimiser, identity, done })
    }

    /// Which sequences each step takes.
    fn plan(&self) -> Vec<Vec<usize>> {
        let wanted = self.config.steps.unwrap_or(usize::MAX);
        let epochs = if self.config.steps.is_some() { usize::MAX } else { self.config.epochs };
        let mut plan: Vec<Vec<usize>> = Vec::new();
        for epoch in 0..epochs {
            let mut tokens = usize::MAX;
            for i in shuffled(self.sequences.len(), self.config.seed, epoch as u64) {
                let size = self.sequences[i].0.len();
                if tokens.saturating_add(size) > self.config.batch_tokens {
                    if plan.len() == wanted {
                        return plan;
                    }
                    plan.push(Vec::new());
                    tokens = 0;
                }
                tokens += size;
                if let Some(step) = plan.last_mut() {
                    step.push(i);
                }
            }
        }
        plan
    }

    fn train(mut self, each: &mut dyn FnMut(Step) -> ControlFlow<()>) -> Result<PretrainReport> {
        let started = Instant::now();
        let plan = self.plan();
        let (mut tokens, mut recent) = (0, Vec::new());
        let mut held_out = None;
        while self.done < plan.len() {
            let mut batch = Batch::default();
            for &i in &plan[self.done] {
                let (ids, first) = &self.sequences[i];
                batch.push(ids, *first);
            }
            let learning_rate = self.config.schedule.learning_rate(
                self.config.learning_rate,
                self.done,
                self.config.warmup_steps,
                plan.len(),
            );
            let targets = batch.targets.len().max(1) as f64;
            let scale = (1.0 / targets) as f32;
            let pass = Pass { learn: Learn::Everything, scale, dropout: None, checkpoint: false };
            let mut gradients = Gradients::new();
            let loss = self.decoder.loss(&batch, Some((pass, &mut gradients)))? / targets;
            let update =
                Update { learning_rate, weight_decay: self.config.weight_decay, clip: self.config.clip, beta2: 0.95 };
            let norm = self.optimiser.update(&mut self.decoder, Learn::Everything, &gradients, update)?;
            self.done += 1;
            if !loss.is_finite() || !norm.is_finite() {
                return Err(LlmError::Diverged { step: self.done, loss, learning_rate });
            }
            tokens += batch.tokens.len();
            recent.push(loss);
            let last = self.done == plan.len();
            let late = self.config.max_seconds.is_some_and(|most| started.elapsed().as_secs_f64() >= most);
            let mut evaluated = None;
            if last || late || self.done.is_multiple_of(self.config.checkpoint_every) {
                self.save_checkpoint()?;
                evaluated = held_out_loss(&self.decoder, &self.held_out, self.config.batch_tokens)?;
                held_out = evaluated.or(held_out);
            }
            let seconds = started.elapsed().as_secs_f64();
            let step = Step {
                step: self.done,
                of: plan.len(),
                loss,
                held_out_loss: evaluated,
                learning_rate,
                gradient_norm: norm,
                seconds,
                tokens,
            };
            if each(step).is_break() {
                self.save_checkpoint()?;
                return Err(LlmError::Cancelled);
            }
            if late {
                break;
            }
        }
        if held_out.is_none() {
            held_out = held_out_loss(&self.decoder, &self.held_out, self.config.batch_tokens)?;
        }
        self.save_model()?;
        let tail = &recent[recent.len().saturating_sub(20)..];
        Ok(PretrainReport {
            steps: self.done,
            of: plan.len(),
            train_loss: tail.iter().sum::<f64>() / tail.len().max(1) as f64,
            held_out_loss: held_out,
            parameters: self.decoder.parameters(),
            corpus_tokens: self.sequences.iter().map(|s| s.0.len()).sum(),
            tokens,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn save_checkpoint(&mut self) -> Result<()> {
        let mut tensors: Vec<(String, Matrix)> = Vec::new();
        self.decoder.visit(Learn::Everything, &mut |key, m| tensors.push((name(key), m.clone())));
        for (key, (first, second)) in &self.optimiser.moments {
            tensors.push((format!("first.{}", name(*key)), Matrix::new(1, first.len(), first.clone())));
            tensors.push((format!("second.{}", name(*key)), Matrix::new(1, second.len(), second.clone())));
        }
        let metadata = [("identity", self.identity.clone()), ("step", self.done.to_string())];
        let views = tensors.iter().map(|(n, m)| (n.clone(), m.data.as_slice(), shape_of(m)));
        write_safetensors(&self.out_dir.join(CHECKPOINT), views, Store::F32, &metadata)
    }

    fn save_model(&mut self) -> Result<()> {
        let mut tensors: Vec<(String, Matrix)> = Vec::new();
        self.decoder.visit(Learn::Everything, &mut |key, m| tensors.push((name(key), m.clone())));
        let views = tensors.iter().map(|(n, m)| (n.clone(), m.data.as_slice(), shape_of(m)));
        write_safetensors(&self.out_dir.join("model.safetensors"), views, Store::F16, &[("format", "pt".into())])?;
        let id = |t| self.text.tokenizer.token_to_id(t).unwrap_or_default();
        let config = self.decoder.config.to_json(id(bpe::BOS), id(bpe::EOS), id(bpe::PAD));
        let tokenizer = self.text.tokenizer.to_string(false).map_err(|e| LlmError::Tokenizer(e.to_string()))?;
        let about = serde_json::json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": bpe::BOS,
            "eos_token": bpe::EOS,
            "pad_token": bpe::PAD,
            "add_bos_token": true,
            "model_max_length": self.decoder.config.context,
        });
        write_atomically(&self.out_dir.join("config.json"), format!("{config:#}\n").as_bytes())?;
        write_atomically(&self.out_dir.join("tokenizer.json"), tokenizer.as_bytes())?;
        write_atomically(&self.out_dir.join("tokenizer_config.json"), format!("{about:#}\n").as_bytes())
    }
}

/// Hugging Face's name of a parameter.
fn name(key: Key) -> String {
    match key {
        Key::Embedding => "model.embed_tokens.weight".into(),
        Key::Head => "lm_head.weight".into(),
        Key::FinalNorm => "model.norm.weight".into(),
        Key::AttentionNorm(l) => format!("model.layers.{l}.input_layernorm.weight"),
        Key::FeedForwardNorm(l) => format!("model.layers.{l}.post_attention_layernorm.weight"),
        Key::Weight(l, p) => format!("{}.weight", projection_name(l, p)),
        Key::Bias(l, p) => format!("{}.bias", projection_name(l, p)),
        Key::LoraA(l, p) => format!("{}.lora_A.weight", projection_name(l, p)),
        Key::LoraB(l, p) => format!("{}.lora_B.weight", projection_name(l, p)),
    }
}

fn parts(docs: &[PretrainDoc]) -> impl Iterator<Item = &[u8]> {
    docs.iter().flat_map(|d| [d.prompt.as_bytes(), d.completion.as_bytes()])
}

/// Tokenizer and weights of a model folder, and a digest of both.
fn begin(dir: &Path) -> Result<(Tokenizer, Named, u64)> {
    let read = |name: &str| {
        let path = dir.join(name);
        std::fs::read(&path).map_err(LlmError::io(&path))
    };
    let (tokenizer, weights) = (read("tokenizer.json")?, read("model.safetensors")?);
    let hash = digest([tokenizer.as_slice(), weights.as_slice()].into_iter());
    let tokenizer = Tokenizer::from_bytes(&tokenizer).map_err(|e| LlmError::format("tokenizer.json", e))?;
    let (named, _) = parse_safetensors(&dir.join("model.safetensors").display().to_string(), &weights)?;
    Ok((tokenizer, named, hash))
}

/// A document as one or more sequences of at most `context` tokens.
fn sequences(text: &Text, doc: &PretrainDoc, eos: u32, context: usize) -> Result<Sequences> {
    let mut ids = text.encode_prompt(&doc.prompt, "")?;
    let first = ids.len();
    ids.extend(text.encode(&doc.completion)?);
    ids.push(eos);
    let mut out = Vec::new();
    let mut start = 0;
    loop {
        let end = ids.len().min(start + context);
        // A later piece begins with the last token of the one before, which is not a target again.
        out.push((ids[start..end].to_vec(), first.saturating_sub(start).max(1)));
        if end == ids.len() || context < 2 {
            break;
        }
        start = end - 1;
    }
    out.retain(|(ids, first)| *first < ids.len());
    Ok(out)
}

/// A normal number of mean 0 and variance 1, by Box and Muller.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let unit = |v: u64| ((v >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let (a, b) = (unit(rng.next_u64()), unit(rng.next_u64()));
    ((-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()) as f32
}

/// First weights: normal with deviation 0.02, those that write to the residual stream smaller by √(2 · layers).
pub(crate) fn initial(config: &DecoderConfig, seed: u64) -> Named {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = |rows: usize, cols: usize, deviation: f32| {
        Matrix::new(rows, cols, (0..rows * cols).map(|_| normal(&mut rng) * deviation).collect())
    };
    let ones = || Matrix::new(1, config.hidden, vec![1.0; config.hidden]);
    let mut named = Named::new();
    named.insert(name(Key::Embedding), draw(config.vocab, config.hidden, 0.02));
    if !config.tied {
        named.insert(name(Key::Head), draw(config.vocab, config.hidden, 0.02));
    }
    named.insert(name(Key::FinalNorm), ones());
    for layer in 0..config.layers {
        named.insert(name(Key::AttentionNorm(layer)), ones());
        named.insert(name(Key::FeedForwardNorm(layer)), ones());
        for (p, (out, input)) in projection_sizes(config).into_iter().enumerate() {
            let residual = p == 3 || p == 6;
            let deviation = if residual { 0.02 / (2.0 * config.layers as f32).sqrt() } else { 0.02 };
            named.insert(name(Key::Weight(layer, p)), draw(out, input, deviation));
        }
    }
    named
}

/// FNV-1a over the documents: tells one corpus from another, not meant against an adversary.
fn digest<'a>(parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for byte in part.iter().chain(&(part.len() as u64).to_le_bytes()) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}
