//! Normalisation within groups of channels of each sample, and layer normalisation, which is that of one place and one group.
//!
//! Two passes each way, as in [`super::norm`]: sums, then results. Samples are independent but for the gradients of weight and
//! bias, whose parts depend on the shape alone.

use super::blocks::buffer;
use super::isa::Isa;
use super::norm::{channel_sums, width};
use rayon::prelude::*;

/// Elements a task takes, at least.
const PART: usize = 32 * 1024;
/// Sums that run beside each other over a row.
const LANES: usize = 16;
/// Elements of a row summed in f32.
const FLUSH: usize = 64 * LANES;

/// `weight` and `bias` are `[C]`, `sizes` N, P and C.
pub(super) struct Norm<'a> {
    pub(super) weight: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) sizes: [usize; 3],
    pub(super) groups: usize,
    pub(super) eps: f64,
}

/// The two sums of `f(a, b, w)` over a row.
#[inline(always)]
fn row_sums(a: &[f32], b: &[f32], w: &[f32], f: impl Fn(f32, f32, f32) -> (f32, f32)) -> (f64, f64) {
    let mut total = (0.0, 0.0);
    for ((a, b), w) in a.chunks(FLUSH).zip(b.chunks(FLUSH)).zip(w.chunks(FLUSH)) {
        let (mut p, mut q) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (mut a, mut b, mut w) = (a.chunks_exact(LANES), b.chunks_exact(LANES), w.chunks_exact(LANES));
        for ((a, b), w) in a.by_ref().zip(b.by_ref()).zip(w.by_ref()) {
            for k in 0..LANES {
                let t = f(a[k], b[k], w[k]);
                p[k] += t.0;
                q[k] += t.1;
            }
        }
        for (k, ((&a, &b), &w)) in a.remainder().iter().zip(b.remainder()).zip(w.remainder()).enumerate() {
            let t = f(a, b, w);
            p[k] += t.0;
            q[k] += t.1;
        }
        total.0 += f64::from(p.iter().sum::<f32>());
        total.1 += f64::from(q.iter().sum::<f32>());
    }
    total
}

/// What is wanted for each channel of a sample, over as many rows as are taken at once ([`width`]); room that is used again for
/// the next one.
struct Channels {
    mean: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    slope: Vec<f32>,
}

impl Channels {
    fn new(c: usize) -> Self {
        let zeros = || vec![0.0; width(c)];
        Channels { mean: zeros(), scale: zeros(), shift: zeros(), slope: zeros() }
    }
}

/// Repeats the first `c` over the rest.
#[inline(always)]
fn repeat(v: &mut [f32], c: usize) {
    for k in c..v.len() {
        v[k] = v[k - c];
    }
}

impl Norm<'_> {
    /// Samples of one part.
    fn part(&self) -> usize {
        let [_, p, c] = self.sizes;
        PART.div_ceil((p * c).max(1)).max(1)
    }

    /// A row is one group, and there is one place.
    fn is_row(&self) -> bool {
        self.sizes[1] == 1 && self.groups == 1
    }

    fn inverse(&self, variance: f64) -> f64 {
        1.0 / (variance + self.eps).sqrt()
    }

    /// The result, and mean and biased variance of each group of each sample.
    pub(super) fn forward(&self, x: &[f32]) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let [n, p, c] = self.sizes;
        let (isa, part, g) = (Isa::best(), self.part(), self.groups);
        if x.is_empty() {
            return (Vec::new(), vec![0.0; n * g], vec![0.0; n * g]);
        }
        let mut y = buffer(x.len());
        let (mut mean, mut variance) = (vec![0.0; n * g], vec![0.0; n * g]);
        let parts = y.par_chunks_mut(part * p * c).zip(x.par_chunks(part * p * c));
        let statistics = mean.par_chunks_mut(part * g).zip(variance.par_chunks_mut(part * g));
        parts.zip(statistics).for_each(|((y, x), (mean, variance))| {
            let mut of = Channels::new(c);
            isa.vectorised(
                #[inline(always)]
                || {
                    let samples = y.chunks_exact_mut(p * c).zip(x.chunks_exact(p * c));
                    let statistics = mean.chunks_exact_mut(g).zip(variance.chunks_exact_mut(g));
                    for ((y, x), (mean, variance)) in samples.zip(statistics) {
                        match self.is_row() {
                            true => (mean[0], variance[0]) = self.forward_row(x, y),
                            false => self.forward_sample(x, y, mean, variance, &mut of),
                        }
                    }
                },
            );
        });
        (y, mean, variance)
    }

    #[inline(always)]
    fn forward_row(&self, x: &[f32], y: &mut [f32]) -> (f32, f32) {
        let c = y.len();
        let (x, weight, bias) = (&x[..c], &self.weight[..c], &self.bias[..c]);
        // Squares are taken around the first value: a mean far from zero then costs no digits.
        let pivot = x[0];
        let (sum, squares) = row_sums(
            x,
            x,
            x,
            #[inline(always)]
            |v, _, _| (v - pivot, (v - pivot) * (v - pivot)),
        );
        let shift = sum / c as f64;
        let variance = (squares / c as f64 - shift * shift).max(0.0);
        let mean = (f64::from(pivot) + shift) as f32;
        let r = self.inverse(variance) as f32;
        for k in 0..c {
            y[k] = (x[k] - mean) * r * weight[k] + bias[k];
        }
        (mean, variance as f32)
    }

    #[inline(always)]
    fn forward_sample(&self, x: &[f32], y: &mut [f32], mean: &mut [f32], variance: &mut [f32], of: &mut Channels) {
        let [_, p, c] = self.sizes;
        let size = c / self.groups;
        let width = of.mean.len();
        for (pivots, x) in of.shift[..c].chunks_exact_mut(size).zip(x[..c].chunks_exact(size)) {
            pivots.fill(x[0]);
        }
        repeat(&mut of.shift, c);
        let pivot = &of.shift[..width];
        let sums = channel_sums(
            x,
            x,
            c,
            width,
            #[inline(always)]
            |v, _, k| {
                let d = v - pivot[k];
                (d, d * d)
            },
        );
        let count = (size * p) as f64;
        for (i, sums) in sums.chunks_exact(size).enumerate() {
            let (sum, squares) = sums.iter().fold((0.0, 0.0), |t, s| (t.0 + s.0, t.1 + s.1));
            let shift = sum / count;
            let group = i * size..(i + 1) * size;
            mean[i] = (f64::from(of.shift[group.start]) + shift) as f32;
            let spread = (squares / count - shift * shift).max(0.0);
            variance[i] = spread as f32;
            let r = self.inverse(spread);
            of.mean[group.clone()].fill(mean[i]);
            for (scale, &w) in of.scale[group.clone()].iter_mut().zip(&self.weight[group]) {
                *scale = (f64::from(w) * r) as f32;
            }
        }
        of.slope[..c].copy_from_slice(self.bias);
        for v in [&mut of.mean, &mut of.scale, &mut of.slope] {
            repeat(v, c);
        }
        for (y, x) in y.chunks_mut(width).zip(x.chunks(width)) {
            let c = y.len();
            let (x, mean, scale, bias) = (&x[..c], &of.mean[..c], &of.scale[..c], &of.slope[..c]);
            for k in 0..c {
                y[k] = (x[k] - mean[k]) * scale[k] + bias[k];
            }
        }
    }

    /// Turns `dy` into the gradient for x; returns those for weight and bias. The formula is with the composed form.
    pub(super) fn backward(&self, x: &[f32], mean: &[f32], variance: &[f32], dy: &mut [f32]) -> (Vec<f32>, Vec<f32>) {
        let [_, p, c] = self.sizes;
        let (isa, part, g) = (Isa::best(), self.part(), self.groups);
        if x.is_empty() {
            return (vec![0.0; c], vec![0.0; c]);
        }
        let parts = dy.par_chunks_mut(part * p * c).zip(x.par_chunks(part * p * c));
        let statistics = mean.par_chunks(part * g).zip(variance.par_chunks(part * g));
        let sums = parts.zip(statistics).map(|((dy, x), (mean, variance))| {
            let mut of = Channels::new(c);
            let mut sums = vec![(0.0f64, 0.0f64); c];
            isa.vectorised(
                #[inline(always)]
                || {
                    let samples = dy.chunks_exact_mut(p * c).zip(x.chunks_exact(p * c));
                    let statistics = mean.chunks_exact(g).zip(variance.chunks_exact(g));
                    for ((dy, x), (mean, variance)) in samples.zip(statistics) {
                        match self.is_row() {
                            true => self.backward_row(x, dy, mean[0], variance[0], &mut of),
                            false => self.backward_sample(x, dy, (mean, variance), &mut of, &mut sums),
                        }
                    }
                    if self.is_row() {
                        for (s, (dw, db)) in sums.iter_mut().zip(of.scale.iter().zip(&of.shift)) {
                            *s = (f64::from(*dw), f64::from(*db));
                        }
                    }
                },
            );
            sums
        });
        let sums: Vec<Vec<(f64, f64)>> = sums.collect();
        let total = sums.into_iter().fold(vec![(0.0, 0.0); c], |mut sum, part| {
            sum.iter_mut().zip(part).for_each(|(s, p)| *s = (s.0 + p.0, s.1 + p.1));
            sum
        });
        total.into_iter().map(|s| (s.0 as f32, s.1 as f32)).unzip()
    }

    /// Adds what weight and bias get to `of.scale` and `of.shift`.
    #[inline(always)]
    fn backward_row(&self, x: &[f32], dy: &mut [f32], mean: f32, variance: f32, of: &mut Channels) {
        let c = dy.len();
        let (x, weight) = (&x[..c], &self.weight[..c]);
        let r = self.inverse(f64::from(variance));
        let (sum, product) = row_sums(
            x,
            dy,
            weight,
            #[inline(always)]
            |x, dy, w| (w * dy, w * dy * (x - mean)),
        );
        let (db, dw) = ((sum / c as f64) as f32, (product * r * r / c as f64) as f32);
        let r = r as f32;
        let (for_weight, for_bias) = (&mut of.scale[..c], &mut of.shift[..c]);
        for k in 0..c {
            let (d, g) = (x[k] - mean, dy[k]);
            for_weight[k] += g * d * r;
            for_bias[k] += g;
            dy[k] = r * (weight[k] * g - db - d * dw);
        }
    }

    /// Adds what weight and bias get to `totals`.
    #[inline(always)]
    fn backward_sample(
        &self,
        x: &[f32],
        dy: &mut [f32],
        (mean, variance): (&[f32], &[f32]),
        of: &mut Channels,
        totals: &mut [(f64, f64)],
    ) {
        let [_, p, c] = self.sizes;
        let size = c / self.groups;
        let width = of.mean.len();
        of.mean[..c].chunks_exact_mut(size).zip(mean).for_each(|(of, &mean)| of.fill(mean));
        repeat(&mut of.mean, c);
        let means = &of.mean[..width];
        let sums = channel_sums(
            x,
            dy,
            c,
            width,
            #[inline(always)]
            |x, dy, k| (dy, dy * (x - means[k])),
        );
        let count = (size * p) as f64;
        for (i, &variance) in variance.iter().enumerate() {
            let r = self.inverse(f64::from(variance));
            let (mut sum, mut product) = (0.0, 0.0);
            for k in i * size..(i + 1) * size {
                let w = f64::from(self.weight[k]);
                sum += w * sums[k].0;
                product += w * sums[k].1;
                totals[k].0 += sums[k].1 * r;
                totals[k].1 += sums[k].0;
                of.scale[k] = (w * r) as f32;
            }
            of.shift[i * size..(i + 1) * size].fill((r * sum / count) as f32);
            of.slope[i * size..(i + 1) * size].fill((r * r * r * product / count) as f32);
        }
        for v in [&mut of.scale, &mut of.shift, &mut of.slope] {
            repeat(v, c);
        }
        for (dy, x) in dy.chunks_mut(width).zip(x.chunks(width)) {
            let c = dy.len();
            let (x, mean, scale) = (&x[..c], &of.mean[..c], &of.scale[..c]);
            let (shift, slope) = (&of.shift[..c], &of.slope[..c]);
            for k in 0..c {
                dy[k] = scale[k] * dy[k] - shift[k] - (x[k] - mean[k]) * slope[k];
            }
        }
    }
}
