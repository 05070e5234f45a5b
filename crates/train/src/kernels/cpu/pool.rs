//! Maximum pooling with the place of each maximum.

use super::super::PoolWindow;
use rayon::prelude::*;

/// Output columns for which tap `k` of a window reads inside a row of `size`.
fn inside(w: &PoolWindow, d: usize, size: usize, k: usize) -> (usize, usize) {
    let (stride, offset, pad, out) = (w.stride[d], k * w.dilation[d], w.padding[d], w.output[d]);
    let first = pad.saturating_sub(offset).div_ceil(stride).min(out);
    let end = if size + pad > offset { (size + pad - offset).div_ceil(stride).min(out) } else { 0 };
    (first, end.max(first))
}

/// The maxima of `planes` planes of `h`×`width`, and where each lies in its plane. The first of equal elements wins, and a NaN
/// wins over everything, as in PyTorch.
pub(super) fn forward(x: &[f32], h: usize, width: usize, w: &PoolWindow) -> (Vec<f32>, Vec<i32>) {
    let arch = pulp::Arch::new();
    let out = w.output[0] * w.output[1];
    let planes = x.len() / (h * width).max(1);
    let (mut y, mut places) = (vec![f32::NEG_INFINITY; planes * out], vec![0i32; planes * out]);
    let work = y.par_chunks_mut(out).zip(places.par_chunks_mut(out)).zip(x.par_chunks(h * width));
    work.with_min_len(4).for_each(|((y, places), x)| arch.dispatch(|| plane(x, y, places, h, width, w)));
    (y, places)
}

#[inline(always)]
fn plane(x: &[f32], y: &mut [f32], places: &mut [i32], h: usize, width: usize, w: &PoolWindow) {
    let stride = w.stride[1];
    for ky in 0..w.kernel[0] {
        let (top, bottom) = inside(w, 0, h, ky);
        for kx in 0..w.kernel[1] {
            let (first, end) = inside(w, 1, width, kx);
            if first == end {
                continue;
            }
            for oy in top..bottom {
                let row = oy * w.stride[0] + ky * w.dilation[0] - w.padding[0];
                let start = row * width + first * stride + kx * w.dilation[1] - w.padding[1];
                let n = end - first;
                let y = &mut y[oy * w.output[1] + first..][..n];
                let places = &mut places[oy * w.output[1] + first..][..n];
                let x = &x[start..][..(n - 1) * stride + 1];
                match stride {
                    1 => better(y, places, start, 1, x.iter()),
                    2 => better(y, places, start, 2, x.iter().step_by(2)),
                    s => better(y, places, start, s, x.iter().step_by(s)),
                }
            }
        }
    }
}

#[inline(always)]
fn better<'a>(y: &mut [f32], places: &mut [i32], start: usize, step: usize, x: impl Iterator<Item = &'a f32>) {
    let mut place = start as i32;
    for ((y, p), &v) in y.iter_mut().zip(places).zip(x) {
        // Not `v > y || v.is_nan()`: without a branch this is one comparison and two selections.
        let wins = !(v <= *y);
        *y = if wins { v } else { *y };
        *p = if wins { place } else { *p };
        place += step as i32;
    }
}

/// The gradient: each goes to where its maximum was.
pub(super) fn backward(dy: &[f32], places: &[i32], h: usize, width: usize, w: &PoolWindow) -> Vec<f32> {
    let out = (w.output[0] * w.output[1]).max(1);
    let mut dx = vec![0.0; dy.len() / out * h * width];
    let work = dx.par_chunks_mut((h * width).max(1)).zip(dy.par_chunks(out)).zip(places.par_chunks(out));
    work.with_min_len(4).for_each(|((dx, dy), places)| {
        for (&g, &p) in dy.iter().zip(places) {
            if let Some(x) = dx.get_mut(p as usize) {
                *x += g;
            }
        }
    });
    dx
}
