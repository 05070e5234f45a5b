//! Convolution by gathered tiles and matrix products.

use super::super::ConvGeometry;
use super::super::matmul::{Layout, multiply};
use rayon::prelude::*;

/// Elements of a gathered tile: half of a usual level-2 cache.
const TILE_ELEMENTS: usize = 64 * 1024;

/// All sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Sizes {
    pub(super) n: usize,
    pub(super) c: usize,
    pub(super) h: usize,
    pub(super) w: usize,
    pub(super) o: usize,
    pub(super) kh: usize,
    pub(super) kw: usize,
    pub(super) oh: usize,
    pub(super) ow: usize,
    pub(super) groups: usize,
    g: ConvGeometry,
}

impl Sizes {
    /// `None` where no window fits.
    pub(super) fn new(x: &[usize], w: &[usize], g: ConvGeometry) -> Option<Self> {
        let (&[n, c, h, width], &[o, _, kh, kw]) = (x, w) else { return None };
        let out = |size: usize, k: usize, d: usize| {
            Some((size + 2 * g.padding[d]).checked_sub(g.dilation[d] * (k - 1) + 1)? / g.stride[d] + 1)
        };
        Some(Sizes { n, c, h, w: width, o, kh, kw, oh: out(h, kh, 0)?, ow: out(width, kw, 1)?, groups: g.groups, g })
    }

    /// Input channels of a group.
    fn cg(&self) -> usize {
        self.c / self.groups
    }

    /// Output channels of a group.
    fn og(&self) -> usize {
        self.o / self.groups
    }

    /// Taps of one output element.
    fn taps(&self) -> usize {
        self.cg() * self.kh * self.kw
    }

    /// Elements of one output plane.
    fn plane(&self) -> usize {
        self.oh * self.ow
    }

    /// Whether a group's input planes are already the gathered matrix.
    fn pointwise(&self) -> bool {
        (self.kh, self.kw) == (1, 1) && self.g.stride == [1, 1] && self.g.padding == [0, 0]
    }

    fn depthwise(&self) -> bool {
        self.cg() == 1 && self.og() == 1
    }

    /// Output rows of a tile.
    fn tile_rows(&self) -> usize {
        (TILE_ELEMENTS / (self.taps() * self.ow).max(1)).clamp(1, self.oh)
    }

    /// Output columns for which tap `kx` reads inside the input.
    fn inside(&self, kx: usize) -> (usize, usize) {
        let (stride, offset, pad) = (self.g.stride[1], kx * self.g.dilation[1], self.g.padding[1]);
        let first = pad.saturating_sub(offset).div_ceil(stride).min(self.ow);
        let end = if self.w + pad > offset { (self.w + pad - offset).div_ceil(stride).min(self.ow) } else { 0 };
        (first, end.max(first))
    }

    /// The input row that tap `ky` of output row `oy` reads.
    fn source_row(&self, oy: usize, ky: usize) -> Option<usize> {
        (oy * self.g.stride[0] + ky * self.g.dilation[0]).checked_sub(self.g.padding[0]).filter(|&y| y < self.h)
    }

    /// First input column that tap `kx` reads at output column `first`.
    fn source_column(&self, first: usize, kx: usize) -> usize {
        first * self.g.stride[1] + kx * self.g.dilation[1] - self.g.padding[1]
    }

    /// Gathers the taps of output rows `rows` of one group into `[taps, rows·ow]`.
    fn gather(&self, x: &[f32], rows: std::ops::Range<usize>, tile: &mut [f32]) {
        let width = rows.len() * self.ow;
        let stride = self.g.stride[1];
        for ch in 0..self.cg() {
            for ky in 0..self.kh {
                for kx in 0..self.kw {
                    let tap = (ch * self.kh + ky) * self.kw + kx;
                    let (first, end) = self.inside(kx);
                    for (r, oy) in rows.clone().enumerate() {
                        let to = &mut tile[tap * width + r * self.ow..][..self.ow];
                        let Some(y) = self.source_row(oy, ky).filter(|_| end > first) else {
                            to.fill(0.0);
                            continue;
                        };
                        to[..first].fill(0.0);
                        to[end..].fill(0.0);
                        let from = &x[(ch * self.h + y) * self.w + self.source_column(first, kx)..];
                        if stride == 1 {
                            to[first..end].copy_from_slice(&from[..end - first]);
                        } else {
                            to[first..end].iter_mut().zip(from.iter().step_by(stride)).for_each(|(t, &f)| *t = f);
                        }
                    }
                }
            }
        }
    }

    /// Adds a gathered tile back to where it came from: the transpose of `gather`.
    fn scatter(&self, tile: &[f32], rows: std::ops::Range<usize>, dx: &mut [f32]) {
        let width = rows.len() * self.ow;
        let stride = self.g.stride[1];
        for ch in 0..self.cg() {
            for ky in 0..self.kh {
                for kx in 0..self.kw {
                    let tap = (ch * self.kh + ky) * self.kw + kx;
                    let (first, end) = self.inside(kx);
                    if end == first {
                        continue;
                    }
                    for (r, oy) in rows.clone().enumerate() {
                        let Some(y) = self.source_row(oy, ky) else { continue };
                        let from = &tile[tap * width + r * self.ow..][first..end];
                        let to = &mut dx[(ch * self.h + y) * self.w + self.source_column(first, kx)..];
                        if stride == 1 {
                            to.iter_mut().zip(from).for_each(|(t, &f)| *t += f);
                        } else {
                            to.iter_mut().step_by(stride).zip(from).for_each(|(t, &f)| *t += f);
                        }
                    }
                }
            }
        }
    }

    /// Runs `f` on every tile of output rows.
    fn tiles(&self, mut f: impl FnMut(std::ops::Range<usize>)) {
        let step = self.tile_rows();
        (0..self.oh).step_by(step).for_each(|y| f(y..(y + step).min(self.oh)));
    }

    fn scratch(&self) -> Vec<f32> {
        if self.pointwise() || self.depthwise() {
            Vec::new()
        } else {
            vec![0.0; self.taps() * self.tile_rows() * self.ow]
        }
    }
}

/// `y = w ⋆ x`.
pub(super) fn forward(x: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let (taps, og, plane) = (c.taps(), c.og(), c.plane());
    let mut y = vec![0.0; c.n * c.o * plane];
    let images = y.par_chunks_mut((c.o * plane).max(1)).zip(x.par_chunks((c.c * c.h * c.w).max(1)));
    images.for_each_init(
        || c.scratch(),
        |tile, (y, x)| {
            for group in 0..c.groups {
                let y = &mut y[group * og * plane..][..og * plane];
                let x = &x[group * c.cg() * c.h * c.w..][..c.cg() * c.h * c.w];
                let w = &w[group * og * taps..][..og * taps];
                if c.depthwise() {
                    arch.dispatch(|| depthwise_forward(x, w, y, c));
                    continue;
                }
                let weights = (w, Layout::rows(og, taps, taps));
                if c.pointwise() {
                    multiply(y, Layout::rows(og, plane, plane), weights, (x, Layout::rows(taps, plane, plane)), false);
                    continue;
                }
                c.tiles(|rows| {
                    let width = rows.len() * c.ow;
                    arch.dispatch(|| c.gather(x, rows.clone(), tile));
                    let out = &mut y[rows.start * c.ow..];
                    multiply(
                        out,
                        Layout::rows(og, width, plane),
                        weights,
                        (tile, Layout::rows(taps, width, width)),
                        false,
                    );
                });
            }
        },
    );
    y
}

/// The gradient for x.
pub(super) fn backward_x(dy: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let (taps, og, plane) = (c.taps(), c.og(), c.plane());
    let mut dx = vec![0.0; c.n * c.c * c.h * c.w];
    let images = dx.par_chunks_mut((c.c * c.h * c.w).max(1)).zip(dy.par_chunks((c.o * plane).max(1)));
    images.for_each_init(
        || c.scratch(),
        |tile, (dx, dy)| {
            for group in 0..c.groups {
                let dy = &dy[group * og * plane..][..og * plane];
                let dx = &mut dx[group * c.cg() * c.h * c.w..][..c.cg() * c.h * c.w];
                let w = &w[group * og * taps..][..og * taps];
                if c.depthwise() {
                    arch.dispatch(|| depthwise_backward_x(dy, w, dx, c));
                    continue;
                }
                let weights = (w, Layout::rows(og, taps, taps).transposed());
                if c.pointwise() {
                    multiply(
                        dx,
                        Layout::rows(taps, plane, plane),
                        weights,
                        (dy, Layout::rows(og, plane, plane)),
                        false,
                    );
                    continue;
                }
                c.tiles(|rows| {
                    let width = rows.len() * c.ow;
                    let gradient = (&dy[rows.start * c.ow..], Layout::rows(og, width, plane));
                    multiply(tile, Layout::rows(taps, width, width), weights, gradient, false);
                    arch.dispatch(|| c.scatter(tile, rows.clone(), dx));
                });
            }
        },
    );
    dx
}

/// The gradient for w.
pub(super) fn backward_w(x: &[f32], dy: &[f32], c: &Sizes) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let (taps, og, plane) = (c.taps(), c.og(), c.plane());
    let size = c.o * taps;
    // Enough parts for the threads of a usual machine, few enough for their buffers; from the shape alone.
    let parts = if size > 1 << 20 { 4 } else { 16 }.min(c.n.max(1));
    let per_part = c.n.div_ceil(parts).max(1);
    let partial: Vec<Vec<f32>> = (0..c.n.div_ceil(per_part))
        .into_par_iter()
        .map(|part| {
            let (mut dw, mut tile) = (vec![0.0; size], c.scratch());
            for image in part * per_part..((part + 1) * per_part).min(c.n) {
                for group in 0..c.groups {
                    let dy = &dy[(image * c.o + group * og) * plane..][..og * plane];
                    let x = &x[(image * c.c + group * c.cg()) * c.h * c.w..][..c.cg() * c.h * c.w];
                    let dw = &mut dw[group * og * taps..][..og * taps];
                    if c.depthwise() {
                        arch.dispatch(|| depthwise_backward_w(x, dy, dw, c));
                        continue;
                    }
                    let out = Layout::rows(og, taps, taps);
                    if c.pointwise() {
                        let input = (x, Layout::rows(taps, plane, plane).transposed());
                        multiply(dw, out, (dy, Layout::rows(og, plane, plane)), input, true);
                        continue;
                    }
                    c.tiles(|rows| {
                        let width = rows.len() * c.ow;
                        arch.dispatch(|| c.gather(x, rows.clone(), &mut tile));
                        let gradient = (&dy[rows.start * c.ow..], Layout::rows(og, width, plane));
                        multiply(dw, out, gradient, (&tile, Layout::rows(taps, width, width).transposed()), true);
                    });
                }
            }
            dw
        })
        .collect();
    let mut partial = partial.into_iter();
    let mut dw = partial.next().unwrap_or_else(|| vec![0.0; size]);
    partial.for_each(|p| dw.iter_mut().zip(p).for_each(|(a, b)| *a += b));
    dw
}

/// Calls `f(tap, output row part, input row part)` for every tap and row of one plane.
#[inline(always)]
fn depthwise_rows(c: &Sizes, mut f: impl FnMut(usize, usize, usize, usize)) {
    for ky in 0..c.kh {
        for kx in 0..c.kw {
            let (first, end) = c.inside(kx);
            if first == end {
                continue;
            }
            for oy in 0..c.oh {
                if let Some(y) = c.source_row(oy, ky) {
                    f(ky * c.kw + kx, oy * c.ow + first, y * c.w + c.source_column(first, kx), end - first);
                }
            }
        }
    }
}

#[inline(always)]
fn depthwise_forward(x: &[f32], w: &[f32], y: &mut [f32], c: &Sizes) {
    let stride = c.g.stride[1];
    depthwise_rows(c, |tap, out, input, n| {
        let k = w[tap];
        if stride == 1 {
            y[out..out + n].iter_mut().zip(&x[input..input + n]).for_each(|(y, &x)| *y += k * x);
        } else {
            y[out..out + n].iter_mut().zip(x[input..].iter().step_by(stride)).for_each(|(y, &x)| *y += k * x);
        }
    });
}

#[inline(always)]
fn depthwise_backward_x(dy: &[f32], w: &[f32], dx: &mut [f32], c: &Sizes) {
    let stride = c.g.stride[1];
    depthwise_rows(c, |tap, out, input, n| {
        let k = w[tap];
        if stride == 1 {
            dx[input..input + n].iter_mut().zip(&dy[out..out + n]).for_each(|(x, &g)| *x += k * g);
        } else {
            dx[input..].iter_mut().step_by(stride).zip(&dy[out..out + n]).for_each(|(x, &g)| *x += k * g);
        }
    });
}

#[inline(always)]
fn depthwise_backward_w(x: &[f32], dy: &[f32], dw: &mut [f32], c: &Sizes) {
    let stride = c.g.stride[1];
    depthwise_rows(c, |tap, out, input, n| {
        let gradient = &dy[out..out + n];
        let mut lanes = [0.0f32; 8];
        if stride == 1 {
            let input = &x[input..input + n];
            for (g, x) in gradient.chunks(8).zip(input.chunks(8)) {
                g.iter().zip(x).zip(&mut lanes).for_each(|((g, x), l)| *l += g * x);
            }
        } else {
            gradient
                .iter()
                .zip(x[input..].iter().step_by(stride))
                .enumerate()
                .for_each(|(i, (g, x))| lanes[i % 8] += g * x);
        }
        dw[tap] += lanes.iter().sum::<f32>();
    });
}
