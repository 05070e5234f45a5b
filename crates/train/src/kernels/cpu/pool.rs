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
    if (w.kernel, w.stride, w.padding, w.dilation) == ([2, 2], [2, 2], [0, 0], [1, 1]) {
        return quarters(x, y, places, h, width, w.output[1]);
    }
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
        (*y, *p) = best((*y, *p), (v, place));
        place = place.wrapping_add(step as i32);
    }
}

/// The larger of two elements with their places, without a branch; the first of equal ones, and NaN once it is met.
#[inline(always)]
fn best(a: (f32, i32), b: (f32, i32)) -> (f32, i32) {
    let wins = (b.0 > a.0) | b.0.is_nan();
    (if wins { b.0 } else { a.0 }, if wins { b.1 } else { a.1 })
}

/// Windows of 2×2 side by side, the most frequent pool: each element is read once.
#[inline(always)]
fn quarters(x: &[f32], y: &mut [f32], places: &mut [i32], h: usize, width: usize, columns: usize) {
    // With rounding up, the last windows may be cut: they are left to a plain loop.
    let whole = (width / 2).min(columns);
    for (oy, (y, places)) in y.chunks_mut(columns).zip(places.chunks_mut(columns)).enumerate() {
        let start = 2 * oy * width;
        let upper = &x[start..start + width];
        // A window without a lower row sees its upper row twice.
        let below = if 2 * oy + 1 < h { width } else { 0 };
        let lower = &x[start + below..start + below + width];
        let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        for (i, ((y, p), (u, l))) in y[..whole].iter_mut().zip(&mut places[..whole]).zip(pairs).enumerate() {
            // Wrapping: a check for overflow in here would keep the loop from being vectorised.
            let at = (start as i32).wrapping_add((i as i32).wrapping_mul(2));
            let under = at.wrapping_add(below as i32);
            let first = best((u[0], at), (u[1], at.wrapping_add(1)));
            let second = best((l[0], under), (l[1], under.wrapping_add(1)));
            (*y, *p) = best(first, second);
        }
        for i in whole..columns {
            let at = start + 2 * i;
            (y[i], places[i]) = best((x[at], at as i32), (x[at + below], (at + below) as i32));
        }
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
