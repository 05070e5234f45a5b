//! Random numbers of a forward pass, drawn on the host: the same on every backend and in every version.

use archsmith_ir::Seed;
use archsmith_ir::prim::Distribution;
use rand_chacha::rand_core::Rng;

/// The source of one training step's dropout masks and random tensors: the k-th draw of a step depends on the step's seed and
/// on k alone.
#[derive(Clone, Debug)]
pub struct StepRng {
    seed: Seed,
    draws: u64,
    dropout: bool,
}

impl StepRng {
    /// The source for one step.
    pub fn new(seed: Seed) -> Self {
        StepRng { seed, draws: 0, dropout: true }
    }

    /// A source whose dropout keeps everything.
    pub fn without_dropout(seed: Seed) -> Self {
        StepRng { seed, draws: 0, dropout: false }
    }

    fn next(&mut self) -> Seed {
        self.draws += 1;
        self.seed.derive("draw", &[self.draws])
    }

    /// A dropout mask: 0 with probability `p`, else 1/(1−p).
    pub(super) fn dropout_mask(&mut self, p: f64, shape: &[usize]) -> Vec<f32> {
        let n: usize = shape.iter().product();
        let mut rng = self.next().rng();
        if !self.dropout {
            return vec![1.0; n];
        }
        if p >= 1.0 {
            return vec![0.0; n];
        }
        let keep = (1.0 / (1.0 - p)) as f32;
        let threshold = (p * 4_294_967_296.0) as u64;
        (0..n).map(|_| if u64::from(rng.next_u32()) < threshold { 0.0 } else { keep }).collect()
    }

    /// Values of a distribution. Orthogonal matrices are refused at lowering: they belong to initialisation.
    pub(super) fn draw(&mut self, distribution: Distribution, n: usize) -> Vec<f64> {
        let mut draws = self.next().draws();
        match distribution {
            Distribution::Uniform { low, high } => (0..n).map(|_| draws.uniform(low, high)).collect(),
            Distribution::Normal { mean, std } => (0..n).map(|_| mean + std * draws.normal()).collect(),
            Distribution::TruncatedNormal { mean, std, a, b } => (0..n)
                .map(|_| {
                    // A bounded number of attempts: an interval without mass must not hang a worker.
                    let inside = (0..1000).map(|_| mean + std * draws.normal()).find(|v| (a..=b).contains(v));
                    inside.unwrap_or_else(|| mean.max(a).min(b))
                })
                .collect(),
            Distribution::Bernoulli { p } => (0..n).map(|_| f64::from(u8::from(draws.unit() < p))).collect(),
            Distribution::Permutation => {
                let mut order: Vec<usize> = (0..n).collect();
                draws.shuffle(&mut order);
                order.into_iter().map(|i| i as f64).collect()
            }
            Distribution::Orthogonal { .. } => vec![0.0; n],
        }
    }
}
