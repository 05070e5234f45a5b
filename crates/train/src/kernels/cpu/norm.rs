//! Batch normalisation: sums in f64, channels (or rows of one channel) to threads, the widest vector unit of the machine.

use rayon::prelude::*;

const LANES: usize = 16;

/// Sums of `f(i)` over a row, in lanes of f32 that are flushed to f64 often enough to keep the precision of f32.
#[inline(always)]
fn row_sums(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> (f32, f32)) -> (f64, f64) {
    const FLUSH: usize = 64 * LANES;
    let (mut p, mut q) = (0.0f64, 0.0f64);
    for (a, b) in a.chunks(FLUSH).zip(b.chunks(FLUSH)) {
        let (mut lp, mut lq) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (ca, cb) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let (ra, rb) = (ca.remainder(), cb.remainder());
        for (a, b) in ca.zip(cb) {
            for i in 0..LANES {
                let (u, v) = f(a[i], b[i]);
                lp[i] += u;
                lq[i] += v;
            }
        }
        for (i, (&a, &b)) in ra.iter().zip(rb).enumerate() {
            let (u, v) = f(a, b);
            lp[i] += u;
            lq[i] += v;
        }
        p += lp.iter().map(|&v| f64::from(v)).sum::<f64>();
        q += lq.iter().map(|&v| f64::from(v)).sum::<f64>();
    }
    (p, q)
}

/// Mean and biased variance of each channel. Squares are taken around the channel's first value: a mean far from zero then
/// costs no digits.
pub(super) fn moments(x: &[f32], n: usize, c: usize, s: usize) -> Vec<(f64, f64)> {
    let arch = pulp::Arch::new();
    let count = (n * s) as f64;
    (0..c)
        .into_par_iter()
        .map(|k| {
            arch.dispatch(|| {
                let pivot = x[k * s];
                let (mut sum, mut squares) = (0.0, 0.0);
                for i in 0..n {
                    let row = &x[(i * c + k) * s..][..s];
                    let (p, q) = row_sums(row, row, |v, _| (v - pivot, (v - pivot) * (v - pivot)));
                    sum += p;
                    squares += q;
                }
                let shift = sum / count;
                (f64::from(pivot) + shift, (squares / count - shift * shift).max(0.0))
            })
        })
        .collect()
}

/// `x·a + b` with a and b of each channel.
pub(super) fn apply(
    x: &[f32],
    c: usize,
    s: usize,
    moments: &[(f64, f64)],
    weight: &[f32],
    bias: &[f32],
    eps: f64,
) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let coefficients: Vec<(f32, f32, f32)> = (0..c)
        .map(|k| {
            let scale = f64::from(weight[k]) / (moments[k].1 + eps).sqrt();
            (moments[k].0 as f32, scale as f32, bias[k])
        })
        .collect();
    let mut y = vec![0.0; x.len()];
    y.par_chunks_mut(s).zip(x.par_chunks(s)).with_min_len(8).enumerate().for_each(|(row, (y, x))| {
        let (mean, scale, bias) = coefficients[row % c];
        arch.dispatch(|| y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - mean) * scale + bias));
    });
    y
}

pub(super) struct Backward<'a> {
    pub(super) x: &'a [f32],
    pub(super) dy: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) mean: &'a [f32],
    pub(super) variance: &'a [f32],
    pub(super) sizes: (usize, usize, usize),
    pub(super) eps: f64,
}

impl Backward<'_> {
    /// Gradients for x, weight and bias; the formula is with the composed form.
    pub(super) fn run(&self) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let arch = pulp::Arch::new();
        let (n, c, s) = self.sizes;
        let inverse = |k: usize| 1.0 / (f64::from(self.variance[k]) + self.eps).sqrt();
        let sums: Vec<(f64, f64)> = (0..c)
            .into_par_iter()
            .map(|k| {
                let mean = self.mean[k];
                arch.dispatch(|| {
                    let mut total = (0.0, 0.0);
                    for i in 0..n {
                        let at = (i * c + k) * s;
                        let (p, q) = row_sums(&self.x[at..at + s], &self.dy[at..at + s], |x, dy| (dy, dy * (x - mean)));
                        total = (total.0 + p, total.1 + q);
                    }
                    (total.0, total.1 * inverse(k))
                })
            })
            .collect();
        let count = (n * s) as f64;
        let coefficients: Vec<(f32, f32, f32, f32)> = (0..c)
            .map(|k| {
                let r = inverse(k);
                let scale = f64::from(self.weight[k]) * r;
                (scale as f32, (sums[k].0 / count) as f32, (sums[k].1 / count * r) as f32, self.mean[k])
            })
            .collect();
        let mut dx = vec![0.0; self.x.len()];
        let rows = dx.par_chunks_mut(s).zip(self.x.par_chunks(s).zip(self.dy.par_chunks(s)));
        rows.with_min_len(8).enumerate().for_each(|(row, (dx, (x, dy)))| {
            let (scale, db, dw, mean) = coefficients[row % c];
            arch.dispatch(|| {
                for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                    *dx = scale * (dy - db - (x - mean) * dw);
                }
            });
        });
        (dx, sums.iter().map(|v| v.1 as f32).collect(), sums.iter().map(|v| v.0 as f32).collect())
    }
}
