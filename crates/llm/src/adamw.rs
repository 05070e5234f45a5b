//! AdamW (arXiv 1711.05101) with clipping of the global gradient norm, a learning-rate schedule, and state that can
//! be saved.

use crate::decoder::{Decoder, Gradients, Key};
use crate::error::{LlmError, Result};
use crate::linear::Learn;
use crate::matrix::Matrix;
use crate::simd::vectorised;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// How the learning rate goes on after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Stays.
    Constant,
    /// Falls as a half cosine to a tenth.
    Cosine,
}

impl Schedule {
    /// The learning rate of `step` (from 0) of `steps`: a linear warm-up, then this schedule.
    pub fn learning_rate(self, peak: f64, step: usize, warmup: usize, steps: usize) -> f64 {
        if step < warmup {
            return peak * (step + 1) as f64 / warmup as f64;
        }
        match self {
            Self::Constant => peak,
            Self::Cosine => {
                let done = (step - warmup) as f64 / steps.saturating_sub(warmup).max(1) as f64;
                peak * (0.1 + 0.45 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos()))
            }
        }
    }
}

/// First and second moments of the gradients.
#[derive(Debug, Default)]
pub(crate) struct AdamW {
    pub(crate) step: u64,
    pub(crate) moments: BTreeMap<Key, (Vec<f32>, Vec<f32>)>,
}

const BETA1: f64 = 0.9;
const EPS: f64 = 1e-8;

/// What an update needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Update {
    pub(crate) learning_rate: f64,
    pub(crate) weight_decay: f64,
    /// Largest global norm of the gradient.
    pub(crate) clip: f64,
    /// Decay of the second moment.
    pub(crate) beta2: f64,
}

impl AdamW {
    /// Updates all learning parameters; returns the norm of the gradient before clipping.
    ///
    /// # Errors
    /// When a parameter has no gradient.
    pub(crate) fn update(
        &mut self,
        decoder: &mut Decoder,
        learn: Learn,
        gradients: &Gradients,
        update: Update,
    ) -> Result<f64> {
        let pool = decoder.pool.clone();
        pool.run(|| self.update_here(decoder, learn, gradients, update))
    }

    fn update_here(
        &mut self,
        decoder: &mut Decoder,
        learn: Learn,
        gradients: &Gradients,
        update: Update,
    ) -> Result<f64> {
        let squares: f64 = gradients.values().map(sum_of_squares).sum();
        let norm = squares.sqrt();
        if !norm.is_finite() {
            return Ok(norm);
        }
        let clip = if norm > update.clip { update.clip / norm } else { 1.0 };
        self.step += 1;
        let steps = self.step as f64;
        let (c1, c2) = (1.0 - BETA1.powf(steps), 1.0 - update.beta2.powf(steps));
        let mut missing = None;
        decoder.visit(learn, &mut |key, parameter| {
            let Some(gradient) = gradients.get(&key) else {
                missing = Some(key);
                return;
            };
            let size = parameter.data.len();
            let (first, second) = self.moments.entry(key).or_insert_with(|| (vec![0.0; size], vec![0.0; size]));
            // Gains and biases (one row) are not decayed.
            let decay = if parameter.rows > 1 { (update.learning_rate * update.weight_decay) as f32 } else { 0.0 };
            let (b1, b2, clip) = (BETA1 as f32, update.beta2 as f32, clip as f32);
            let rate = (update.learning_rate / c1) as f32;
            let (c2, eps) = ((1.0 / c2) as f32, EPS as f32);
            const PART: usize = 1 << 14;
            parameter
                .data
                .par_chunks_mut(PART)
                .zip(gradient.data.par_chunks(PART))
                .zip(first.par_chunks_mut(PART))
                .zip(second.par_chunks_mut(PART))
                .for_each(|(((w, g), m), v)| {
                    vectorised(
                        #[inline(always)]
                        || {
                            for (((w, g), m), v) in w.iter_mut().zip(g).zip(m.iter_mut()).zip(v.iter_mut()) {
                                let g = g * clip;
                                *m = b1 * *m + (1.0 - b1) * g;
                                *v = b2 * *v + (1.0 - b2) * g * g;
                                *w -= decay * *w + rate * *m / ((*v * c2).sqrt() + eps);
                            }
                        },
                    );
                });
        });
        match missing {
            Some(key) => Err(LlmError::invalid(format!("parameter {key:?} received no gradient"))),
            None => Ok(norm),
        }
    }
}

fn sum_of_squares(m: &Matrix) -> f64 {
    m.data
        .chunks(4096)
        .map(|c| {
            f64::from(vectorised(
                #[inline(always)]
                || crate::kernels::dot(c, c),
            ))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_warm_up_and_fall() {
        let rate = |step| Schedule::Cosine.learning_rate(1.0, step, 10, 110);
        assert!((rate(0) - 0.1).abs() < 1e-12 && (rate(9) - 1.0).abs() < 1e-12 && (rate(10) - 1.0).abs() < 1e-12);
        assert!((rate(60) - 0.55).abs() < 1e-12 && (rate(110) - 0.1).abs() < 1e-12);
        assert_eq!(Schedule::Constant.learning_rate(1.0, 500, 10, 110), 1.0);
    }
}
