//! Pools on rows of channels, `[N, H, W, C]`: maxima with the tap of each, and averages over any windows.

use super::super::{Average, PoolWindow};
use super::blocks::buffer;
use super::isa::Isa;
use rayon::prelude::*;

/// Channels taken at once.
const LANES: usize = 16;

/// The taps of window `i` of dimension `d` that lie inside: `(tap, place)`.
fn taps(w: &PoolWindow, d: usize, size: usize, i: usize) -> Vec<(usize, usize)> {
    (0..w.kernel[d])
        .filter_map(|k| {
            let at = (i * w.stride[d] + k * w.dilation[d]).checked_sub(w.padding[d])?;
            (at < size).then_some((k, at))
        })
        .collect()
}

/// Maxima, and for each the tap it came from. The first of equal elements wins, and a NaN wins over everything, as in PyTorch.
pub(super) fn forward(x: &[f32], (h, width, c): (usize, usize, usize), w: &PoolWindow) -> (Vec<f32>, Vec<u8>) {
    let isa = Isa::best();
    let [oh, ow] = w.output;
    let images = x.len() / (h * width * c);
    let (mut y, mut places) = (buffer(images * oh * ow * c), vec![0u8; images * oh * ow * c]);
    let columns: Vec<Vec<(usize, usize)>> = (0..ow).map(|i| taps(w, 1, width, i)).collect();
    let row = ow * c;
    y.par_chunks_mut(row).zip(places.par_chunks_mut(row)).enumerate().for_each(|(r, (y, places))| {
        let x = &x[r / oh * h * width * c..][..h * width * c];
        let rows = taps(w, 0, h, r % oh);
        isa.vectorised(
            #[inline(always)]
            || {
                for ((y, places), columns) in y.chunks_exact_mut(c).zip(places.chunks_exact_mut(c)).zip(&columns) {
                    window(x, y, places, &rows, columns, width, w.kernel[1], c);
                }
            },
        );
    });
    (y, places)
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "an inner loop on plain numbers")]
fn window(
    x: &[f32],
    y: &mut [f32],
    places: &mut [u8],
    rows: &[(usize, usize)],
    columns: &[(usize, usize)],
    width: usize,
    kw: usize,
    c: usize,
) {
    let mut k = 0;
    while k < c {
        let lanes = (c - k).min(LANES);
        let (mut best, mut place) = ([f32::NEG_INFINITY; LANES], [0i32; LANES]);
        // A window that sees only minus infinities has its place at its first tap.
        let first = rows.first().zip(columns.first()).map_or(0, |(r, s)| r.0 * kw + s.0);
        place.fill(first as i32);
        for &(ky, sy) in rows {
            for &(kx, sx) in columns {
                let tap = (ky * kw + kx) as i32;
                let from = &x[(sy * width + sx) * c + k..];
                if lanes == LANES {
                    let from = &from[..LANES];
                    for l in 0..LANES {
                        let wins = (from[l] > best[l]) | from[l].is_nan();
                        best[l] = if wins { from[l] } else { best[l] };
                        place[l] = if wins { tap } else { place[l] };
                    }
                } else {
                    for l in 0..lanes {
                        if (from[l] > best[l]) | from[l].is_nan() {
                            best[l] = from[l];
                            place[l] = tap;
                        }
                    }
                }
            }
        }
        y[k..k + lanes].copy_from_slice(&best[..lanes]);
        places[k..k + lanes].iter_mut().zip(&place).for_each(|(p, &v)| *p = v as u8);
        k += LANES;
    }
}

/// The gradient: each goes to where its maximum was.
pub(super) fn backward(dy: &[f32], places: &[u8], (h, width, c): (usize, usize, usize), w: &PoolWindow) -> Vec<f32> {
    let isa = Isa::best();
    let [oh, ow] = w.output;
    let images = dy.len() / (oh * ow * c).max(1);
    let mut dx = buffer(images * h * width * c);
    let rows: Vec<Vec<(usize, usize)>> = (0..oh).map(|i| taps(w, 0, h, i)).collect();
    let columns: Vec<Vec<(usize, usize)>> = (0..ow).map(|i| taps(w, 1, width, i)).collect();
    let work = dx.par_chunks_mut(h * width * c).zip(dy.par_chunks(oh * ow * c)).zip(places.par_chunks(oh * ow * c));
    work.for_each(|((dx, dy), places)| {
        isa.vectorised(
            #[inline(always)]
            || {
                dx.fill(0.0);
                let windows = rows.iter().flat_map(|r| columns.iter().map(move |s| (r, s)));
                for ((dy, places), (rows, columns)) in dy.chunks_exact(c).zip(places.chunks_exact(c)).zip(windows) {
                    // Every tap of the window is asked whether it was the one: that is a vector's work, following one place
                    // after the other is not.
                    for &(ky, sy) in rows {
                        for &(kx, sx) in columns {
                            let tap = (ky * w.kernel[1] + kx) as u8;
                            let to = &mut dx[(sy * width + sx) * c..][..c];
                            for ((to, &g), &place) in to.iter_mut().zip(dy).zip(places) {
                                *to += if place == tap { g } else { 0.0 };
                            }
                        }
                    }
                }
            },
        );
    });
    dx
}

/// Averages over the windows of both dimensions.
pub(super) fn average(x: &[f32], (h, width, c): (usize, usize, usize), a: &Average) -> Vec<f32> {
    let isa = Isa::best();
    let (oh, ow) = (a.rows.len(), a.columns.len());
    let images = x.len() / (h * width * c);
    let mut y = buffer(images * oh * ow * c);
    y.par_chunks_mut(oh * ow * c).zip(x.par_chunks(h * width * c)).for_each(|(y, x)| {
        isa.vectorised(
            #[inline(always)]
            || {
                for (i, (rows, ry)) in a.rows.iter().enumerate() {
                    for (j, (columns, rx)) in a.columns.iter().enumerate() {
                        let y = &mut y[(i * ow + j) * c..][..c];
                        y.fill(0.0);
                        for r in rows.clone() {
                            for x in x[(r * width + columns.start) * c..(r * width + columns.end) * c].chunks_exact(c) {
                                y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
                            }
                        }
                        let factor = ry * rx;
                        y.iter_mut().for_each(|y| *y *= factor);
                    }
                }
            },
        );
    });
    y
}

/// The gradient of [`average`].
pub(super) fn average_backward(dy: &[f32], (h, width, c): (usize, usize, usize), a: &Average) -> Vec<f32> {
    let isa = Isa::best();
    let (oh, ow) = (a.rows.len(), a.columns.len());
    let images = dy.len() / (oh * ow * c);
    let mut dx = buffer(images * h * width * c);
    dx.par_chunks_mut(h * width * c).zip(dy.par_chunks(oh * ow * c)).for_each(|(dx, dy)| {
        dx.fill(0.0);
        isa.vectorised(
            #[inline(always)]
            || {
                for (i, (rows, ry)) in a.rows.iter().enumerate() {
                    for (j, (columns, rx)) in a.columns.iter().enumerate() {
                        let dy = &dy[(i * ow + j) * c..][..c];
                        let factor = ry * rx;
                        for r in rows.clone() {
                            for dx in
                                dx[(r * width + columns.start) * c..(r * width + columns.end) * c].chunks_exact_mut(c)
                            {
                                dx.iter_mut().zip(dy).for_each(|(x, g)| *x += factor * g);
                            }
                        }
                    }
                }
            },
        );
    });
    dx
}
