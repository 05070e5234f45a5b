//! Batch normalisation on rows of channels, with the addition and the rectifier that follow it in the graph.
//!
//! Forward: one pass for the statistics, one for the result. Backward: one pass for the sums, one for the gradient. Sums run in
//! f32 over few rows and in f64 beyond; parts depend on the shape alone.

use super::buffer::buffer;
use rayon::prelude::*;

/// Channels taken at once.
const LANES: usize = 16;
/// Rows summed in f32.
const FLUSH: usize = 64;

/// Rows of one part.
fn part_rows(rows: usize) -> usize {
    rows.div_ceil(32).max(FLUSH)
}

/// For each channel, the sums of `f(a, b, channel)` over rows of `c` elements.
#[inline(always)]
pub(super) fn column_sums(
    a: &[f32],
    b: &[f32],
    c: usize,
    f: impl Fn(f32, f32, usize) -> (f32, f32),
) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0); c];
    for (a, b) in a.chunks(FLUSH * c).zip(b.chunks(FLUSH * c)) {
        let mut k = 0;
        while k < c {
            let lanes = (c - k).min(LANES);
            let (mut p, mut q) = ([0.0f32; LANES], [0.0f32; LANES]);
            for (a, b) in a.chunks_exact(c).zip(b.chunks_exact(c)) {
                if lanes == LANES {
                    let (a, b) = (&a[k..k + LANES], &b[k..k + LANES]);
                    for l in 0..LANES {
                        let (u, v) = f(a[l], b[l], k + l);
                        p[l] += u;
                        q[l] += v;
                    }
                } else {
                    for l in 0..lanes {
                        let (u, v) = f(a[k + l], b[k + l], k + l);
                        p[l] += u;
                        q[l] += v;
                    }
                }
            }
            for l in 0..lanes {
                sums[k + l].0 += f64::from(p[l]);
                sums[k + l].1 += f64::from(q[l]);
            }
            k += LANES;
        }
    }
    sums
}

fn total(parts: Vec<Vec<(f64, f64)>>, c: usize) -> Vec<(f64, f64)> {
    parts.into_iter().fold(vec![(0.0, 0.0); c], |mut sum, part| {
        sum.iter_mut().zip(part).for_each(|(s, p)| *s = (s.0 + p.0, s.1 + p.1));
        sum
    })
}

/// Mean and biased variance of each channel. Squares are taken around the channel's first value: a mean far from zero then
/// costs no digits.
pub(super) fn moments(x: &[f32], c: usize) -> Vec<(f64, f64)> {
    let arch = pulp::Arch::new();
    let count = (x.len() / c) as f64;
    let pivot = &x[..c];
    let part = part_rows(x.len() / c) * c;
    let parts = x.par_chunks(part).map(|x| {
        arch.dispatch(
            #[inline(always)]
            || {
                column_sums(
                    x,
                    x,
                    c,
                    #[inline(always)]
                    |v, _, k| {
                        let d = v - pivot[k];
                        (d, d * d)
                    },
                )
            },
        )
    });
    let sums = total(parts.collect(), c);
    sums.into_iter()
        .zip(pivot)
        .map(|((sum, squares), &pivot)| {
            let shift = sum / count;
            (f64::from(pivot) + shift, (squares / count - shift * shift).max(0.0))
        })
        .collect()
}

/// What normalises each channel: `(x − mean)·scale + bias`.
pub(super) struct Affine {
    mean: Vec<f32>,
    scale: Vec<f32>,
    bias: Vec<f32>,
}

impl Affine {
    pub(super) fn new(mean: &[f32], variance: &[f32], weight: &[f32], bias: &[f32], eps: f64) -> Self {
        let scale = weight.iter().zip(variance).map(|(&w, &v)| (f64::from(w) / (f64::from(v) + eps).sqrt()) as f32);
        Affine { mean: mean.to_vec(), scale: scale.collect(), bias: bias.to_vec() }
    }

    /// The normalised input, plus `residual`, above zero where `relu`.
    pub(super) fn apply(&self, x: &[f32], residual: Option<&[f32]>, relu: bool) -> Vec<f32> {
        let arch = pulp::Arch::new();
        let c = self.mean.len();
        let part = part_rows(x.len() / c) * c;
        let mut y = buffer(x.len());
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        y.par_chunks_mut(part).zip(x.par_chunks(part)).enumerate().for_each(|(i, (y, x))| {
            let residual = residual.map(|r| &r[i * part..][..x.len()]);
            arch.dispatch(
                #[inline(always)]
                || self.apply_part(x, residual, floor, y),
            );
        });
        y
    }

    #[inline(always)]
    fn apply_part(&self, x: &[f32], residual: Option<&[f32]>, floor: f32, y: &mut [f32]) {
        let c = self.mean.len();
        let (mean, scale, bias) = (&self.mean[..c], &self.scale[..c], &self.bias[..c]);
        // A NaN stays: it must reach the loss.
        let above = |v: f32| if v < floor { floor } else { v };
        match residual {
            None => {
                for (y, x) in y.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                    for k in 0..c {
                        y[k] = above((x[k] - mean[k]) * scale[k] + bias[k]);
                    }
                }
            }
            Some(r) => {
                for ((y, x), r) in y.chunks_exact_mut(c).zip(x.chunks_exact(c)).zip(r.chunks_exact(c)) {
                    for k in 0..c {
                        y[k] = above((x[k] - mean[k]) * scale[k] + bias[k] + r[k]);
                    }
                }
            }
        }
    }
}

pub(super) struct Backward<'a> {
    pub(super) x: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) mean: &'a [f32],
    pub(super) variance: &'a [f32],
    pub(super) eps: f64,
}

impl Backward<'_> {
    /// Zeroes the gradient where the rectifier was closed, from the result.
    pub(super) fn mask_by_result(dy: &mut [f32], y: &[f32]) {
        let part = 64 * 1024;
        dy.par_chunks_mut(part).zip(y.par_chunks(part)).for_each(|(dy, y)| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || dy.iter_mut().zip(y).for_each(|(g, &y)| *g = if y > 0.0 { *g } else { 0.0 }),
            );
        });
    }

    /// Turns `dy` into the gradient for x; returns those for weight and bias. `bias` is given where a rectifier follows at
    /// once: whether it was open is computed anew. The formula is with the composed form.
    pub(super) fn run(&self, dy: &mut [f32], bias: Option<&[f32]>) -> (Vec<f32>, Vec<f32>) {
        let arch = pulp::Arch::new();
        let c = self.weight.len();
        let part = part_rows(self.x.len() / c) * c;
        let inverse: Vec<f64> = self.variance.iter().map(|&v| 1.0 / (f64::from(v) + self.eps).sqrt()).collect();
        let scale: Vec<f32> = self.weight.iter().zip(&inverse).map(|(&w, r)| (f64::from(w) * r) as f32).collect();
        let mean = self.mean;
        // Open everywhere: 0·x + 1 > 0.
        let (gate, threshold): (Vec<f32>, Vec<f32>) = match bias {
            Some(b) => (scale.clone(), b.to_vec()),
            None => (vec![0.0; c], vec![1.0; c]),
        };
        let parts = self.x.par_chunks(part).zip(dy.par_chunks(part)).map(|(x, dy)| {
            arch.dispatch(
                #[inline(always)]
                || {
                    let (mean, gate, threshold) = (&mean[..c], &gate[..c], &threshold[..c]);
                    column_sums(
                        x,
                        dy,
                        c,
                        #[inline(always)]
                        |x, dy, k| {
                            let d = x - mean[k];
                            let g = if d * gate[k] + threshold[k] > 0.0 { dy } else { 0.0 };
                            (g, g * d)
                        },
                    )
                },
            )
        });
        let sums = total(parts.collect(), c);
        let count = (self.x.len() / c) as f64;
        let db: Vec<f32> = sums.iter().map(|s| (s.0 / count) as f32).collect();
        let dw: Vec<f32> = sums.iter().zip(&inverse).map(|(s, r)| (s.1 * r * r / count) as f32).collect();
        dy.par_chunks_mut(part).zip(self.x.par_chunks(part)).for_each(|(dy, x)| {
            arch.dispatch(
                #[inline(always)]
                || {
                    let (mean, gate, threshold) = (&mean[..c], &gate[..c], &threshold[..c]);
                    let (scale, db, dw) = (&scale[..c], &db[..c], &dw[..c]);
                    for (dy, x) in dy.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                        for k in 0..c {
                            let d = x[k] - mean[k];
                            let g = if d * gate[k] + threshold[k] > 0.0 { dy[k] } else { 0.0 };
                            dy[k] = scale[k] * (g - db[k] - d * dw[k]);
                        }
                    }
                },
            );
        });
        let weight = sums.iter().zip(&inverse).map(|(s, r)| (s.1 * r) as f32).collect();
        (weight, sums.iter().map(|s| s.0 as f32).collect())
    }
}
