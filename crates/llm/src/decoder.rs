//! The decoder: one set of weights, used both to generate and to train.
//!
//! Pre-normalisation blocks of grouped-query attention with rotary positions and a SiLU-gated feed-forward, as in
//! llama and qwen2. Weights are held in the half-split rotary layout of Hugging Face, whatever file they came from,
//! so an adapter means the same for every source of a model.
//!
//! The backward pass is written out, operation by operation, instead of being recorded: nothing can be cut out of a
//! graph silently, frozen weights cost no gradient, and a block can be computed again instead of kept
//! (checkpointing). Finite differences check every kind of parameter in the tests.

use crate::attention::{self, Attended, LayerCache, Segment, attend_one};
use crate::config::DecoderConfig;
use crate::error::{LlmError, Result};
use crate::kernels::{self, Rope};
use crate::linear::{Dropout, Learn, Linear, LinearGradients, Weight};
use crate::matrix::{Matrix, add_product, multiply};
use crate::pool::Pool;
use crate::simd::SHARING;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The seven projections of a block, in the order of [`Block::linears`].
pub(crate) const PROJECTIONS: [(&str, &str); 7] = [
    ("self_attn", "q_proj"),
    ("self_attn", "k_proj"),
    ("self_attn", "v_proj"),
    ("self_attn", "o_proj"),
    ("mlp", "gate_proj"),
    ("mlp", "up_proj"),
    ("mlp", "down_proj"),
];
const Q: usize = 0;
const K: usize = 1;
const V: usize = 2;
const O: usize = 3;
const GATE: usize = 4;
const UP: usize = 5;
const DOWN: usize = 6;

/// Weights of a model that a processor's cache holds: every thread may read all of them for its own rows.
const CACHED: usize = 8_000_000;

/// Rows whose logits are held at a time when a loss is computed.
const LOGIT_ROWS: usize = 512;

/// A parameter that can learn. The order is the order in which optimisers walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Embedding,
    Head,
    FinalNorm,
    AttentionNorm(usize),
    FeedForwardNorm(usize),
    Weight(usize, usize),
    Bias(usize, usize),
    LoraA(usize, usize),
    LoraB(usize, usize),
}

/// Gradients by parameter.
pub(crate) type Gradients = BTreeMap<Key, Matrix>;

fn accumulate(gradients: &mut Gradients, key: Key, gradient: Matrix) {
    match gradients.get_mut(&key) {
        Some(sum) => kernels::add_matrix(sum, &gradient),
        None => {
            gradients.insert(key, gradient);
        }
    }
}

/// One block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) attention_norm: Matrix,
    pub(crate) feed_forward_norm: Matrix,
    pub(crate) linears: [Linear; 7],
}

/// The whole decoder.
#[derive(Debug, Clone)]
pub(crate) struct Decoder {
    pub(crate) config: DecoderConfig,
    pub(crate) embedding: Weight,
    /// None when the head is the embedding.
    pub(crate) head: Option<Weight>,
    pub(crate) final_norm: Matrix,
    pub(crate) blocks: Vec<Block>,
    pub(crate) rope: Arc<Rope>,
    pub(crate) pool: Arc<Pool>,
}

/// Sequences laid one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    pub(crate) tokens: Vec<u32>,
    pub(crate) positions: Vec<u32>,
    pub(crate) segments: Vec<Segment>,
    /// Row and the token that should follow it, in order of rows.
    pub(crate) targets: Vec<(usize, u32)>,
}

impl Batch {
    /// Adds a sequence; the tokens from index `first_target` on are to be predicted.
    pub(crate) fn push(&mut self, tokens: &[u32], first_target: usize) {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.positions.extend(0..tokens.len() as u32);
        self.segments.push(Segment { start, len: tokens.len() });
        self.targets.extend((first_target.max(1)..tokens.len()).map(|i| (start + i - 1, tokens[i])));
    }
}

/// How a gradient is computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass {
    pub(crate) learn: Learn,
    /// Factor on the summed loss: 1 / number of targets of the optimiser step.
    pub(crate) scale: f32,
    pub(crate) dropout: Option<Dropout>,
    /// Compute each block's forward pass again in the backward pass instead of keeping it.
    pub(crate) checkpoint: bool,
}

/// What the backward pass of a block needs.
struct Kept {
    n1: Matrix,
    inv1: Vec<f32>,
    q: Matrix,
    k: Matrix,
    v: Matrix,
    attended: Attended,
    x2: Matrix,
    n2: Matrix,
    inv2: Vec<f32>,
    gate: Matrix,
    up: Matrix,
    z: [Option<Matrix>; 7],
}

/// The cache of a prompt, shared by all its continuations.
#[derive(Debug, Default)]
pub(crate) struct PromptCache {
    layers: Vec<LayerCache>,
    pub(crate) length: usize,
}

/// A sequence being generated: its prompt's cache and its own, allocated once.
pub(crate) struct Sequence {
    prompt: Arc<PromptCache>,
    own: Vec<LayerCache>,
    length: usize,
    /// Numbers a position has in a layer's keys.
    width: usize,
}

impl Sequence {
    pub(crate) fn new(prompt: Arc<PromptCache>, new_tokens: usize, config: &DecoderConfig) -> Self {
        let width = config.kv_heads * config.head_dim;
        let own = (0..config.layers).map(|_| LayerCache::with_capacity(new_tokens, width)).collect();
        let length = prompt.length;
        Self { prompt, own, length, width }
    }

    /// Forgets all but the first `kept` tokens after the prompt.
    pub(crate) fn truncate(&mut self, kept: usize) {
        for layer in &mut self.own {
            layer.truncate(kept, self.width);
        }
        self.length = self.prompt.length + kept;
    }
}

impl Decoder {
    pub(crate) fn parameters(&self) -> usize {
        let size = |w: &Weight| w.dims().0 * w.dims().1;
        let block = |b: &Block| {
            let linears: usize =
                b.linears.iter().map(|l| size(&l.weight) + l.bias.as_ref().map_or(0, |m| m.data.len())).sum();
            linears + b.attention_norm.data.len() + b.feed_forward_norm.data.len()
        };
        size(&self.embedding)
            + self.head.as_ref().map_or(0, size)
            + self.final_norm.data.len()
            + self.blocks.iter().map(block).sum::<usize>()
    }

    fn embed(&self, tokens: &[u32]) -> Result<Matrix> {
        let vocab = self.config.vocab;
        if let Some(&bad) = tokens.iter().find(|&&t| t as usize >= vocab) {
            return Err(LlmError::invalid(format!("token {bad} is outside the model's vocabulary of {vocab}")));
        }
        match &self.embedding {
            Weight::Dense(table) => {
                let mut x = Matrix::zeros(tokens.len(), table.cols);
                for (i, &t) in tokens.iter().enumerate() {
                    x.row_mut(i).copy_from_slice(table.row(t as usize));
                }
                Ok(x)
            }
            Weight::Quantised(q) => Ok(q.gather(tokens)),
            Weight::Packed(p) => {
                let mut x = Matrix::zeros(tokens.len(), p.cols);
                tokens.iter().enumerate().for_each(|(i, &t)| p.copy_row(t as usize, x.row_mut(i)));
                Ok(x)
            }
        }
    }

    fn check_positions(&self, length: usize) -> Result<()> {
        if length > self.config.context {
            return Err(LlmError::invalid(format!(
                "{length} tokens are more than the model's context of {}; shorten the prompt or the answer",
                self.config.context
            )));
        }
        Ok(())
    }

    fn dropout(pass: Option<Pass>, layer: usize, projection: usize) -> Option<Dropout> {
        let d = pass?.dropout.filter(|d| d.p > 0.0)?;
        Some(Dropout {
            p: d.p,
            seed: d.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((layer * 7 + projection) as u64 + 1),
        })
    }

    /// One block on whole sequences. Returns its output and what the backward pass needs.
    fn block(&self, i: usize, x: &Matrix, batch: &Batch, pass: Option<Pass>) -> Result<(Matrix, Kept)> {
        let block = &self.blocks[i];
        let threads = self.pool.threads;
        let mut z: [Option<Matrix>; 7] = Default::default();
        let mut apply = |p: usize, x: &Matrix| -> Result<Matrix> {
            let (y, low) = block.linears[p].forward(x, Self::dropout(pass, i, p), threads);
            z[p] = low;
            Ok(y)
        };
        let (n1, inv1) = kernels::rms_norm(x, &block.attention_norm.data, self.config.eps);
        let mut q = apply(Q, &n1)?;
        let mut k = apply(K, &n1)?;
        let v = apply(V, &n1)?;
        self.rope.apply(&mut q, &batch.positions, false);
        self.rope.apply(&mut k, &batch.positions, false);
        let attended = attention::forward(&q, &k, &v, &batch.segments, self.config.attention_heads());
        let mut x2 = apply(O, &attended.out)?;
        kernels::add_matrix(&mut x2, x);
        let (n2, inv2) = kernels::rms_norm(&x2, &block.feed_forward_norm.data, self.config.eps);
        let gate = apply(GATE, &n2)?;
        let up = apply(UP, &n2)?;
        let mut y = apply(DOWN, &kernels::silu_mul(&gate, &up))?;
        kernels::add_matrix(&mut y, &x2);
        Ok((y, Kept { n1, inv1, q, k, v, attended, x2, n2, inv2, gate, up, z }))
    }

    /// Turns the gradient of a block's output into that of its input.
    fn block_backward(
        &self,
        i: usize,
        dy: Matrix,
        (x, kept): (&Matrix, Kept),
        batch: &Batch,
        pass: Pass,
        gradients: &mut Gradients,
    ) -> Result<Matrix> {
        let block = &self.blocks[i];
        let full = pass.learn == Learn::Everything;
        let mut back = |p: usize, dx: &mut Matrix, dy: &Matrix, x: &Matrix| -> Result<()> {
            let how = (pass.learn, Self::dropout(Some(pass), i, p));
            let LinearGradients { weight, bias, lora } =
                block.linears[p].backward(dx, dy, (x, kept.z[p].as_ref()), how, self.pool.threads);
            if let Some(g) = weight {
                accumulate(gradients, Key::Weight(i, p), g);
            }
            if let Some(g) = bias {
                accumulate(gradients, Key::Bias(i, p), g);
            }
            if let Some((a, b)) = lora {
                accumulate(gradients, Key::LoraA(i, p), a);
                accumulate(gradients, Key::LoraB(i, p), b);
            }
            Ok(())
        };
        let mut dact = Matrix::zeros(kept.gate.rows, kept.gate.cols);
        back(DOWN, &mut dact, &dy, &kernels::silu_mul(&kept.gate, &kept.up))?;
        let (dgate, dup) = kernels::silu_mul_backward(dact, &kept.gate, &kept.up);
        let mut dn2 = Matrix::zeros(kept.n2.rows, kept.n2.cols);
        back(GATE, &mut dn2, &dgate, &kept.n2)?;
        back(UP, &mut dn2, &dup, &kept.n2)?;
        let mut dx2 = dy;
        let norm2 = &block.feed_forward_norm.data;
        let dw2 = kernels::rms_norm_backward(&mut dx2, &dn2, &kept.x2, norm2, &kept.inv2, full);
        let mut dmixed = Matrix::zeros(kept.q.rows, kept.q.cols);
        back(O, &mut dmixed, &dx2, &kept.attended.out)?;
        let inputs = (&kept.q, &kept.k, &kept.v);
        let (mut dq, mut dk, dv) =
            attention::backward(&dmixed, &kept.attended, inputs, &batch.segments, self.config.attention_heads());
        self.rope.apply(&mut dq, &batch.positions, true);
        self.rope.apply(&mut dk, &batch.positions, true);
        let mut dn1 = Matrix::zeros(x.rows, x.cols);
        back(Q, &mut dn1, &dq, &kept.n1)?;
        back(K, &mut dn1, &dk, &kept.n1)?;
        back(V, &mut dn1, &dv, &kept.n1)?;
        let mut dx = dx2;
        let norm1 = &block.attention_norm.data;
        let dw1 = kernels::rms_norm_backward(&mut dx, &dn1, x, norm1, &kept.inv1, full);
        for (key, dw) in [(Key::AttentionNorm(i), dw1), (Key::FeedForwardNorm(i), dw2)] {
            if let Some(dw) = dw {
                accumulate(gradients, key, dw);
            }
        }
        Ok(dx)
    }

    fn head(&self) -> &Weight {
        self.head.as_ref().unwrap_or(&self.embedding)
    }

    /// The summed cross-entropy of the batch's targets; with `pass`, adds the gradients of `pass.scale` times it.
    pub(crate) fn loss(&self, batch: &Batch, pass: Option<(Pass, &mut Gradients)>) -> Result<f64> {
        self.pool.run(|| self.loss_here(batch, pass))
    }

    fn loss_here(&self, batch: &Batch, pass: Option<(Pass, &mut Gradients)>) -> Result<f64> {
        self.check_positions(batch.segments.iter().map(|s| s.len).max().unwrap_or(0))?;
        let mut x = self.embed(&batch.tokens)?;
        let Some((pass, gradients)) = pass else {
            for i in 0..self.blocks.len() {
                x = self.block(i, &x, batch, None)?.0;
            }
            return Ok(self.head_loss(&x, batch, None)?.0);
        };
        let mut inputs = Vec::with_capacity(self.blocks.len());
        for i in 0..self.blocks.len() {
            let (y, kept) = self.block(i, &x, batch, Some(pass))?;
            inputs.push((std::mem::replace(&mut x, y), (!pass.checkpoint).then_some(kept)));
        }
        let (loss, mut dx) = self.head_loss(&x, batch, Some((pass, gradients)))?;
        for (i, (x, kept)) in inputs.into_iter().enumerate().rev() {
            let kept = match kept {
                Some(kept) => kept,
                None => self.block(i, &x, batch, Some(pass))?.1,
            };
            dx = self.block_backward(i, dx, (&x, kept), batch, pass, gradients)?;
        }
        if pass.learn == Learn::Everything {
            let (rows, cols) = self.embedding.dims();
            let table = gradients.entry(Key::Embedding).or_insert_with(|| Matrix::zeros(rows, cols));
            for (i, &t) in batch.tokens.iter().enumerate() {
                kernels::add(table.row_mut(t as usize), dx.row(i));
            }
        }
        Ok(loss)
    }

    /// Loss over the target rows and the gradient of the last block's output (empty without `pass`).
    fn head_loss(&self, x: &Matrix, batch: &Batch, pass: Option<(Pass, &mut Gradients)>) -> Result<(f64, Matrix)> {
        let threads = self.pool.threads;
        let mut rows = Matrix::zeros(batch.targets.len(), x.cols);
        for (i, &(row, _)) in batch.targets.iter().enumerate() {
            rows.row_mut(i).copy_from_slice(x.row(row));
        }
        let targets: Vec<u32> = batch.targets.iter().map(|t| t.1).collect();
        let (normed, inverse) = kernels::rms_norm(&rows, &self.final_norm.data, self.config.eps);
        let scale = pass.as_ref().map(|(p, _)| p.scale);
        let full = pass.as_ref().is_some_and(|(p, _)| p.learn == Learn::Everything);
        Ok(self.head().with_dense(|head| {
            let mut loss = 0.0;
            let mut dnormed = Matrix::zeros(normed.rows, normed.cols);
            let mut dhead = if full { Matrix::zeros(head.rows, head.cols) } else { Matrix::default() };
            for first in (0..targets.len()).step_by(LOGIT_ROWS) {
                let count = LOGIT_ROWS.min(targets.len() - first);
                let mut part = normed.view();
                (part.offset, part.rows) = (first * normed.cols, count);
                let mut logits = multiply(part, head.t(), threads);
                loss += kernels::cross_entropy(&mut logits, &targets[first..first + count], scale);
                if scale.is_some() {
                    let dpart = multiply(logits.view(), head.view(), threads);
                    dnormed.data[first * normed.cols..(first + count) * normed.cols].copy_from_slice(&dpart.data);
                }
                if full {
                    add_product(&mut dhead, logits.t(), part, 1.0, true, threads);
                }
            }
            let Some((_, gradients)) = pass else { return (loss, Matrix::default()) };
            let mut drows = Matrix::zeros(rows.rows, rows.cols);
            let dw = kernels::rms_norm_backward(&mut drows, &dnormed, &rows, &self.final_norm.data, &inverse, full);
            if let Some(dw) = dw {
                accumulate(gradients, Key::FinalNorm, dw);
                let key = if self.head.is_some() { Key::Head } else { Key::Embedding };
                accumulate(gradients, key, dhead);
            }
            let mut dx = Matrix::zeros(x.rows, x.cols);
            for (i, &(row, _)) in batch.targets.iter().enumerate() {
                dx.row_mut(row).copy_from_slice(drows.row(i));
            }
            (loss, dx)
        }))
    }

    /// Runs a prompt; returns its cache and the logits of what follows it.
    pub(crate) fn prefill(&self, tokens: &[u32]) -> Result<(PromptCache, Vec<f32>)> {
        self.pool.run(|| self.prefill_here(tokens))
    }

    fn prefill_here(&self, tokens: &[u32]) -> Result<(PromptCache, Vec<f32>)> {
        self.check_positions(tokens.len())?;
        if tokens.is_empty() {
            return Err(LlmError::invalid("the prompt is empty; give at least one token"));
        }
        let mut batch = Batch::default();
        batch.push(tokens, tokens.len());
        let mut x = self.embed(tokens)?;
        let mut layers = Vec::with_capacity(self.blocks.len());
        for i in 0..self.blocks.len() {
            let (y, kept) = self.block(i, &x, &batch, None)?;
            let mut layer = LayerCache::with_capacity(tokens.len(), kept.k.cols);
            (0..tokens.len()).for_each(|r| layer.push(kept.k.row(r), kept.v.row(r)));
            layers.push(layer);
            x = y;
        }
        let last = Matrix::new(1, x.cols, x.row(x.rows - 1).to_vec());
        let logits = self.logits(&last);
        Ok((PromptCache { layers, length: tokens.len() }, logits.data))
    }

    fn logits(&self, x: &Matrix) -> Matrix {
        let (normed, _) = kernels::rms_norm(x, &self.final_norm.data, self.config.eps);
        self.head().few_rows(&normed)
    }

    /// The same decoder for [`Decoder::step`], where its weights are few enough that a second copy of them is nothing; adapters are
    /// added to the weights.
    pub(crate) fn packed(&self) -> Option<Decoder> {
        if self.parameters() > CACHED {
            return None;
        }
        let blocks = self.blocks.iter().map(|b| Block {
            attention_norm: b.attention_norm.clone(),
            feed_forward_norm: b.feed_forward_norm.clone(),
            linears: b.linears.each_ref().map(Linear::packed),
        });
        Some(Decoder {
            config: self.config.clone(),
            embedding: self.embedding.packed(),
            head: self.head.as_ref().map(Weight::packed),
            final_norm: self.final_norm.clone(),
            blocks: blocks.collect(),
            rope: self.rope.clone(),
            pool: self.pool.clone(),
        })
    }

    /// Appends one token to each sequence; returns the logits of what follows, one row for each.
    pub(crate) fn step(&self, sequences: &mut [&mut Sequence], tokens: &[u32]) -> Result<Matrix> {
        let group = sequences.len().div_ceil(self.pool.threads).next_multiple_of(SHARING);
        if group >= sequences.len() || self.parameters() > CACHED {
            return self.pool.run(|| self.step_here(sequences, tokens));
        }
        // Rows do not depend on each other: a thread that takes some of them all the way need not wait for the others.
        let groups = sequences.par_chunks_mut(group).zip(tokens.par_chunks(group));
        let parts: Vec<Matrix> =
            self.pool.run(|| groups.map(|(s, t)| self.step_here(s, t)).collect::<Result<Vec<Matrix>>>())?;
        let cols = parts.first().map_or(0, |p| p.cols);
        let data = parts.into_iter().flat_map(|p| p.data).collect();
        Ok(Matrix::new(tokens.len(), cols, data))
    }

    fn step_here(&self, sequences: &mut [&mut Sequence], tokens: &[u32]) -> Result<Matrix> {
        let heads = self.config.attention_heads();
        let positions: Vec<u32> = sequences.iter().map(|s| s.length as u32).collect();
        self.check_positions(positions.iter().map(|&p| p as usize + 1).max().unwrap_or(0))?;
        let mut x = self.embed(tokens)?;
        for (i, block) in self.blocks.iter().enumerate() {
            let linears = &block.linears;
            let (n1, _) = kernels::rms_norm(&x, &block.attention_norm.data, self.config.eps);
            let mut q = linears[Q].decode(&n1);
            let mut k = linears[K].decode(&n1);
            let v = linears[V].decode(&n1);
            self.rope.apply(&mut q, &positions, false);
            self.rope.apply(&mut k, &positions, false);
            let mut mixed = Matrix::zeros(q.rows, q.cols);
            let width = q.cols;
            let rows = sequences.par_iter_mut().zip(mixed.data.par_chunks_mut(width)).enumerate();
            rows.for_each(|(r, (sequence, out))| {
                let own = &mut sequence.own[i];
                own.push(k.row(r), v.row(r));
                attend_one(out, q.row(r), &[&sequence.prompt.layers[i], own], heads);
            });
            kernels::add_matrix(&mut x, &linears[O].decode(&mixed));
            let (n2, _) = kernels::rms_norm(&x, &block.feed_forward_norm.data, self.config.eps);
            let act = kernels::silu_mul(&linears[GATE].decode(&n2), &linears[UP].decode(&n2));
            kernels::add_matrix(&mut x, &linears[DOWN].decode(&act));
        }
        sequences.iter_mut().for_each(|s| s.length += 1);
        Ok(self.logits(&x))
    }

    /// Calls `f` on every parameter that learns, in the order of [`Key`].
    pub(crate) fn visit(&mut self, learn: Learn, f: &mut dyn FnMut(Key, &mut Matrix)) {
        let mut parameters: BTreeMap<Key, &mut Matrix> = BTreeMap::new();
        let full = learn == Learn::Everything;
        if full {
            if let Weight::Dense(w) = &mut self.embedding {
                parameters.insert(Key::Embedding, w);
            }
            if let Some(Weight::Dense(w)) = &mut self.head {
                parameters.insert(Key::Head, w);
            }
            parameters.insert(Key::FinalNorm, &mut self.final_norm);
        }
        for (i, block) in self.blocks.iter_mut().enumerate() {
            if full {
                parameters.insert(Key::AttentionNorm(i), &mut block.attention_norm);
                parameters.insert(Key::FeedForwardNorm(i), &mut block.feed_forward_norm);
            }
            for (p, linear) in block.linears.iter_mut().enumerate() {
                match (&mut linear.weight, &mut linear.bias) {
                    (Weight::Dense(w), bias) if full => {
                        parameters.insert(Key::Weight(i, p), w);
                        if let Some(b) = bias {
                            parameters.insert(Key::Bias(i, p), b);
                        }
                    }
                    _ => {}
                }
                if let (Learn::Adapter, Some(lora)) = (learn, &mut linear.lora) {
                    parameters.insert(Key::LoraA(i, p), &mut lora.a);
                    parameters.insert(Key::LoraB(i, p), &mut lora.b);
                }
            }
        }
        for (key, parameter) in parameters {
            f(key, parameter);
        }
    }
}

#[cfg(test)]
mod tests;
