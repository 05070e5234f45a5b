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
    /// Tokens of one answer that a guide may have taken back before the answer is given up, as a multiple of the longest answer.
    pub take_back: usize,
}

impl Default for Sampling {
    /// The published decoding: temperature 0.2, top-k 50, top-p 0.9.
    fn default() -> Self {
        Self {
            temperature: 0.2,
            top_k: 50,
            top_p: 0.9,
            max_new_tokens: 1024,
            stop: Vec::new(),
            batch: 16,
            take_back: Self::TAKE_BACK,
        }
    }
}

impl Sampling {
    /// Ample for a model that mostly writes what stands. One that rarely does needs it for most answers, and is better given less.
    pub const TAKE_BACK: usize = 12;

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

    /// Draws a token from the logits of one row.
    pub(crate) fn draw(&self, logits: &[f32], rng: &mut ChaCha8Rng) -> u32 {
        if self.temperature == 0.0 {
            let best = logits.iter().enumerate().fold(
                (0, f32::NEG_INFINITY),
                |best, (i, &l)| {
                    if l > best.1 { (i, l) } else { best }
                },
            );
            return best.0 as u32;
        }
        let candidates = self.candidates(logits, self.temperature);
        let at = pick(&candidates.weights, candidates.total, rng);
        candidates.tokens[at]
    }

    /// Draws a token where a share of what may follow it is ruled out: `left` is the share of a token's continuations that is
    /// not. Gives the token and its probability before anything was ruled out; `None` where nothing is left. With nothing ruled
    /// out, the token is the one that [`Sampling::draw`] draws.
    pub(crate) fn draw_left(
        &self,
        logits: &[f32],
        left: &dyn Fn(u32) -> f64,
        rng: &mut ChaCha8Rng,
    ) -> Option<(u32, f64)> {
        // The likeliest token alone would leave nothing once it is ruled out: then the next likely one is taken.
        let greedy = self.temperature == 0.0;
        let candidates = self.candidates(logits, if greedy { GREEDY_TEMPERATURE } else { self.temperature });
        let weights: Vec<f64> = candidates.tokens.iter().zip(&candidates.weights).map(|(&t, w)| w * left(t)).collect();
        let total: f64 = weights.iter().sum();
        if total <= NOTHING * candidates.total {
            return None;
        }
        let at = if greedy {
            weights.iter().enumerate().fold(0, |best, (i, w)| if *w > weights[best] { i } else { best })
        } else {
            pick(&weights, total, rng)
        };
        Some((candidates.tokens[at], candidates.weights[at] / candidates.total))
    }

    /// What may be drawn. The likeliest come first, and all in order where the distribution is cut.
    fn candidates(&self, logits: &[f32], temperature: f64) -> Candidates {
        let mut order: Vec<u32> = (0..logits.len() as u32).collect();
        let at = |i: u32| logits[i as usize];
        // Equal logits are ordered by token, so that the choice never depends on how a sort treats ties.
        let descending = |a: &u32, b: &u32| at(*b).total_cmp(&at(*a)).then(a.cmp(b));
        if self.top_k > 0 && self.top_k < order.len() {
            order.select_nth_unstable_by(self.top_k, descending);
            order.truncate(self.top_k);
        }
        if self.top_k == 0 && self.top_p >= 1.0 && order.len() > HEAD {
            // Most draws end among the first; the others need no order but one that is always the same.
            let (head, &mut first_after, _) = order.select_nth_unstable_by(HEAD, descending);
            head.sort_unstable_by(descending);
            order.truncate(HEAD);
            order.extend((0..logits.len() as u32).filter(|i| descending(i, &first_after).is_ge()));
        } else {
            order.sort_unstable_by(descending);
        }
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
            total = weights.iter().sum();
        }
        order.truncate(weights.len());
        Candidates { tokens: order, weights, total }
    }
}

/// Tokens that are put in order where the distribution is not cut.
const HEAD: usize = 32;
/// The temperature at which a greedy answer counts what is ruled out.
const GREEDY_TEMPERATURE: f64 = 0.5;
/// A share of the probability that is rounding alone.
const NOTHING: f64 = 1e-9;

/// Tokens with their weights, and the sum of these.
struct Candidates {
    tokens: Vec<u32>,
    weights: Vec<f64>,
    total: f64,
}

/// An index drawn by weight.
fn pick(weights: &[f64], total: f64, rng: &mut ChaCha8Rng) -> usize {
    let unit = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut left = unit * total;
    for (i, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return i;
        }
    }
    weights.iter().rposition(|w| *w > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    fn counts(sampling: &Sampling) -> [usize; 4] {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut counts = [0; 4];
        for _ in 0..4000 {
            counts[sampling.draw(&[1.0, 3.0, 2.0, 0.0], &mut rng) as usize] += 1;
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
    fn of_many_tokens_each_can_be_drawn_and_the_likeliest_come_first() {
        // Every logit stands there three times: ties lie across the end of what is put in order.
        let logits: Vec<f32> = (0..120).map(|i| ((i * 7) % 40) as f32 / 8.0).collect();
        let sampling = Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, ..Sampling::default() };
        let found = sampling.candidates(&logits, 1.0);
        let mut all = found.tokens.clone();
        all.sort_unstable();
        assert_eq!(all, (0..120).collect::<Vec<u32>>());
        // A cut that cuts nothing has all of them in order.
        let sorted = Sampling { top_k: 120, ..sampling }.candidates(&logits, 1.0);
        assert_eq!(found.tokens[..HEAD], sorted.tokens[..HEAD]);
        assert!(found.tokens[HEAD..].is_sorted(), "the others lie in the order of their numbers");
        assert!((found.total - sorted.total).abs() < 1e-9 * sorted.total);
        for (token, weight) in found.tokens.iter().zip(&found.weights) {
            let at = sorted.tokens.iter().position(|t| t == token).unwrap();
            assert_eq!(*weight, sorted.weights[at]);
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

    #[test]
    fn what_is_ruled_out_leaves_the_others_in_proportion() {
        let sampling = Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, ..Sampling::default() };
        let (mut a, mut b) = (ChaCha8Rng::seed_from_u64(3), ChaCha8Rng::seed_from_u64(3));
        let logits = [1.0, 3.0, 2.0, 0.0];
        let total: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
        for _ in 0..200 {
            let (token, p) = sampling.draw_left(&logits, &|_| 1.0, &mut a).unwrap();
            assert_eq!(token, sampling.draw(&logits, &mut b));
            assert!((p - f64::from(logits[token as usize]).exp() / total).abs() < 1e-12);
        }
        // Half of what follows the likeliest is ruled out, and all that follows the second.
        let left = |t: u32| [1.0, 0.5, 0.0, 1.0][t as usize];
        let mut counts = [0.0f64; 4];
        for _ in 0..8000 {
            counts[sampling.draw_left(&logits, &left, &mut a).unwrap().0 as usize] += 1.0 / 8000.0;
        }
        let weights: Vec<f64> = (0..4).map(|i| f64::from(logits[i as usize]).exp() * left(i)).collect();
        for (count, weight) in counts.iter().zip(&weights) {
            assert!((count - weight / weights.iter().sum::<f64>()).abs() < 0.02, "{counts:?}");
        }
        assert_eq!(sampling.draw_left(&logits, &|_| 0.0, &mut a), None);
        let greedy = Sampling { temperature: 0.0, ..sampling };
        assert_eq!(greedy.draw_left(&logits, &|t| f64::from(u8::from(t != 1)), &mut a).unwrap().0, 2);
    }
}
