//! Causal grouped-query attention over sequences laid one after the other in a matrix.
//!
//! A sequence never sees another one. Queries are handled in blocks, so memory grows with the block times the
//! length, not with the square of the length; the backward pass computes probabilities again from the saved
//! log-sum-exp (Dao, arXiv 2307.08691).

use crate::kernels::{dot, exp, softmax_row};
use crate::matrix::{Matrix, Target, View, product};
use crate::simd::vectorised;
use rayon::prelude::*;

/// Query rows handled at a time.
const BLOCK: usize = 64;

/// Number of heads and their size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) query: usize,
    pub(crate) key_value: usize,
    pub(crate) dim: usize,
}

impl Heads {
    fn group(&self) -> usize {
        self.query / self.key_value
    }

    fn scale(&self) -> f32 {
        1.0 / (self.dim as f32).sqrt()
    }
}

/// A sequence inside a batch: first row and number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// Rows `start..start+len` of head `head`.
fn head_view(x: &Matrix, start: usize, len: usize, head: usize, dim: usize) -> View<'_> {
    View { data: &x.data, offset: start * x.cols + head * dim, rows: len, cols: dim, row_stride: x.cols, col_stride: 1 }
}

fn local(data: &[f32], rows: usize, cols: usize, stride: usize) -> View<'_> {
    View { data, offset: 0, rows, cols, row_stride: stride, col_stride: 1 }
}

/// What [`forward`] gives: the mixed values `rows × (query heads · dim)` and the log-sum-exp `rows × query heads`.
pub(crate) struct Attended {
    pub(crate) out: Matrix,
    pub(crate) lse: Matrix,
}

/// `softmax(q kᵀ / √dim, causal) v` for every sequence and head.
pub(crate) fn forward(q: &Matrix, k: &Matrix, v: &Matrix, segments: &[Segment], heads: Heads) -> Attended {
    let (group, dim) = (heads.group(), heads.dim);
    let tasks: Vec<(Segment, usize)> =
        segments.iter().flat_map(|s| (0..heads.key_value).map(move |h| (*s, h))).collect();
    let results: Vec<(Vec<f32>, Vec<f32>)> = tasks
        .par_iter()
        .map(|&(segment, kv)| {
            let mut out = vec![0.0; segment.len * group * dim];
            let mut lse = vec![0.0; segment.len * group];
            let mut scores = vec![0.0; BLOCK * segment.len];
            for g in 0..group {
                let head = kv * group + g;
                for first in (0..segment.len).step_by(BLOCK) {
                    let rows = BLOCK.min(segment.len - first);
                    let seen = first + rows;
                    let queries = head_view(q, segment.start + first, rows, head, dim);
                    let keys = head_view(k, segment.start, seen, kv, dim);
                    let target = Target { data: &mut scores, offset: 0, row_stride: seen };
                    product(target, queries, keys.t(), heads.scale(), false, 1);
                    vectorised(
                        #[inline(always)]
                        || {
                            for r in 0..rows {
                                let row = &mut scores[r * seen..(r + 1) * seen];
                                let (past, future) = row.split_at_mut(first + r + 1);
                                lse[(first + r) * group + g] = softmax_row(past);
                                future.fill(0.0);
                            }
                        },
                    );
                    let target =
                        Target { data: &mut out, offset: first * group * dim + g * dim, row_stride: group * dim };
                    let values = head_view(v, segment.start, seen, kv, dim);
                    product(target, local(&scores, rows, seen, seen), values, 1.0, false, 1);
                }
            }
            (out, lse)
        })
        .collect();
    let mut out = Matrix::zeros(q.rows, q.cols);
    let mut lse = Matrix::zeros(q.rows, heads.query);
    for (&(segment, kv), (o, l)) in tasks.iter().zip(&results) {
        scatter(&mut out, segment, kv, group * dim, o);
        scatter(&mut lse, segment, kv, group, l);
    }
    Attended { out, lse }
}

fn scatter(into: &mut Matrix, segment: Segment, block: usize, width: usize, from: &[f32]) {
    for (r, row) in from.chunks_exact(width).enumerate() {
        into.row_mut(segment.start + r)[block * width..(block + 1) * width].copy_from_slice(row);
    }
}

/// Gradients of [`forward`] with respect to `q`, `k` and `v`.
pub(crate) fn backward(
    dout: &Matrix,
    attended: &Attended,
    (q, k, v): (&Matrix, &Matrix, &Matrix),
    segments: &[Segment],
    heads: Heads,
) -> (Matrix, Matrix, Matrix) {
    let (group, dim, scale) = (heads.group(), heads.dim, heads.scale());
    let tasks: Vec<(Segment, usize)> =
        segments.iter().flat_map(|s| (0..heads.key_value).map(move |h| (*s, h))).collect();
    let results: Vec<[Vec<f32>; 3]> = tasks
        .par_iter()
        .map(|&(segment, kv)| {
            let mut dq = vec![0.0; segment.len * group * dim];
            let mut dk = vec![0.0; segment.len * dim];
            let mut dv = vec![0.0; segment.len * dim];
            let mut probabilities = vec![0.0f32; BLOCK * segment.len];
            let mut dscores = vec![0.0f32; BLOCK * segment.len];
            for g in 0..group {
                let head = kv * group + g;
                for first in (0..segment.len).step_by(BLOCK) {
                    let rows = BLOCK.min(segment.len - first);
                    let seen = first + rows;
                    let queries = head_view(q, segment.start + first, rows, head, dim);
                    let keys = head_view(k, segment.start, seen, kv, dim);
                    let values = head_view(v, segment.start, seen, kv, dim);
                    let dmixed = head_view(dout, segment.start + first, rows, head, dim);
                    let target = Target { data: &mut probabilities, offset: 0, row_stride: seen };
                    product(target, queries, keys.t(), scale, false, 1);
                    let target = Target { data: &mut dscores, offset: 0, row_stride: seen };
                    product(target, dmixed, values.t(), 1.0, false, 1);
                    vectorised(
                        #[inline(always)]
                        || {
                            for r in 0..rows {
                                let at = segment.start + first + r;
                                let lse = attended.lse.row(at)[head];
                                let columns = head * dim..(head + 1) * dim;
                                let shift = dot(&dout.row(at)[columns.clone()], &attended.out.row(at)[columns]);
                                let past = first + r + 1;
                                let p = &mut probabilities[r * seen..(r + 1) * seen];
                                let ds = &mut dscores[r * seen..(r + 1) * seen];
                                for (p, ds) in p[..past].iter_mut().zip(&mut ds[..past]) {
                                    *p = exp(*p - lse);
                                    *ds = *p * (*ds - shift) * scale;
                                }
                                p[past..].fill(0.0);
                                ds[past..].fill(0.0);
                            }
                        },
                    );
                    let ds = local(&dscores, rows, seen, seen);
                    let p = local(&probabilities, rows, seen, seen);
                    let target =
                        Target { data: &mut dq, offset: first * group * dim + g * dim, row_stride: group * dim };
                    product(target, ds, keys, 1.0, false, 1);
                    product(Target { data: &mut dk, offset: 0, row_stride: dim }, ds.t(), queries, 1.0, true, 1);
                    product(Target { data: &mut dv, offset: 0, row_stride: dim }, p.t(), dmixed, 1.0, true, 1);
                }
            }
            [dq, dk, dv]
        })
        .collect();
    let mut dq = Matrix::zeros(q.rows, q.cols);
    let mut dk = Matrix::zeros(k.rows, k.cols);
    let mut dv = Matrix::zeros(v.rows, v.cols);
    for (&(segment, kv), [a, b, c]) in tasks.iter().zip(&results) {
        scatter(&mut dq, segment, kv, group * dim, a);
        scatter(&mut dk, segment, kv, dim, b);
        scatter(&mut dv, segment, kv, dim, c);
    }
    (dq, dk, dv)
}

/// Positions whose keys lie together in a [`LayerCache`], element by element.
const TOGETHER: usize = 32;

/// Cached keys and values of one layer.
///
/// Values lie position by position. Keys lie in blocks of [`TOGETHER`] positions, in which an element of all positions comes
/// before the next element: so both the scores and the mixed values are sums of rows, each times one number, and nothing is
/// added across a vector.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayerCache {
    /// `blocks × (key-value heads · dim) × TOGETHER`.
    keys: Vec<f32>,
    /// `positions × (key-value heads · dim)`.
    values: Vec<f32>,
    length: usize,
}

impl LayerCache {
    /// An empty cache with room for `positions` rows of `width` numbers.
    pub(crate) fn with_capacity(positions: usize, width: usize) -> Self {
        let keys = Vec::with_capacity(positions.next_multiple_of(TOGETHER) * width);
        Self { keys, values: Vec::with_capacity(positions * width), length: 0 }
    }

    /// Appends a position.
    pub(crate) fn push(&mut self, key: &[f32], value: &[f32]) {
        let (block, lane) = (self.length / TOGETHER, self.length % TOGETHER);
        let start = block * key.len() * TOGETHER;
        self.keys.resize(start + key.len() * TOGETHER, 0.0);
        for (lanes, k) in self.keys[start..].as_chunks_mut::<TOGETHER>().0.iter_mut().zip(key) {
            lanes[lane] = *k;
        }
        self.values.extend_from_slice(value);
        self.length += 1;
    }

    /// Forgets all but the first `kept` positions of `width` numbers.
    pub(crate) fn truncate(&mut self, kept: usize, width: usize) {
        self.length = self.length.min(kept);
        self.values.truncate(self.length * width);
        self.keys.truncate(self.length.next_multiple_of(TOGETHER) * width);
    }
}

/// `Σ factor · row` over rows of `N` numbers.
#[inline(always)]
fn sum_of_rows<'a, const N: usize>(factors: &[f32], rows: impl Iterator<Item = &'a [f32; N]>, sum: &mut [f32; N]) {
    let mut total = *sum;
    for (factor, row) in factors.iter().zip(rows) {
        for (t, v) in total.iter_mut().zip(row) {
            *t += factor * v;
        }
    }
    *sum = total;
}

/// Attention of one new row over cached keys and values, given as parts in order of position.
pub(crate) fn attend_one(out: &mut [f32], q: &[f32], parts: &[&LayerCache], heads: Heads) {
    let width = heads.key_value * heads.dim;
    let length: usize = parts.iter().map(|part| part.length).sum();
    let (group, dim, scale) = (heads.group(), heads.dim, heads.scale());
    vectorised(
        #[inline(always)]
        || {
            let mut scores: Vec<f32> = Vec::with_capacity(length + TOGETHER);
            for head in 0..heads.query {
                let at = head / group * dim;
                let query = &q[head * dim..(head + 1) * dim];
                scores.clear();
                for part in parts {
                    let end = scores.len() + part.length;
                    for block in part.keys.chunks_exact(width * TOGETHER) {
                        let mut sum = [0.0; TOGETHER];
                        let rows = block[at * TOGETHER..(at + dim) * TOGETHER].as_chunks().0;
                        sum_of_rows(query, rows.iter(), &mut sum);
                        scores.extend_from_slice(&sum.map(|s| s * scale));
                    }
                    scores.truncate(end);
                }
                softmax_row(&mut scores);
                let out = &mut out[head * dim..(head + 1) * dim];
                out.fill(0.0);
                let mut factors = scores.as_slice();
                for part in parts {
                    let (mine, others) = factors.split_at(part.length);
                    factors = others;
                    let (wide, narrow) = out.as_chunks_mut::<TOGETHER>();
                    for (c, sum) in wide.iter_mut().enumerate() {
                        mix(mine, &part.values, (at + c * TOGETHER, width), sum);
                    }
                    let done = wide.len() * TOGETHER;
                    for (c, sum) in narrow.iter_mut().enumerate() {
                        mix(mine, &part.values, (at + done + c, width), std::array::from_mut(sum));
                    }
                }
            }
        },
    );
}

/// Adds `factor · value` of all positions: `N` numbers of each, from `at` on.
#[inline(always)]
fn mix<const N: usize>(factors: &[f32], values: &[f32], (at, width): (usize, usize), sum: &mut [f32; N]) {
    sum_of_rows(factors, values.chunks_exact(width).filter_map(|v| v[at..].first_chunk()), sum);
}
