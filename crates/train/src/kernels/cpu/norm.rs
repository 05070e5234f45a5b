//! Batch normalisation on rows of channels, with the addition and the activation that follow it in the graph.
//!
//! Forward: one pass for the statistics, one for the result. Backward: one pass for the sums, one for the gradient; what the
//! activation was given is computed anew from the input, and need not be kept. Sums run in f32 over few rows and in f64 beyond;
//! parts depend on the shape alone.

use super::blocks::buffer;
use super::isa::Isa;
use super::pointwise::{self, Visit};
use archsmith_ir::prim::UnaryOp;
use rayon::prelude::*;

/// Rows summed in f32.
const FLUSH: usize = 64;

/// Rows of one part.
fn part_rows(rows: usize) -> usize {
    rows.div_ceil(32).max(FLUSH)
}

/// Elements that loops over channels take at once: whole rows, so many that vectors are filled, though the channels may be few
/// or an odd number.
pub(super) fn width(c: usize) -> usize {
    /// Elements of the widest vector.
    const VECTOR: usize = 16;
    const LEAST: usize = 4 * VECTOR;
    if c.is_multiple_of(VECTOR) || c >= 8 * VECTOR {
        return c;
    }
    // As many rows as a vector has elements are whole vectors, whatever c.
    let whole = (1..=VECTOR).map(|rows| rows * c).find(|n| n.is_multiple_of(VECTOR)).unwrap_or(c);
    whole * LEAST.div_ceil(whole).max(1)
}

/// What each channel has, repeated for as many rows as `width` elements are.
pub(super) fn repeated(v: &[f32], width: usize) -> Vec<f32> {
    v.iter().copied().cycle().take(width).collect()
}

/// As [`column_sums`] of rows of `c`, taken `width` elements at once; what `f` reads by channel is [`repeated`].
#[inline(always)]
pub(super) fn channel_sums(
    a: &[f32],
    b: &[f32],
    c: usize,
    width: usize,
    f: impl Fn(f32, f32, usize) -> (f32, f32),
) -> Vec<(f64, f64)> {
    let whole = a.len() - a.len() % width;
    let mut sums = column_sums(&a[..whole], &b[..whole], width, &f);
    if width > c {
        for k in c..width {
            let s = sums[k];
            sums[k % c] = (sums[k % c].0 + s.0, sums[k % c].1 + s.1);
        }
        sums.truncate(c);
        let rest = column_sums(&a[whole..], &b[whole..], c, &f);
        sums.iter_mut().zip(rest).for_each(|(s, r)| *s = (s.0 + r.0, s.1 + r.1));
    }
    sums
}

/// For each channel, the sums of `f(a, b, channel)` over rows of `c` elements. `f` is `#[inline(always)]`, and whatever slices
/// it reads by channel have `c` elements.
#[inline(always)]
pub(super) fn column_sums(
    a: &[f32],
    b: &[f32],
    c: usize,
    f: impl Fn(f32, f32, usize) -> (f32, f32),
) -> Vec<(f64, f64)> {
    /// Rows whose terms are added before they go to the sums in memory.
    const TOGETHER: usize = 4;
    let mut sums = vec![(0.0, 0.0); c];
    let (mut p, mut q) = (vec![0.0f32; c], vec![0.0f32; c]);
    for (a, b) in a.chunks(FLUSH * c).zip(b.chunks(FLUSH * c)) {
        let (p, q) = (&mut p[..c], &mut q[..c]);
        p.fill(0.0);
        q.fill(0.0);
        let (mut a, mut b) = (a.chunks_exact(TOGETHER * c), b.chunks_exact(TOGETHER * c));
        for (a, b) in a.by_ref().zip(b.by_ref()) {
            let (a0, a1, a2, a3) = (&a[..c], &a[c..2 * c], &a[2 * c..3 * c], &a[3 * c..4 * c]);
            let (b0, b1, b2, b3) = (&b[..c], &b[c..2 * c], &b[2 * c..3 * c], &b[3 * c..4 * c]);
            for k in 0..c {
                let (t0, t1) = (f(a0[k], b0[k], k), f(a1[k], b1[k], k));
                let (t2, t3) = (f(a2[k], b2[k], k), f(a3[k], b3[k], k));
                p[k] += (t0.0 + t1.0) + (t2.0 + t3.0);
                q[k] += (t0.1 + t1.1) + (t2.1 + t3.1);
            }
        }
        for (a, b) in a.remainder().chunks_exact(c).zip(b.remainder().chunks_exact(c)) {
            for k in 0..c {
                let t = f(a[k], b[k], k);
                p[k] += t.0;
                q[k] += t.1;
            }
        }
        for ((s, p), q) in sums.iter_mut().zip(&*p).zip(&*q) {
            s.0 += f64::from(*p);
            s.1 += f64::from(*q);
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
    let isa = Isa::best();
    let count = (x.len() / c) as f64;
    let width = width(c);
    let pivot = repeated(&x[..c], width);
    let part = part_rows(x.len() / c) * c;
    let parts = x.par_chunks(part).map(|x| {
        isa.vectorised(
            #[inline(always)]
            || {
                let pivot = &pivot[..width];
                channel_sums(
                    x,
                    x,
                    c,
                    width,
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
        .zip(&pivot)
        .map(|((sum, squares), &pivot)| {
            let shift = sum / count;
            (f64::from(pivot) + shift, (squares / count - shift * shift).max(0.0))
        })
        .collect()
}

/// What normalises each channel: `(x − mean)·scale + bias`, repeated over several rows ([`width`]).
pub(super) struct Affine {
    channels: usize,
    mean: Vec<f32>,
    scale: Vec<f32>,
    bias: Vec<f32>,
}

impl Affine {
    pub(super) fn new(mean: &[f32], variance: &[f32], weight: &[f32], bias: &[f32], eps: f64) -> Self {
        let scale = weight.iter().zip(variance).map(|(&w, &v)| (f64::from(w) / (f64::from(v) + eps).sqrt()) as f32);
        let scale: Vec<f32> = scale.collect();
        let [mean, scale, bias] = [mean, &scale, bias].map(|v| repeated(v, width(v.len())));
        Affine { channels: weight.len(), mean, scale, bias }
    }

    /// The normalised input, plus `residual`, through `activation`.
    pub(super) fn apply(&self, x: &[f32], residual: Option<&[f32]>, activation: Option<UnaryOp>) -> Vec<f32> {
        let apply = Apply { affine: self, x, residual };
        match activation {
            Some(op) => pointwise::with(op, apply),
            None => apply.visit(|y| y, |_| 1.0),
        }
    }

    /// Multiplies a part of the gradient by the derivative of an activation that the normalised input went into.
    #[inline(always)]
    fn chain(&self, x: &[f32], dy: &mut [f32], derivative: impl Fn(f32) -> f32) {
        let width = self.mean.len();
        for (dy, x) in dy.chunks_mut(width).zip(x.chunks(width)) {
            let c = dy.len();
            let (x, mean, scale, bias) = (&x[..c], &self.mean[..c], &self.scale[..c], &self.bias[..c]);
            for k in 0..c {
                dy[k] *= derivative((x[k] - mean[k]) * scale[k] + bias[k]);
            }
        }
    }
}

struct Apply<'a> {
    affine: &'a Affine,
    x: &'a [f32],
    residual: Option<&'a [f32]>,
}

impl Visit for Apply<'_> {
    type Result = Vec<f32>;

    fn visit(self, value: impl Fn(f32) -> f32 + Sync, _: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
        let isa = Isa::best();
        let c = self.affine.channels;
        let part = part_rows(self.x.len() / c) * c;
        let mut y = buffer(self.x.len());
        y.par_chunks_mut(part).zip(self.x.par_chunks(part)).enumerate().for_each(|(i, (y, x))| {
            let residual = self.residual.map(|r| &r[i * part..][..x.len()]);
            isa.vectorised(
                #[inline(always)]
                || self.part(x, residual, y, &value),
            );
        });
        y
    }
}

impl Apply<'_> {
    #[inline(always)]
    fn part(&self, x: &[f32], residual: Option<&[f32]>, y: &mut [f32], value: impl Fn(f32) -> f32) {
        let width = self.affine.mean.len();
        let of = |c: usize| (&self.affine.mean[..c], &self.affine.scale[..c], &self.affine.bias[..c]);
        match residual {
            None => {
                for (y, x) in y.chunks_mut(width).zip(x.chunks(width)) {
                    let c = y.len();
                    let (x, (mean, scale, bias)) = (&x[..c], of(c));
                    for k in 0..c {
                        y[k] = value((x[k] - mean[k]) * scale[k] + bias[k]);
                    }
                }
            }
            Some(r) => {
                for ((y, x), r) in y.chunks_mut(width).zip(x.chunks(width)).zip(r.chunks(width)) {
                    let c = y.len();
                    let (x, r, (mean, scale, bias)) = (&x[..c], &r[..c], of(c));
                    for k in 0..c {
                        y[k] = value((x[k] - mean[k]) * scale[k] + bias[k] + r[k]);
                    }
                }
            }
        }
    }
}

/// The gradient before an activation.
struct Before<'a> {
    affine: &'a Affine,
    x: &'a [f32],
    dy: &'a mut [f32],
    by_result: bool,
}

impl Visit for Before<'_> {
    type Result = ();

    fn visit(self, value: impl Fn(f32) -> f32 + Sync, derivative: impl Fn(f32) -> f32 + Sync) {
        let isa = Isa::best();
        let c = self.affine.channels;
        let part = part_rows(self.x.len() / c) * c;
        self.dy.par_chunks_mut(part).zip(self.x.par_chunks(part)).for_each(|(dy, x)| {
            isa.vectorised(
                #[inline(always)]
                || match self.by_result {
                    true => self.affine.chain(x, dy, |x| derivative(value(x))),
                    false => self.affine.chain(x, dy, &derivative),
                },
            );
        });
    }
}

pub(super) struct Backward<'a> {
    pub(super) x: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) mean: &'a [f32],
    pub(super) variance: &'a [f32],
    pub(super) eps: f64,
}

impl Backward<'_> {
    /// Zeroes the gradient where the rectifier was closed, from the result.
    pub(super) fn mask_by_result(dy: &mut [f32], y: &[f32]) {
        let part = 64 * 1024;
        dy.par_chunks_mut(part).zip(y.par_chunks(part)).for_each(|(dy, y)| {
            Isa::best().vectorised(
                #[inline(always)]
                || dy.iter_mut().zip(y).for_each(|(g, &y)| *g = if y > 0.0 { *g } else { 0.0 }),
            );
        });
    }

    /// Turns `dy` into the gradient for x; returns those for weight and bias. `activation` is one that follows at once. The
    /// formula is with the composed form.
    pub(super) fn run(&self, dy: &mut [f32], activation: Option<UnaryOp>) -> (Vec<f32>, Vec<f32>) {
        let isa = Isa::best();
        let c = self.weight.len();
        // A rectifier costs a comparison in both passes, anything else a pass of its own.
        let relu = activation == Some(UnaryOp::Relu);
        if let Some(op) = activation.filter(|_| !relu) {
            let affine = Affine::new(self.mean, self.variance, self.weight, self.bias, self.eps);
            pointwise::with(op, Before { affine: &affine, x: self.x, dy, by_result: pointwise::by_result(op) });
        }
        let part = part_rows(self.x.len() / c) * c;
        let inverse: Vec<f64> = self.variance.iter().map(|&v| 1.0 / (f64::from(v) + self.eps).sqrt()).collect();
        let scale: Vec<f32> = self.weight.iter().zip(&inverse).map(|(&w, r)| (f64::from(w) * r) as f32).collect();
        let width = width(c);
        let (mean, scale) = (repeated(self.mean, width), repeated(&scale, width));
        // Open everywhere: 0·x + 1 > 0.
        let (gate, threshold): (Vec<f32>, Vec<f32>) = match relu {
            true => (scale.clone(), repeated(self.bias, width)),
            false => (vec![0.0; width], vec![1.0; width]),
        };
        let parts = self.x.par_chunks(part).zip(dy.par_chunks(part)).map(|(x, dy)| {
            isa.vectorised(
                #[inline(always)]
                || {
                    let (mean, gate, threshold) = (&mean[..width], &gate[..width], &threshold[..width]);
                    channel_sums(
                        x,
                        dy,
                        c,
                        width,
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
        let (db, dw) = (repeated(&db, width), repeated(&dw, width));
        dy.par_chunks_mut(part).zip(self.x.par_chunks(part)).for_each(|(dy, x)| {
            isa.vectorised(
                #[inline(always)]
                || {
                    for (dy, x) in dy.chunks_mut(width).zip(x.chunks(width)) {
                        let c = dy.len();
                        let (x, mean, gate, threshold) = (&x[..c], &mean[..c], &gate[..c], &threshold[..c]);
                        let (scale, db, dw) = (&scale[..c], &db[..c], &dw[..c]);
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
