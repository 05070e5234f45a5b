//! What pretraining and fine-tuning share: step reports, the order of examples, held-out loss.

use crate::decoder::{Batch, Decoder};
use crate::error::Result;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One optimiser step.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Step {
    /// From 1.
    pub step: usize,
    /// Steps of the whole run.
    pub of: usize,
    /// Mean loss a completion token of this step, in nats.
    pub loss: f64,
    /// Mean loss a completion token on the held-out examples, when it was computed after this step.
    pub held_out_loss: Option<f64>,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Since the start of the run.
    pub seconds: f64,
    /// Tokens seen since the start of the run, prompts included.
    pub tokens: usize,
}

/// Token sequences, each with the index of its first target.
pub(crate) type Sequences = Vec<(Vec<u32>, usize)>;

/// The numbers `0..n` in an order that `seed` and `epoch` fix (Fisher and Yates).
pub(crate) fn shuffled(n: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(epoch + 1);
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        let j = (u128::from(rng.next_u64()) * (i as u128 + 1)) >> 64;
        order.swap(i, j as usize);
    }
    order
}

/// Mean loss a target token over sequences; None when there are no targets.
pub(crate) fn held_out_loss(
    decoder: &Decoder,
    sequences: &[(Vec<u32>, usize)],
    batch_tokens: usize,
) -> Result<Option<f64>> {
    let (mut loss, mut targets) = (0.0, 0);
    let mut batch = Batch::default();
    for (i, (ids, first)) in sequences.iter().enumerate() {
        batch.push(ids, *first);
        if batch.tokens.len() >= batch_tokens || i + 1 == sequences.len() {
            loss += decoder.loss(&batch, None)?;
            targets += batch.targets.len();
            batch = Batch::default();
        }
    }
    Ok((targets > 0).then(|| loss / targets as f64))
}
