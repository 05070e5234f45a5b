//! A smaller operand over a larger one: `x [A, P, C]` with `v [A, C]`, each of v's rows for P rows of x. A bias has A = 1, the
//! weight of a channel in an image C > 1, the weight of a pixel C = 1.

use super::blocks::buffer;
use super::isa::Isa;
use super::norm::{channel_sums, width};
use rayon::prelude::*;

/// The sizes A, P and C.
pub(super) type Sizes = [usize; 3];

/// Elements a task takes, about.
const PART: usize = 32 * 1024;

/// Calls `f(part of x, part of y, row of v)` for every run of elements that meet one row.
#[inline(always)]
fn runs(y: &mut [f32], x: &[f32], v: &[f32], [_, p, c]: Sizes, f: impl Fn(&mut [f32], &[f32], &[f32]) + Sync) {
    let isa = Isa::best();
    let rows = (PART / c).max(1);
    y.par_chunks_mut(rows * c).zip(x.par_chunks(rows * c)).enumerate().for_each(|(i, (mut y, mut x))| {
        let mut row = i * rows;
        isa.vectorised(
            #[inline(always)]
            || {
                while !y.is_empty() {
                    // As many rows as the same row of v is for.
                    let n = (p - row % p).min(y.len() / c);
                    let (to, rest) = std::mem::take(&mut y).split_at_mut(n * c);
                    f(to, &x[..n * c], &v[row / p * c..][..c]);
                    (y, x, row) = (rest, &x[n * c..], row + n);
                }
            },
        );
    });
}

/// Product or sum.
pub(super) fn forward(product: bool, x: &[f32], v: &[f32], sizes: Sizes) -> Vec<f32> {
    let mut y = buffer(x.len());
    if product {
        spread(
            &mut y,
            x,
            v,
            sizes,
            #[inline(always)]
            |a, b| a * b,
        );
    } else {
        spread(
            &mut y,
            x,
            v,
            sizes,
            #[inline(always)]
            |a, b| a + b,
        );
    }
    y
}

#[inline(always)]
fn spread(y: &mut [f32], x: &[f32], v: &[f32], sizes: Sizes, f: impl Fn(f32, f32) -> f32 + Sync + Copy) {
    runs(
        y,
        x,
        v,
        sizes,
        #[inline(always)]
        |y, x, v| each(y, x, v, f),
    );
}

#[inline(always)]
fn each(y: &mut [f32], x: &[f32], v: &[f32], f: impl Fn(f32, f32) -> f32) {
    if let &[v] = v {
        return y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x, v));
    }
    for (y, x) in y.chunks_exact_mut(v.len()).zip(x.chunks_exact(v.len())) {
        for ((y, &x), &v) in y.iter_mut().zip(x).zip(v) {
            *y = f(x, v);
        }
    }
}

/// The gradient for v: `Σ dy·x` over the rows that met each row of v, or `Σ dy` without x.
pub(super) fn sums(x: Option<&[f32]>, dy: &[f32], [a, p, c]: Sizes) -> Vec<f32> {
    if x.is_none() && a == 1 && c > 1 {
        return column_by_column(dy, c);
    }
    let isa = Isa::best();
    let other = x.unwrap_or(dy);
    let product = x.is_some();
    let width = width(c);
    let part = |x: &[f32], dy: &[f32]| {
        isa.vectorised(
            #[inline(always)]
            || match product {
                true => channel_sums(
                    x,
                    dy,
                    c,
                    width,
                    #[inline(always)]
                    |x, g, _| (x * g, 0.0),
                ),
                false => channel_sums(
                    x,
                    dy,
                    c,
                    width,
                    #[inline(always)]
                    |_, g, _| (g, 0.0),
                ),
            },
        )
    };
    let fold = |parts: Vec<Vec<(f64, f64)>>| {
        let mut sum = vec![0.0f64; c];
        parts.iter().flatten().enumerate().for_each(|(i, s)| sum[i % c] += s.0);
        sum.into_iter().map(|s| s as f32).collect::<Vec<f32>>()
    };
    if a == 1 {
        let rows = p.div_ceil(32).max(64).next_multiple_of(16) * c;
        return fold(other.par_chunks(rows).zip(dy.par_chunks(rows)).map(|(x, dy)| part(x, dy)).collect());
    }
    let sums = other.par_chunks(p * c).zip(dy.par_chunks(p * c)).with_min_len((PART / (p * c)).max(1));
    sums.map(|(x, dy)| fold(vec![part(x, dy)])).flatten_iter().collect()
}

/// Columns that one task sums.
const BLOCK: usize = 64;

/// The sum of each column, in f32 and row after row. oneDNN sums the gradient of a convolution's bias in this order, for images
/// in channels-last order (measured on PyTorch 2.15: equal to the last bit). Before a batch normalisation that gradient is 0 but
/// for rounding, and what rounding leaves is then PyTorch's too, which an optimiser such as Adam makes visible. Other biases are
/// summed alike.
fn column_by_column(dy: &[f32], c: usize) -> Vec<f32> {
    let isa = Isa::best();
    let mut sums = vec![0.0f32; c];
    sums.par_chunks_mut(BLOCK).enumerate().for_each(|(i, sums)| {
        isa.vectorised(
            #[inline(always)]
            || {
                for row in dy.chunks_exact(c) {
                    sums.iter_mut().zip(&row[i * BLOCK..]).for_each(|(s, dy)| *s += dy);
                }
            },
        );
    });
    sums
}
