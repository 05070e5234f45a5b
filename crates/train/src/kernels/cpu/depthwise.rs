//! Depthwise convolution on rows of channels: every tap is one multiplication of a row, so channels are the vector.

use super::conv::{Sizes, add_all};
use rayon::prelude::*;

/// Channels taken at once.
const LANES: usize = 16;

/// Weights `[C, kh, kw]` as `[tap][C]`.
fn by_tap(w: &[f32], c: &Sizes) -> Vec<f32> {
    let taps = c.taps();
    let mut out = vec![0.0; w.len()];
    for (k, w) in w.chunks(taps).enumerate() {
        w.iter().enumerate().for_each(|(t, &v)| out[t * c.c + k] = v);
    }
    out
}

/// For coordinate `i` of the side that is read, the taps that reach it: `(tap, other coordinate)`.
fn readers(i: usize, d: usize, k: usize, size: usize, c: &Sizes) -> Vec<(usize, usize)> {
    let (stride, dilation, padding) = (c.g.stride[d], c.g.dilation[d], c.g.padding[d]);
    (0..k)
        .filter_map(|t| {
            let v = (i + padding).checked_sub(t * dilation)?;
            (v % stride == 0 && v / stride < size).then_some((t, v / stride))
        })
        .collect()
}

/// For output coordinate `i`, the taps inside the input: `(tap, input coordinate)`.
fn sources(i: usize, d: usize, k: usize, size: usize, c: &Sizes) -> Vec<(usize, usize)> {
    let (stride, dilation, padding) = (c.g.stride[d], c.g.dilation[d], c.g.padding[d]);
    (0..k)
        .filter_map(|t| {
            let v = (i * stride + t * dilation).checked_sub(padding)?;
            (v < size).then_some((t, v))
        })
        .collect()
}

type Taps = Vec<(usize, usize)>;

/// `out[pixel][c] = Σ taps w[tap][c]·input[source][c]` for one image.
#[inline(always)]
fn weave(input: &[f32], out: &mut [f32], w: &[f32], [rows, columns]: [&[Taps]; 2], width: usize, kw: usize, c: usize) {
    for (y, ys) in rows.iter().enumerate() {
        for (x, xs) in columns.iter().enumerate() {
            let out = &mut out[(y * columns.len() + x) * c..][..c];
            let mut k = 0;
            while k + LANES <= c {
                let mut sum = [0.0f32; LANES];
                for &(ty, sy) in ys {
                    for &(tx, sx) in xs {
                        let w = &w[(ty * kw + tx) * c + k..][..LANES];
                        let v = &input[(sy * width + sx) * c + k..][..LANES];
                        for l in 0..LANES {
                            sum[l] += w[l] * v[l];
                        }
                    }
                }
                out[k..k + LANES].copy_from_slice(&sum);
                k += LANES;
            }
            let rest = &mut out[k..];
            rest.fill(0.0);
            for &(ty, sy) in ys {
                for &(tx, sx) in xs {
                    let w = &w[(ty * kw + tx) * c + k..][..rest.len()];
                    let v = &input[(sy * width + sx) * c + k..][..rest.len()];
                    rest.iter_mut().zip(w).zip(v).for_each(|((s, w), v)| *s += w * v);
                }
            }
        }
    }
}

/// `y = w ⋆ x`.
pub(super) fn forward(x: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let w = by_tap(w, c);
    let rows: Vec<Taps> = (0..c.oh).map(|i| sources(i, 0, c.kh, c.h, c)).collect();
    let columns: Vec<Taps> = (0..c.ow).map(|i| sources(i, 1, c.kw, c.w, c)).collect();
    let mut y = super::buffer::buffer(c.n * c.plane());
    y.par_chunks_mut(c.plane()).zip(x.par_chunks(c.image())).for_each(|(y, x)| {
        arch.dispatch(
            #[inline(always)]
            || weave(x, y, &w, [&rows, &columns], c.w, c.kw, c.c),
        );
    });
    y
}

/// The gradient for x.
pub(super) fn backward_x(dy: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let w = by_tap(w, c);
    let rows: Vec<Taps> = (0..c.h).map(|i| readers(i, 0, c.kh, c.oh, c)).collect();
    let columns: Vec<Taps> = (0..c.w).map(|i| readers(i, 1, c.kw, c.ow, c)).collect();
    let mut dx = super::buffer::buffer(c.n * c.image());
    dx.par_chunks_mut(c.image()).zip(dy.par_chunks(c.plane())).for_each(|(dx, dy)| {
        arch.dispatch(
            #[inline(always)]
            || weave(dy, dx, &w, [&rows, &columns], c.ow, c.kw, c.c),
        );
    });
    dx
}

/// The gradient for w: `dw[tap][c] = Σ pixels x[source][c]·dy[pixel][c]`.
pub(super) fn backward_w(x: &[f32], dy: &[f32], c: &Sizes) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let taps = c.taps();
    let rows: Vec<Taps> = (0..c.oh).map(|i| sources(i, 0, c.kh, c.h, c)).collect();
    // For each column tap, the output columns for which it is inside.
    let inside: Vec<(usize, usize, usize)> = (0..c.kw)
        .map(|t| {
            let hits: Vec<(usize, usize)> = (0..c.ow)
                .filter_map(|i| {
                    let v = (i * c.g.stride[1] + t * c.g.dilation[1]).checked_sub(c.g.padding[1])?;
                    (v < c.w).then_some((i, v))
                })
                .collect();
            hits.first().map_or((0, 0, 0), |&(i, v)| (i, v, hits.len()))
        })
        .collect();
    let parts = c.n.min(16);
    let per_part = c.n.div_ceil(parts);
    let partial: Vec<Vec<f32>> = (0..c.n.div_ceil(per_part))
        .into_par_iter()
        .map(|part| {
            let mut dw = vec![0.0; taps * c.c];
            for image in part * per_part..((part + 1) * per_part).min(c.n) {
                let x = &x[image * c.image()..][..c.image()];
                let dy = &dy[image * c.plane()..][..c.plane()];
                arch.dispatch(
                    #[inline(always)]
                    || correlate_rows(x, dy, &rows, &inside, c, &mut dw),
                );
            }
            dw
        })
        .collect();
    let sum = add_all(partial);
    let mut dw = vec![0.0; c.c * taps];
    for (k, dw) in dw.chunks_mut(taps).enumerate() {
        dw.iter_mut().enumerate().for_each(|(t, v)| *v = sum[t * c.c + k]);
    }
    dw
}

#[inline(always)]
fn correlate_rows(x: &[f32], dy: &[f32], rows: &[Taps], inside: &[(usize, usize, usize)], c: &Sizes, dw: &mut [f32]) {
    let step = c.g.stride[1] * c.c;
    for (oy, ys) in rows.iter().enumerate() {
        for &(ty, sy) in ys {
            for (tx, &(first, from, n)) in inside.iter().enumerate() {
                let dw = &mut dw[(ty * c.kw + tx) * c.c..][..c.c];
                let mut k = 0;
                while k < c.c {
                    let lanes = (c.c - k).min(LANES);
                    let mut sum = [0.0f32; LANES];
                    let mut at = (sy * c.w + from) * c.c + k;
                    let mut to = (oy * c.ow + first) * c.c + k;
                    for _ in 0..n {
                        if lanes == LANES {
                            let (v, g) = (&x[at..at + LANES], &dy[to..to + LANES]);
                            for l in 0..LANES {
                                sum[l] += v[l] * g[l];
                            }
                        } else {
                            let (v, g) = (&x[at..at + lanes], &dy[to..to + lanes]);
                            sum.iter_mut().zip(v).zip(g).for_each(|((s, v), g)| *s += v * g);
                        }
                        at += step;
                        to += c.c;
                    }
                    dw[k..k + lanes].iter_mut().zip(&sum).for_each(|(d, s)| *d += s);
                    k += LANES;
                }
            }
        }
    }
}
