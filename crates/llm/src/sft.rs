//! Supervised fine-tuning of an adapter on pairs of prompt and completion; the loss counts the completion alone.

use crate::adamw::{AdamW, Schedule, Update};
use crate::adapter::LoraConfig;
use crate::decoder::{Batch, Decoder, Gradients, Key, Pass};
use crate::error::{LlmError, Result};
use crate::linear::{Dropout, Learn};
use crate::matrix::Matrix;
use crate::text::Text;
use crate::train::{Sequences, Step, held_out_loss, shuffled};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::time::Instant;

/// An example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The whole prompt, as [`crate::Model::render_prompt`] gives it.
    pub prompt: String,
    /// The wanted answer.
    pub completion: String,
}

/// The recipe of a fine-tuning run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SftConfig {
    /// The adapter, when the model has none yet; a loaded one keeps its size.
    pub lora: LoraConfig,
    /// Passes over the pairs.
    pub epochs: usize,
    /// Pairs in an optimiser step.
    pub batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up.
    pub warmup_steps: usize,
    /// What follows the warm-up.
    pub schedule: Schedule,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest global norm of the gradient.
    pub clip: f64,
    /// Stop after so many passes in which the loss on the held-out pairs did not fall below its lowest, and go back to the weights
    /// that had that one. 0: make all passes and keep what the last one leaves.
    pub patience: usize,
    /// Pairs longer than this are cut at their end.
    pub max_tokens: usize,
    /// Seed of the order, of dropout and of a new adapter.
    pub seed: u64,
    /// Compute activations twice instead of keeping them: slower, much less memory.
    pub checkpoint: bool,
    /// Tokens run at a time; a step's pairs beyond that are run one after the other.
    pub micro_batch_tokens: usize,
}

impl Default for SftConfig {
    /// The published values: learning rate 1e-5, 5 epochs, warm-up of 20 steps, clipping at 1.
    fn default() -> Self {
        Self {
            lora: LoraConfig::default(),
            epochs: 5,
            batch: 1,
            learning_rate: 1e-5,
            warmup_steps: 20,
            schedule: Schedule::Constant,
            weight_decay: 0.01,
            clip: 1.0,
            patience: 0,
            max_tokens: 2048,
            seed: 1,
            checkpoint: false,
            micro_batch_tokens: 4096,
        }
    }
}

/// What a fine-tuning run reached. Losses are means a completion token, in nats.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SftReport {
    /// Optimiser steps that were made.
    pub steps: usize,
    /// Over the last epoch.
    pub train_loss: f64,
    /// On the held-out pairs, before the first step.
    pub eval_loss_before: Option<f64>,
    /// On the held-out pairs, with the weights that are kept.
    pub eval_loss_after: Option<f64>,
    /// On the held-out pairs, after each pass that was made; empty when none are held out.
    pub eval_losses: Vec<f64>,
    /// Tokens trained on, prompts included.
    pub tokens: usize,
    /// Time of the run.
    pub seconds: f64,
    /// Pairs that were cut, or left out because their prompt alone is too long.
    pub truncated: usize,
}

/// The pairs as sequences, and how many had to be cut.
fn tokens(text: &Text, pairs: &[Pair], most: usize) -> Result<(Sequences, usize)> {
    let (mut out, mut truncated) = (Vec::with_capacity(pairs.len()), 0);
    for pair in pairs {
        let mut ids = text.encode_prompt(&pair.prompt, "")?;
        let first = ids.len().max(1);
        ids.extend(text.encode(&pair.completion)?);
        ids.extend(text.ends.first());
        if ids.len() > most {
            ids.truncate(most);
            truncated += 1;
        }
        if first < ids.len() {
            out.push((ids, first));
        }
    }
    Ok((out, truncated))
}

/// The weights that had the lowest held-out loss.
struct Best {
    loss: f64,
    /// After how many passes.
    passes: usize,
    weights: Vec<(Key, Matrix)>,
}

pub(crate) fn finetune(
    decoder: &mut Decoder,
    text: &Text,
    (pairs, held_out): (&[Pair], &[Pair]),
    (config, dropout): (&SftConfig, f64),
    each: &mut dyn FnMut(Step) -> ControlFlow<()>,
) -> Result<SftReport> {
    let started = Instant::now();
    if config.batch == 0 || config.epochs == 0 || config.max_tokens < 2 {
        return Err(LlmError::invalid("batch and epochs must be at least 1, max_tokens at least 2"));
    }
    let most = config.max_tokens.min(decoder.config.context);
    let (train, truncated) = tokens(text, pairs, most)?;
    let (held_out, _) = tokens(text, held_out, most)?;
    if train.is_empty() {
        return Err(LlmError::invalid("no pair to learn from (none given, or every prompt is longer than max_tokens)"));
    }
    let eval_loss_before = held_out_loss(decoder, &held_out, config.micro_batch_tokens)?;
    let steps = train.len().div_ceil(config.batch) * config.epochs;
    let mut optimiser = AdamW::default();
    let (mut step, mut seen, mut train_loss) = (0, 0, 0.0);
    let mut eval_losses: Vec<f64> = Vec::new();
    let mut best: Option<Best> = None;
    for epoch in 0..config.epochs {
        let (mut epoch_loss, mut epoch_targets) = (0.0, 0);
        for chosen in shuffled(train.len(), config.seed, epoch as u64).chunks(config.batch) {
            let targets: usize = chosen.iter().map(|&i| train[i].0.len() - train[i].1).sum();
            let mut gradients = Gradients::new();
            let (mut loss, mut batch) = (0.0, Batch::default());
            for (n, &i) in chosen.iter().enumerate() {
                batch.push(&train[i].0, train[i].1);
                seen += train[i].0.len();
                let following = chosen.get(n + 1).map_or(usize::MAX, |&j| train[j].0.len());
                if batch.tokens.len().saturating_add(following) > config.micro_batch_tokens {
                    let seed = config.seed ^ ((step as u64) << 20 | n as u64);
                    let pass = Pass {
                        learn: Learn::Adapter,
                        scale: 1.0 / targets as f32,
                        dropout: Some(Dropout { p: dropout as f32, seed }),
                        checkpoint: config.checkpoint,
                    };
                    loss += decoder.loss(&batch, Some((pass, &mut gradients)))?;
                    batch = Batch::default();
                }
            }
            let learning_rate = config.schedule.learning_rate(config.learning_rate, step, config.warmup_steps, steps);
            let update = Update { learning_rate, weight_decay: config.weight_decay, clip: config.clip, beta2: 0.999 };
            let norm = optimiser.update(decoder, Learn::Adapter, &gradients, update)?;
            step += 1;
            epoch_loss += loss;
            epoch_targets += targets;
            let loss = loss / targets as f64;
            if !loss.is_finite() || !norm.is_finite() {
                return Err(LlmError::Diverged { step, loss, learning_rate });
            }
            let passed = step == (epoch + 1) * train.len().div_ceil(config.batch);
            let evaluated = if passed { held_out_loss(decoder, &held_out, config.micro_batch_tokens)? } else { None };
            eval_losses.extend(evaluated);
            let report = Step {
                step,
                of: steps,
                loss,
                held_out_loss: evaluated,
                learning_rate,
                gradient_norm: norm,
                seconds: started.elapsed().as_secs_f64(),
                tokens: seen,
            };
            if each(report).is_break() {
                return Err(LlmError::Cancelled);
            }
        }
        train_loss = epoch_loss / epoch_targets.max(1) as f64;
        let Some(&last) = eval_losses.last().filter(|_| config.patience > 0) else { continue };
        match &best {
            Some(best) if last >= best.loss => {
                if epoch + 1 - best.passes >= config.patience {
                    break;
                }
            }
            _ => {
                let mut weights = Vec::new();
                decoder.visit(Learn::Adapter, &mut |key, m| weights.push((key, m.clone())));
                best = Some(Best { loss: last, passes: epoch + 1, weights });
            }
        }
    }
    let mut eval_loss_after = eval_losses.last().copied();
    if let Some(Best { loss, weights, .. }) = best {
        let mut kept = weights.into_iter();
        decoder.visit(Learn::Adapter, &mut |key, m| {
            if let Some((k, weights)) = kept.next()
                && k == key
            {
                *m = weights;
            }
        });
        eval_loss_after = Some(loss);
    }
    Ok(SftReport {
        steps: step,
        train_loss,
        eval_loss_before,
        eval_loss_after,
        eval_losses,
        tokens: seen,
        seconds: started.elapsed().as_secs_f64(),
        truncated,
    })
}

/// Mean loss a completion token; None when there is none.
pub(crate) fn loss(decoder: &Decoder, text: &Text, pairs: &[Pair]) -> Result<Option<f64>> {
    let (sequences, _) = tokens(text, pairs, decoder.config.context)?;
    held_out_loss(decoder, &sequences, SftConfig::default().micro_batch_tokens)
}
