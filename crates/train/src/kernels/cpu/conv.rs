//! Convolution on images as rows of channels, `[N, H, W, C]`.
//!
//! The taps of an output pixel are rows of the input, so that a register tile reads them where they lie: nothing is gathered
//! but the few channels of a stem. The gradient for the input is the same walk with the taps that reach a pixel, one list of
//! taps for each phase of the stride. The gradient for the weights sums outer products of input rows with gradient rows.
//! Images go to threads; sums over images are made in a number of parts that depends on the shape alone.

use super::super::ConvGeometry;
use super::blocks::buffer;
use super::isa::Isa;
use super::micro::{Block, Pairs, Rows, outer, product};
use super::vector::MOST_LANES;
use super::{depthwise, small, winograd};
use rayon::prelude::*;

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
    pub(super) g: ConvGeometry,
}

impl Sizes {
    /// Of input `[N, H, W, C]` and weights `[O, C/groups, kh, kw]`; `None` where no window fits.
    pub(super) fn new(x: &[usize], w: &[usize], g: ConvGeometry) -> Option<Self> {
        let (&[n, h, width, c], &[o, cg, kh, kw]) = (x, w) else { return None };
        let out = |size: usize, k: usize, d: usize| {
            Some((size + 2 * g.padding[d]).checked_sub(g.dilation[d] * k.checked_sub(1)? + 1)? / g.stride[d] + 1)
        };
        let fits = g.groups > 0 && cg * g.groups == c && o % g.groups == 0 && n * c * h * width * o > 0;
        Some(Sizes { n, c, h, w: width, o, kh, kw, oh: out(h, kh, 0)?, ow: out(width, kw, 1)?, g }).filter(|_| fits)
    }

    /// With the output size that a gradient has: a transposed convolution may leave the last rows and columns unread.
    pub(super) fn with_output(self, dy: &[usize]) -> Self {
        Sizes { oh: dy[1], ow: dy[2], ..self }
    }

    /// Input channels of a group.
    pub(super) fn cg(&self) -> usize {
        self.c / self.g.groups
    }

    /// Output channels of a group.
    pub(super) fn og(&self) -> usize {
        self.o / self.g.groups
    }

    pub(super) fn taps(&self) -> usize {
        self.kh * self.kw
    }

    /// Floats of an input image.
    pub(super) fn image(&self) -> usize {
        self.h * self.w * self.c
    }

    /// Floats of an output image.
    pub(super) fn plane(&self) -> usize {
        self.oh * self.ow * self.o
    }

    /// Whether output pixels are input pixels.
    fn pointwise(&self) -> bool {
        (self.kh, self.kw) == (1, 1) && self.g.stride == [1, 1] && self.g.padding == [0, 0]
    }

    fn depthwise(&self) -> bool {
        self.cg() == 1 && self.og() == 1 && self.c > 1
    }

    /// The input pixel that tap `t` of output pixel `p` reads.
    pub(super) fn source(&self, p: usize, t: usize) -> Option<usize> {
        let at = |out: usize, k: usize, d: usize, size: usize| {
            (out * self.g.stride[d] + k * self.g.dilation[d]).checked_sub(self.g.padding[d]).filter(|&i| i < size)
        };
        let y = at(p / self.ow, t / self.kw, 0, self.h)?;
        Some(y * self.w + at(p % self.ow, t % self.kw, 1, self.w)?)
    }

    /// The output pixel that reads input pixel `p` with tap `t`.
    fn reader(&self, p: usize, t: usize) -> Option<usize> {
        let at = |i: usize, k: usize, d: usize, size: usize| {
            let v = (i + self.g.padding[d]).checked_sub(k * self.g.dilation[d])?;
            (v % self.g.stride[d] == 0).then_some(v / self.g.stride[d]).filter(|&o| o < size)
        };
        let y = at(p / self.w, t / self.kw, 0, self.oh)?;
        Some(y * self.ow + at(p % self.w, t % self.kw, 1, self.ow)?)
    }
}

/// Weights in panels: for each group and panel of output channels, each tap, each input channel, one row of the panel.
struct Packed {
    values: Vec<f32>,
    /// Floats of one group.
    group: usize,
    /// Floats of one panel.
    panel: usize,
    /// Floats of one tap of a panel.
    tap: usize,
}

impl Packed {
    /// All panels and their distance.
    fn all(&self) -> (&[f32], usize) {
        (&self.values, self.panel)
    }
}

/// `weight(group, tap, k, n)` in panels of `n`.
fn pack(
    isa: Isa,
    groups: usize,
    taps: usize,
    k: usize,
    n: usize,
    weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
) -> Packed {
    let width = isa.columns();
    let (tap, panels) = (k * width, n.div_ceil(width));
    let panel = taps * tap;
    let mut values = vec![0.0; groups * panels * panel];
    values.par_chunks_mut(panel.max(1)).enumerate().for_each(|(i, to)| {
        let (group, first) = (i / panels, i % panels * width);
        for (row, to) in to.chunks_mut(width).enumerate() {
            for (j, to) in to.iter_mut().enumerate().take(n - first) {
                *to = weight(group, row / k, row % k, first + j);
            }
        }
    });
    Packed { values, group: panels * panel, panel, tap }
}

/// Register tiles whose taps are found together before the panels pass over them.
const TILES: usize = 8;

/// What a walk over the pixels of one image computes: `out[pixel] = Σ taps of input · weights`.
struct Walk<'a> {
    isa: Isa,
    packed: &'a Packed,
    zeros: &'a [f32],
    groups: usize,
    /// Channels of an input group, of an output group.
    k: usize,
    n: usize,
}

impl Walk<'_> {
    /// `pixels` are places in `out`, `starts` the packed taps, `source(pixel, tap)` the input pixel of the tap.
    fn run(
        &self,
        input: &[f32],
        out: &mut [f32],
        pixels: &[usize],
        taps: &[usize],
        source: impl Fn(usize, usize) -> Option<usize>,
    ) {
        let width = self.isa.columns();
        let most = self.isa.rows();
        let starts: Vec<usize> = taps.iter().map(|t| t * self.packed.tap).collect();
        let (c, o) = (self.k * self.groups, self.n * self.groups);
        for group in 0..self.groups {
            let weights = &self.packed.values[group * self.packed.group..][..self.packed.group];
            for some in pixels.chunks(most * TILES) {
                let tiles: Vec<(Block<'_>, &[usize])> = some
                    .chunks(most)
                    .map(|tile| {
                        let offset = |t: usize, i: usize| source(tile[i], taps[t]).map(|p| p * c + group * self.k);
                        (Block::new(input, self.zeros, self.k, tile.len(), taps.len(), offset), tile)
                    })
                    .collect();
                for (p, panel) in weights.chunks(self.packed.panel).enumerate() {
                    let at = group * self.n + p * width;
                    for (block, tile) in &tiles {
                        let mut rows = [0; 8];
                        rows.iter_mut().zip(*tile).for_each(|(r, pixel)| *r = pixel * o + at);
                        block.product(self.isa, panel, &starts, out, &rows, (self.n - p * width).min(width));
                    }
                }
            }
        }
    }
}

/// `y = w ⋆ x`.
pub(super) fn forward(x: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let isa = Isa::best();
    if c.depthwise() {
        return depthwise::forward(x, w, c);
    }
    if winograd::suits(c) {
        return winograd::forward(isa, x, w, c);
    }
    if small::suits(c) {
        return small::forward(x, w, c);
    }
    let mut y = buffer(c.n * c.plane());
    let (cg, og, taps) = (c.cg(), c.og(), c.taps());
    let weight = |g: usize, t: usize, k: usize, n: usize| w[((g * og + n) * cg + k) * taps + t];
    let packed = pack(isa, c.g.groups, taps, cg, og, weight);
    if c.pointwise() && c.g.groups == 1 {
        let pixels = 256;
        y.par_chunks_mut(pixels * c.o).zip(x.par_chunks(pixels * c.c)).for_each(|(y, x)| {
            let rows = y.len() / c.o;
            product(isa, (x, Rows { rows, step: c.c }), c.c, packed.all(), (y, Rows { rows, step: c.o }), c.o);
        });
        return y;
    }
    let few = cg < 8 && taps > 1 && c.g.groups == 1;
    let zeros = vec![0.0; cg];
    let walk = Walk { isa, packed: &packed, zeros: &zeros, groups: c.g.groups, k: cg, n: og };
    let pixels: Vec<usize> = (0..c.oh * c.ow).collect();
    let all: Vec<usize> = (0..taps).collect();
    y.par_chunks_mut(c.plane()).zip(x.par_chunks(c.image())).for_each_init(Vec::new, |rows, (y, x)| {
        if few {
            let k = taps * cg;
            for (some, y) in pixels.chunks(64).zip(y.chunks_mut(64 * c.o)) {
                gather(x, c, some, rows);
                let n = some.len();
                product(
                    isa,
                    (rows, Rows { rows: n, step: k }),
                    k,
                    (&packed.values, k * isa.columns()),
                    (y, Rows { rows: n, step: c.o }),
                    c.o,
                );
            }
        } else {
            walk.run(x, y, &pixels, &all, |p, t| c.source(p, t));
        }
    });
    y
}

/// The gradient for x.
pub(super) fn backward_x(dy: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let isa = Isa::best();
    if c.depthwise() {
        return depthwise::backward_x(dy, w, c);
    }
    if winograd::suits(c) {
        return winograd::backward_x(isa, dy, w, c);
    }
    if small::suits(c) {
        return small::backward_x(dy, w, c);
    }
    let mut dx = buffer(c.n * c.image());
    let (cg, og, taps) = (c.cg(), c.og(), c.taps());
    let weight = |g: usize, t: usize, k: usize, n: usize| w[((g * og + k) * cg + n) * taps + t];
    let packed = pack(isa, c.g.groups, taps, og, cg, weight);
    if c.pointwise() && c.g.groups == 1 {
        let pixels = 256;
        dx.par_chunks_mut(pixels * c.c).zip(dy.par_chunks(pixels * c.o)).for_each(|(dx, dy)| {
            let rows = dx.len() / c.c;
            product(isa, (dy, Rows { rows, step: c.o }), c.o, packed.all(), (dx, Rows { rows, step: c.c }), c.c);
        });
        return dx;
    }
    let zeros = vec![0.0; og];
    let walk = Walk { isa, packed: &packed, zeros: &zeros, groups: c.g.groups, k: og, n: cg };
    let phases = phases(c);
    dx.par_chunks_mut(c.image()).zip(dy.par_chunks(c.plane())).for_each(|(dx, dy)| {
        for (pixels, taps) in &phases {
            if taps.is_empty() {
                pixels.iter().for_each(|p| dx[p * c.c..][..c.c].fill(0.0));
            } else {
                walk.run(dy, dx, pixels, taps, |p, t| c.reader(p, t));
            }
        }
    });
    dx
}

/// Input pixels by the residue of their coordinates for the stride: those of one phase are reached by the same taps.
fn phases(c: &Sizes) -> Vec<(Vec<usize>, Vec<usize>)> {
    let [sy, sx] = c.g.stride;
    let reached = |i: usize, k: usize, d: usize| {
        // i + padding − k·dilation is a multiple of the stride; kept positive by a multiple of the stride.
        (i + c.g.padding[d] + k * c.g.dilation[d] * (c.g.stride[d] - 1)).is_multiple_of(c.g.stride[d])
    };
    (0..sy.min(c.h))
        .flat_map(|py| (0..sx.min(c.w)).map(move |px| (py, px)))
        .map(|(py, px)| {
            let pixels = (py..c.h).step_by(sy).flat_map(|y| (px..c.w).step_by(sx).map(move |x| y * c.w + x)).collect();
            let taps = (0..c.taps()).filter(|t| reached(py, t / c.kw, 0) && reached(px, t % c.kw, 1)).collect();
            (pixels, taps)
        })
        .collect()
}

/// All taps of some output pixels of an image as rows, zeros where a tap is outside.
fn gather(x: &[f32], c: &Sizes, pixels: &[usize], rows: &mut Vec<f32>) {
    let (k, line) = (c.taps() * c.c, c.kw * c.c);
    rows.clear();
    rows.resize(pixels.len() * k, 0.0);
    for (&p, row) in pixels.iter().zip(rows.chunks_exact_mut(k)) {
        for (ky, to) in row.chunks_exact_mut(line).enumerate() {
            let (first, last) = (c.source(p, ky * c.kw), c.source(p, ky * c.kw + c.kw - 1));
            match (first, last) {
                // Taps next to each other are one piece of the image.
                (Some(from), Some(end)) if end - from == c.kw - 1 => to.copy_from_slice(&x[from * c.c..][..line]),
                _ => {
                    for (kx, to) in to.chunks_exact_mut(c.c).enumerate() {
                        if let Some(from) = c.source(p, ky * c.kw + kx) {
                            to.copy_from_slice(&x[from * c.c..][..c.c]);
                        }
                    }
                }
            }
        }
    }
}

/// Some taps of a group of channels as rows.
fn gather_group(
    x: &[f32],
    c: &Sizes,
    pixels: &[usize],
    taps: std::ops::Range<usize>,
    (first, k): (usize, usize),
    rows: &mut Vec<f32>,
) {
    rows.clear();
    for &p in pixels {
        for t in taps.clone() {
            match c.source(p, t) {
                Some(from) => rows.extend_from_slice(&x[from * c.c + first..][..k]),
                None => rows.resize(rows.len() + k, 0.0),
            }
        }
    }
}

/// Parts of a batch whose gradients for w are summed apart: enough for the threads of a usual machine, few enough for their
/// buffers of `size` floats; from the shape alone.
fn parts(size: usize, c: &Sizes) -> usize {
    ((4 << 20) / size.max(1)).clamp(2, 16).min(c.n)
}

/// Floats of working memory in the three passes.
pub(super) fn work(c: &Sizes) -> [usize; 3] {
    if c.depthwise() {
        return [0; 3];
    }
    if winograd::suits(c) {
        return winograd::work(c);
    }
    if small::suits(c) {
        return small::work(c);
    }
    // Panels of the widest instruction set: the same answer on any.
    let packed = |k: usize, n: usize| c.g.groups * c.taps() * k * n.next_multiple_of(2 * MOST_LANES);
    let gradient = packed(c.cg(), c.og());
    [gradient, packed(c.og(), c.cg()), parts(gradient, c) * gradient]
}

/// Output pixels whose outer products are summed in registers.
const DEPTH: usize = 128;

/// The gradient for w.
pub(super) fn backward_w(x: &[f32], dy: &[f32], c: &Sizes) -> Vec<f32> {
    let isa = Isa::best();
    if c.depthwise() {
        return depthwise::backward_w(x, dy, c);
    }
    if winograd::suits(c) {
        return winograd::backward_w(isa, x, dy, c);
    }
    if small::suits(c) {
        return small::backward_w(x, dy, c);
    }
    let (cg, og, taps, groups) = (c.cg(), c.og(), c.taps(), c.g.groups);
    let padded = isa.padded(og);
    let size = groups * taps * cg * padded;
    let parts = parts(size, c);
    let per_part = c.n.div_ceil(parts);
    // Few channels: all taps of a pixel are one row.
    let joined = if cg < 8 { taps } else { 1 };
    let whole = c.pointwise();
    let pixels: Vec<usize> = (0..c.oh * c.ow).collect();
    let partial: Vec<Vec<f32>> = (0..c.n.div_ceil(per_part))
        .into_par_iter()
        .map(|part| {
            let mut dw = vec![0.0; size];
            let (mut rows, mut gradient) = (Vec::new(), Vec::new());
            for image in part * per_part..((part + 1) * per_part).min(c.n) {
                let x = &x[image * c.image()..][..c.image()];
                let dy = &dy[image * c.plane()..][..c.plane()];
                let (image_x, image_dy) = (x, dy);
                for some in pixels.chunks(DEPTH) {
                    for group in 0..groups {
                        let direct = og == padded;
                        if !direct {
                            gradient.clear();
                            for p in some {
                                gradient.extend_from_slice(&dy[p * c.o + group * og..][..og]);
                                gradient.resize(gradient.len() + padded - og, 0.0);
                            }
                        }
                        let (y, y_step): (&[f32], usize) = match direct {
                            true => (&dy[some[0] * c.o + group * og..], c.o),
                            false => (&gradient, padded),
                        };
                        let pairs = Pairs { x: &[], x_step: 0, y, y_step, rows: some.len() };
                        for first in (0..taps).step_by(joined) {
                            let m = joined * cg;
                            let out = &mut dw[(group * taps + first) * cg * padded..];
                            let panels = padded / isa.columns();
                            if whole {
                                let pairs = Pairs { x: &x[some[0] * c.c + group * cg..], x_step: c.c, ..pairs };
                                let next = some[0] + some.len();
                                let rows = |a: usize, b: usize| (next * a).min(b)..((next + DEPTH) * a).min(b);
                                let ahead = [&image_x[rows(c.c, image_x.len())], &image_dy[rows(c.o, image_dy.len())]];
                                outer(isa, &[pairs], m, panels, (out, padded), ahead);
                            } else {
                                match joined == taps && groups == 1 {
                                    true => gather(x, c, some, &mut rows),
                                    false => {
                                        gather_group(x, c, some, first..first + joined, (group * cg, cg), &mut rows)
                                    }
                                }
                                let pairs = Pairs { x: &rows, x_step: m, ..pairs };
                                outer(isa, &[pairs], m, panels, (out, padded), [&[]; 2]);
                            }
                        }
                    }
                }
            }
            dw
        })
        .collect();
    let sum = add_all(partial);
    let mut dw = buffer(c.o * cg * taps);
    dw.par_chunks_mut(cg * taps).enumerate().for_each(|(o, to)| {
        let (group, o) = (o / og, o % og);
        for (i, to) in to.iter_mut().enumerate() {
            *to = sum[((group * taps + i % taps) * cg + i / taps) * padded + o];
        }
    });
    dw
}

/// The sum of equally long vectors, in order.
pub(super) fn add_all<P: AsRef<[f32]> + AsMut<[f32]> + Default>(parts: Vec<P>) -> P {
    let mut parts = parts.into_iter();
    let mut sum = parts.next().unwrap_or_default();
    parts.for_each(|p| sum.as_mut().iter_mut().zip(p.as_ref()).for_each(|(a, b)| *a += b));
    sum
}
