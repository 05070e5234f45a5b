//! Choosing the next token.

use crate::error::{LlmError, Result};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

/// How answers are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// 0: always the likeliest token. Otherwise logits are divided by it.
    pub temperature: f64,
    /// Only this many of the likeliest tokens; 0: all.
    pub top_k: usize,
    /// Only the likeliest tokens that together have this probability; 1: all.
    pub top_p: f64,
    /// Longest answer in tokens, without the prefix.
    pub max_new_tokens: usize,
    /// The answer ends before the first of these.
    pub stop: Vec<String>,
    /// Answers written at the same time. Does not change what is written.
    pub batch: usize,
}

impl Default for Sampling {
    /// The published decoding: temperature 0.2, top-k 50, top-p 0.9.
    fn default() -> Self {
        Self { temperature: 0.2, top_k: 50, top_p: 0.9, max_new_tokens: 1024, stop: Vec::new(), batch: 16 }
    }
}

impl Sampling {
    pub(crate) fn check(&self) -> Result<()> {
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return Err(LlmError::invalid(format!("temperature is {}, expected 0 or more", self.temperature)));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(LlmError::invalid(format!("top_p is {}, expected more than 0, at most 1", self.top_p)));
        }
        if self.batch == 0 || self.max_new_tokens == 0 {
            return Err(LlmError::invalid("batch and max_new_tokens must be at least 1"));
        }
        Ok(())
    }

    /// Draws a token from the logits of one row, at `heat` times the temperature.
    pub(crate) fn draw(&self, logits: &[f32], heat: f64, rng: &mut ChaCha8Rng) -> u32 {
        if self.temperature == 0.0 && heat == 1.0 {
            let best = logits.iter().enumerate().fold(
                (0, f32::NEG_INFINITY),
                |best, (i, &l)| {
                    if l > best.1 { (i, l) } else { best }
                },
            );
            return best.0 as u32;
        }
        // A greedy answer that was refused needs some warmth to become another one.
        let temperature = if self.temperature == 0.0 { heat - 1.0 } else { self.temperature * heat };
        let mut order: Vec<u32> = (0..logits.len() as u32).collect();
        let at = |i: u32| logits[i as usize];
        // Equal logits are ordered by token, so that the choice never depends on how a sort treats ties.
        let descending = |a: &u32, b: &u32| at(*b).total_cmp(&at(*a)).then(a.cmp(b));
        if self.top_k > 0 && self.top_k < order.len() {
            order.select_nth_unstable_by(self.top_k, descending);
            order.truncate(self.top_k);
        }
        order.sort_unstable_by(descending);
        let top = f64::from(order.first().map_or(0.0, |&i| at(i)));
        let mut weights: Vec<f64> = order.iter().map(|&i| ((f64::from(at(i)) - top) / temperature).exp()).collect();
        let mut total: f64 = weights.iter().sum();
        if self.top_p < 1.0 {
            let (mut sum, mut kept) = (0.0, 0);
            while kept < weights.len() && sum < self.top_p * total {
                sum += weights[kept];
                kept += 1;
            }
            weights.truncate(kept.max(1));
            total = sum;
        }
        let unit = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let mut left = unit * total;
        for (&token, weight) in order.iter().zip(&weights) {
            left -= weight;
            if left < 0.0 {
                return token;
            }
        }
        order[weights.len().saturating_sub(1).min(order.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    fn counts(sampling: &Sampling) -> [usize; 4] {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut counts = [0; 4];
        for _ in 0..4000 {
            counts[sampling.draw(&[1.0, 3.0, 2.0, 0.0], 1.0, &mut rng) as usize] += 1;
        }
        counts
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        let all = counts(&Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, ..Sampling::default() });
        let total: f64 = [1.0f64, 3.0, 2.0, 0.0].iter().map(|l| l.exp()).sum();
        for (count, logit) in all.iter().zip([1.0f64, 3.0, 2.0, 0.0]) {
            let expected = logit.exp() / total;
            assert!((*count as f64 / 4000.0 - expected).abs() < 0.03, "{all:?}");
        }
    }

    #[test]
    fn cuts_leave_only_the_likeliest() {
        let greedy = counts(&Sampling { temperature: 0.0, ..Sampling::default() });
        assert_eq!(greedy, [0, 4000, 0, 0]);
        let top_k = counts(&Sampling { temperature: 1.0, top_k: 2, top_p: 1.0, ..Sampling::default() });
        assert!(top_k[0] == 0 && top_k[3] == 0 && top_k[1] > top_k[2] && top_k[2] > 0);
        // Probabilities are 0.64, 0.24, 0.09, 0.03.
        let top_p = counts(&Sampling { temperature: 1.0, top_k: 0, top_p: 0.8, ..Sampling::default() });
        assert!(top_p[0] == 0 && top_p[3] == 0 && top_p[2] > 0);
    }
}
