//! Reductions of the middle dimension of `[A, P, C]`: largest and smallest elements, and gradients spread over it.

use super::blocks::buffer;
use super::isa::Isa;
use super::spread::Sizes;
use rayon::prelude::*;

/// Elements a task takes, about.
const PART: usize = 32 * 1024;

/// As many of the outer dimension as a task takes.
fn part([_, p, c]: Sizes) -> usize {
    PART.div_ceil((p * c).max(1)).max(1)
}

/// `v [A, C]` repeated P times.
pub(super) fn repeat(v: &[f32], sizes: Sizes) -> Vec<f32> {
    let [a, p, c] = sizes;
    let mut y = buffer(a * p * c);
    if y.is_empty() {
        return y;
    }
    let n = part(sizes);
    y.par_chunks_mut(n * p * c).zip(v.par_chunks(n * c)).for_each(|(y, v)| {
        for (y, v) in y.chunks_exact_mut(p * c).zip(v.chunks_exact(c)) {
            match v {
                &[v] => y.fill(v),
                v => y.chunks_exact_mut(c).for_each(|y| y.copy_from_slice(v)),
            }
        }
    });
    y
}

/// The largest (or smallest) over P, `[A, C]`; not a number where one is not. P is not 0.
pub(super) fn extreme(x: &[f32], max: bool, sizes: Sizes) -> Vec<f32> {
    match max {
        true => first_of(
            x,
            sizes,
            #[inline(always)]
            |x, y| x > y,
        ),
        false => first_of(
            x,
            sizes,
            #[inline(always)]
            |x, y| x < y,
        ),
    }
}

/// The element over P that no other one goes before.
#[inline(always)]
fn first_of(x: &[f32], sizes: Sizes, before: impl Fn(f32, f32) -> bool + Sync) -> Vec<f32> {
    let [a, p, c] = sizes;
    let isa = Isa::best();
    let mut y = buffer(a * c);
    if x.is_empty() {
        return y;
    }
    let n = part(sizes);
    y.par_chunks_mut(n * c).zip(x.par_chunks(n * p * c)).for_each(|(y, x)| {
        isa.vectorised(
            #[inline(always)]
            || {
                for (y, x) in y.chunks_exact_mut(c).zip(x.chunks_exact(p * c)) {
                    y.copy_from_slice(&x[..c]);
                    for x in x[c..].chunks_exact(c) {
                        // What is not a number stays: it must reach the loss.
                        y.iter_mut().zip(x).for_each(|(y, &x)| *y = if before(x, *y) | x.is_nan() { x } else { *y });
                    }
                }
            },
        );
    });
    y
}

/// The gradient of [`extreme`] from its argument, its result and the result's gradient, shared among equal elements.
pub(super) fn extreme_backward(x: &[f32], y: &[f32], dy: &[f32], sizes: Sizes) -> Vec<f32> {
    let [_, p, c] = sizes;
    let isa = Isa::best();
    let mut dx = buffer(x.len());
    if x.is_empty() {
        return dx;
    }
    let n = part(sizes);
    let results = y.par_chunks(n * c).zip(dy.par_chunks(n * c));
    dx.par_chunks_mut(n * p * c).zip(x.par_chunks(n * p * c)).zip(results).for_each(|((dx, x), (y, dy))| {
        let mut share = vec![0.0f32; c];
        isa.vectorised(
            #[inline(always)]
            || {
                let outer = dx.chunks_exact_mut(p * c).zip(x.chunks_exact(p * c));
                for ((dx, x), (y, dy)) in outer.zip(y.chunks_exact(c).zip(dy.chunks_exact(c))) {
                    share.fill(0.0);
                    for x in x.chunks_exact(c) {
                        share.iter_mut().zip(x).zip(y).for_each(|((n, x), y)| *n += if x == y { 1.0 } else { 0.0 });
                    }
                    share.iter_mut().zip(dy).for_each(|(n, dy)| *n = dy / *n);
                    for (dx, x) in dx.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                        for (((dx, x), y), share) in dx.iter_mut().zip(x).zip(y).zip(&share) {
                            *dx = if x == y { *share } else { 0.0 };
                        }
                    }
                }
            },
        );
    });
    dx
}
