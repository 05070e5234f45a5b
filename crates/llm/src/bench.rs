//! Measuring how fast a model writes and learns, in the terms in which other programs are measured.

use crate::adamw::{AdamW, Update};
use crate::adapter::{self, LoraConfig};
use crate::decoder::{Batch, Gradients, Pass, Sequence};
use crate::error::{LlmError, Result};
use crate::linear::Learn;
use crate::model::Model;
use crate::sampling::Sampling;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// How fast answers are written, all sequences together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GenerationSpeed {
    /// Sequences written side by side.
    pub batch: usize,
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Tokens written in all sequences.
    pub tokens: usize,
    /// Tokens of the prompt read a second. It is read once for all sequences.
    pub prefill_tok_s: f64,
    /// Tokens written a second, the first of each sequence left out: it comes from the prompt.
    pub decode_tok_s: f64,
}

impl Model {
    /// Writes `new_tokens` likeliest tokens after `prompt` in `batch` sequences, past any end-of-text token.
    ///
    /// # Errors
    /// A prompt and answer that the context does not hold; sizes of 0.
    pub fn generation_speed(&self, prompt: &str, batch: usize, new_tokens: usize) -> Result<GenerationSpeed> {
        if batch == 0 || new_tokens < 2 {
            return Err(LlmError::invalid("the batch must be at least 1 and the new tokens at least 2"));
        }
        let tokens = self.text.encode_prompt(prompt, "")?;
        let greedy = Sampling { temperature: 0.0, ..Sampling::default() };
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let started = Instant::now();
        let (cache, logits) = self.decoder.prefill(&tokens)?;
        let read = started.elapsed().as_secs_f64();
        let cache = Arc::new(cache);
        let mut sequences: Vec<Sequence> =
            (0..batch).map(|_| Sequence::new(cache.clone(), new_tokens, &self.decoder.config)).collect();
        let mut last = vec![greedy.draw(&logits, &mut rng); batch];
        let started = Instant::now();
        for _ in 1..new_tokens {
            let mut rows: Vec<&mut Sequence> = sequences.iter_mut().collect();
            let logits = self.decoder.step(&mut rows, &last)?;
            for (i, token) in last.iter_mut().enumerate() {
                *token = greedy.draw(logits.row(i), &mut rng);
            }
        }
        let written = started.elapsed().as_secs_f64();
        Ok(GenerationSpeed {
            batch,
            prompt: tokens.len(),
            tokens: batch * new_tokens,
            prefill_tok_s: tokens.len() as f64 / read.max(1e-9),
            decode_tok_s: (batch * (new_tokens - 1)) as f64 / written.max(1e-9),
        })
    }

    /// Seconds of each of `steps` optimiser steps (after one that is not counted) of a new adapter of `rank` on all
    /// projections, on a sequence of `length` random tokens with the loss on its last three quarters.
    ///
    /// # Errors
    /// A length that the context does not hold; a model that already has an adapter.
    pub fn finetuning_speed(&mut self, length: usize, rank: usize, steps: usize, checkpoint: bool) -> Result<Vec<f64>> {
        if length < 4 || steps == 0 {
            return Err(LlmError::invalid("the sequence must have at least 4 tokens, and there must be a step"));
        }
        let lora = LoraConfig { rank, alpha: 2.0 * rank as f64, dropout: 0.0, layers: usize::MAX };
        lora.check()?;
        if self.lora.is_some() {
            return Err(LlmError::invalid("the model has an adapter already"));
        }
        adapter::attach(&mut self.decoder, &lora, 1);
        self.lora = Some(lora);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let vocab = self.decoder.config.vocab as u64;
        let ids: Vec<u32> = (0..length).map(|_| (rng.next_u64() % vocab) as u32).collect();
        let mut optimiser = AdamW::default();
        let mut seconds = Vec::with_capacity(steps);
        for step in 0..=steps {
            let started = Instant::now();
            let mut batch = Batch::default();
            batch.push(&ids, length / 4);
            let scale = 1.0 / batch.targets.len() as f32;
            let pass = Pass { learn: Learn::Adapter, scale, dropout: None, checkpoint };
            let mut gradients = Gradients::new();
            self.decoder.loss(&batch, Some((pass, &mut gradients)))?;
            let update = Update { learning_rate: 5e-4, weight_decay: 0.0, clip: 1.0, beta2: 0.999 };
            optimiser.update(&mut self.decoder, Learn::Adapter, &gradients, update)?;
            if step > 0 {
                seconds.push(started.elapsed().as_secs_f64());
            }
        }
        Ok(seconds)
    }
}
