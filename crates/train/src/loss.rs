//! Losses on class scores, with their gradients, computed on the host in f64.
//!
//! Scores are a few hundred numbers: reading them is needed anyway to see whether training diverges, and loss and gradient in
//! one pass here are exact and the same on every backend.

use archsmith_ir::recipe::Loss;

/// The loss of a batch and its gradient for the scores.
#[derive(Clone, Debug, PartialEq)]
pub struct LossGradient {
    /// The mean loss.
    pub loss: f64,
    /// `∂loss/∂scores`, `[n, classes]`, row-major.
    pub gradient: Vec<f32>,
    /// How many scores are largest at their label.
    pub correct: usize,
}

/// A loss that cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// A label beyond the classes.
    #[error("a label is {label}, but the network scores {classes} classes")]
    Label {
        /// The label.
        label: usize,
        /// Number of scores a row.
        classes: usize,
    },
    /// Class weights of another number.
    #[error("the loss has {found} class weights, but the network scores {classes} classes")]
    Weights {
        /// Number of weights.
        found: usize,
        /// Number of scores a row.
        classes: usize,
    },
}

/// Loss, gradient and hits for scores `[n, classes]`.
///
/// Cross-entropy: with weights `w` and smoothing `s`, `Σᵢ (1−s)·w[yᵢ]·(−log pᵢ[yᵢ]) / Σᵢ w[yᵢ] + s/K·Σᵢ Σₖ w[k]·(−log pᵢ[k]) /
/// Σᵢ w[yᵢ]`, PyTorch's definition of `nn.CrossEntropyLoss`.
///
/// # Errors
/// A label that has no score, class weights of another number.
pub fn loss(kind: &Loss, scores: &[f64], classes: usize, labels: &[u8]) -> Result<LossGradient, LossError> {
    let classes = classes.max(1);
    if let Some(&label) = labels.iter().find(|&&l| usize::from(l) >= classes) {
        return Err(LossError::Label { label: usize::from(label), classes });
    }
    let (smoothing, weight, log_probabilities) = match kind {
        Loss::CrossEntropy { label_smoothing, weight } => (*label_smoothing, weight.clone(), false),
        Loss::NegativeLogLikelihood => (0.0, None, true),
    };
    if let Some(found) = weight.as_ref().map(Vec::len).filter(|&n| n != classes) {
        return Err(LossError::Weights { found, classes });
    }
    let w = |k: usize| weight.as_ref().map_or(1.0, |w| w[k]);
    let total: f64 = labels.iter().map(|&y| w(usize::from(y))).sum();
    let (mut loss, mut correct) = (0.0, 0);
    let mut gradient = vec![0.0f32; scores.len()];
    for ((row, out), &label) in scores.chunks(classes).zip(gradient.chunks_mut(classes)).zip(labels) {
        let y = usize::from(label);
        correct += usize::from(argmax(row) == y);
        if log_probabilities {
            loss -= row[y];
            out[y] = (-1.0 / total) as f32;
            continue;
        }
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = row.iter().map(|v| (v - largest).exp()).sum::<f64>().ln() + largest;
        // The target weights: what multiplies −log p[k].
        let target = |k: usize| smoothing / classes as f64 * w(k) + if k == y { (1.0 - smoothing) * w(y) } else { 0.0 };
        let sum: f64 = (0..classes).map(target).sum();
        for (k, (&v, g)) in row.iter().zip(out).enumerate() {
            // A class without target weight may have probability 0: 0·∞ must not count.
            if target(k) != 0.0 {
                loss += target(k) * (log_sum - v);
            }
            *g = ((sum * (v - log_sum).exp() - target(k)) / total) as f32;
        }
    }
    Ok(LossGradient { loss: loss / total, gradient, correct })
}

/// The first largest element.
pub(crate) fn argmax(row: &[f64]) -> usize {
    let mut best = 0;
    for (i, v) in row.iter().enumerate() {
        if *v > row[best] {
            best = i;
        }
    }
    best
}
