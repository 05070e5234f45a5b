//! Convolutions of 3×3 with step 1 by Winograd's method: tiles of 4×4 outputs from 6×6 inputs, 36 products instead of 144.
//!
//! `Y = Aᵀ[(G g) ⊙ (Bᵀ d)]` in each dimension (Lavin and Gray 2016; Cook and Toom), with the points 0, ±5/8, ±3/2 and ∞, which
//! keep rounding errors several times smaller than 0, ±1, ±2. The gradient for the input is the same with the weights turned
//! round; the gradient for the weights is the method for 3×3 results of a 4×4 filter, the gradient's tile, on the same input
//! transform. The 36 products of a tile run over channels as matrix products.

use super::conv::Sizes;
use super::micro::{Isa, Rows, outer, product};
use rayon::prelude::*;

/// The points and their squares.
const A: f32 = 0.625;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;
const SUM: f32 = A2 + B2;
const PRODUCT: f32 = A2 * B2;

/// Channels that a transform takes at once.
const LANES: usize = 8;
/// Output rows and columns of a tile.
const SIDE: usize = 4;
const POINTS: usize = 36;
/// Tiles whose products are made together.
const TILES: usize = 32;

type V = [f32; LANES];

/// Whether the method applies and pays.
pub(super) fn suits(c: &Sizes) -> bool {
    let g = c.g;
    (c.kh, c.kw) == (3, 3)
        && g.stride == [1, 1]
        && g.dilation == [1, 1]
        && g.groups == 1
        && g.padding.iter().all(|&p| p <= 2)
        && c.c >= 16
        && c.o >= 16
        && c.oh * c.ow >= 9
        && c.oh >= 3
        && c.ow >= 3
}

#[inline(always)]
fn lin(terms: &[(f32, &V)]) -> V {
    let mut sum = [0.0; LANES];
    for (f, v) in terms {
        for l in 0..LANES {
            sum[l] += f * v[l];
        }
    }
    sum
}

/// `Bᵀ d`.
#[inline(always)]
fn input_points(d: &[V; 6]) -> [V; 6] {
    let (ea, oa) = (lin(&[(1.0, &d[4]), (-B2, &d[2])]), lin(&[(A, &d[3]), (-A * B2, &d[1])]));
    let (eb, ob) = (lin(&[(1.0, &d[4]), (-A2, &d[2])]), lin(&[(B, &d[3]), (-B * A2, &d[1])]));
    [
        lin(&[(PRODUCT, &d[0]), (-SUM, &d[2]), (1.0, &d[4])]),
        lin(&[(1.0, &ea), (1.0, &oa)]),
        lin(&[(1.0, &ea), (-1.0, &oa)]),
        lin(&[(1.0, &eb), (1.0, &ob)]),
        lin(&[(1.0, &eb), (-1.0, &ob)]),
        lin(&[(PRODUCT, &d[1]), (-SUM, &d[3]), (1.0, &d[5])]),
    ]
}

/// `Aᵀ m`, four results.
#[inline(always)]
fn four_results(m: &[V; 6]) -> [V; 4] {
    let (sa, da) = (lin(&[(1.0, &m[1]), (1.0, &m[2])]), lin(&[(1.0, &m[1]), (-1.0, &m[2])]));
    let (sb, db) = (lin(&[(1.0, &m[3]), (1.0, &m[4])]), lin(&[(1.0, &m[3]), (-1.0, &m[4])]));
    [
        lin(&[(1.0, &m[0]), (1.0, &sa), (1.0, &sb)]),
        lin(&[(A, &da), (B, &db)]),
        lin(&[(A2, &sa), (B2, &sb)]),
        lin(&[(A * A2, &da), (B * B2, &db), (1.0, &m[5])]),
    ]
}

/// `G g` of a filter of four: what a tile of gradients is for the weights.
#[inline(always)]
fn four_points(g: &[V; 4]) -> [V; 6] {
    const FA: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
    const FB: f32 = 1.0 / (2.0 * B2 * (B2 - A2));
    let (ea, oa) = (lin(&[(FA, &g[0]), (FA * A2, &g[2])]), lin(&[(FA * A, &g[1]), (FA * A * A2, &g[3])]));
    let (eb, ob) = (lin(&[(FB, &g[0]), (FB * B2, &g[2])]), lin(&[(FB * B, &g[1]), (FB * B * B2, &g[3])]));
    [
        lin(&[(1.0 / PRODUCT, &g[0])]),
        lin(&[(1.0, &ea), (1.0, &oa)]),
        lin(&[(1.0, &ea), (-1.0, &oa)]),
        lin(&[(1.0, &eb), (1.0, &ob)]),
        lin(&[(1.0, &eb), (-1.0, &ob)]),
        g[3],
    ]
}

/// `G` of a filter of three, in f64: the filters are few.
fn three_points(g: [f64; 3]) -> [f64; 6] {
    let (a, b) = (f64::from(A), f64::from(B));
    let at = |x: f64| g[0] + x * g[1] + x * x * g[2];
    let (fa, fb) = (1.0 / (2.0 * a * a * (a * a - b * b)), 1.0 / (2.0 * b * b * (b * b - a * a)));
    [g[0] / (a * a * b * b), fa * at(a), fa * at(-a), fb * at(b), fb * at(-b), g[2]]
}

/// `Aᵀ` for three results, in f64.
fn three_results(m: [f64; 6]) -> [f64; 3] {
    let (a, b) = (f64::from(A), f64::from(B));
    let (sa, sb) = (m[1] + m[2], m[3] + m[4]);
    [m[0] + sa + sb, a * (m[1] - m[2]) + b * (m[3] - m[4]), a * a * sa + b * b * sb + m[5]]
}

/// Tiles over the result of a correlation of images `[h, w, k]` with padding.
#[derive(Clone, Copy)]
struct Grid {
    h: usize,
    w: usize,
    /// Channels of a pixel.
    k: usize,
    padding: [usize; 2],
    rows: usize,
    columns: usize,
}

impl Grid {
    fn tiles(&self) -> usize {
        self.rows * self.columns
    }

    /// Where tile `t` of an image starts, in result coordinates.
    fn corner(&self, t: usize) -> (usize, usize) {
        (t / self.columns * SIDE, t % self.columns * SIDE)
    }
}

/// The square of `S`×`S` pixels from (y, x), `k` channels from `c`; zeros outside and beyond the last channel.
#[inline(always)]
fn square<const S: usize>(image: &[f32], g: &Grid, (y, x): (isize, isize), c: usize) -> [[V; S]; S] {
    let mut d = [[[0.0; LANES]; S]; S];
    let lanes = (g.k - c).min(LANES);
    for (i, row) in d.iter_mut().enumerate() {
        let yy = y + i as isize;
        if yy < 0 || yy >= g.h as isize {
            continue;
        }
        for (j, to) in row.iter_mut().enumerate() {
            let xx = x + j as isize;
            if xx < 0 || xx >= g.w as isize {
                continue;
            }
            let at = (yy as usize * g.w + xx as usize) * g.k + c;
            if lanes == LANES {
                to.copy_from_slice(&image[at..at + LANES]);
            } else {
                to[..lanes].copy_from_slice(&image[at..at + lanes]);
            }
        }
    }
    d
}

/// Both dimensions of a transform of `S`×`S` into 36 points, written to `out[point·plane ..][.. lanes]`.
#[inline(always)]
fn spread<const S: usize>(d: &[[V; S]; S], f: impl Fn(&[V; S]) -> [V; 6], out: &mut [f32], plane: usize, lanes: usize) {
    let mut half = [[[0.0; LANES]; S]; 6];
    for j in 0..S {
        let column: [V; S] = std::array::from_fn(|i| d[i][j]);
        let t = f(&column);
        for i in 0..6 {
            half[i][j] = t[i];
        }
    }
    for (i, row) in half.iter().enumerate() {
        let t = f(row);
        for (j, v) in t.iter().enumerate() {
            let to = &mut out[(i * 6 + j) * plane..];
            if lanes == LANES {
                to[..LANES].copy_from_slice(v);
            } else {
                to[..lanes].copy_from_slice(&v[..lanes]);
            }
        }
    }
}

/// Input transforms of tiles into `out[point][tile][step]`.
#[inline(always)]
fn transform_input(images: &[f32], g: &Grid, tiles: std::ops::Range<usize>, step: usize, out: &mut [f32]) {
    let plane = TILES * step;
    for (slot, t) in tiles.enumerate() {
        let image = &images[t / g.tiles() * g.h * g.w * g.k..][..g.h * g.w * g.k];
        let (y, x) = g.corner(t % g.tiles());
        let from = (y as isize - g.padding[0] as isize, x as isize - g.padding[1] as isize);
        for c in (0..g.k).step_by(LANES) {
            let d = square::<6>(image, g, from, c);
            spread(&d, input_points, &mut out[slot * step + c..], plane, (step - c).min(LANES));
        }
    }
}

/// Transforms of tiles of gradients, as filters of 4×4, into `out[point][tile][step]`.
#[inline(always)]
fn transform_gradient(images: &[f32], g: &Grid, tiles: std::ops::Range<usize>, step: usize, out: &mut [f32]) {
    let plane = TILES * step;
    for (slot, t) in tiles.enumerate() {
        let image = &images[t / g.tiles() * g.h * g.w * g.k..][..g.h * g.w * g.k];
        let (y, x) = g.corner(t % g.tiles());
        for c in (0..g.k).step_by(LANES) {
            let d = square::<4>(image, g, (y as isize, x as isize), c);
            spread(&d, four_points, &mut out[slot * step + c..], plane, (step - c).min(LANES));
        }
    }
}

/// Results of tiles from their products `m[point][tile][step]`, into images `[h, w, n]`.
#[inline(always)]
fn results(
    m: &[f32],
    g: &Grid,
    tiles: std::ops::Range<usize>,
    step: usize,
    out: &mut [f32],
    (h, w, n): (usize, usize, usize),
) {
    let plane = TILES * step;
    for (slot, t) in tiles.enumerate() {
        let image = &mut out[t / g.tiles() * h * w * n..][..h * w * n];
        let (y, x) = g.corner(t % g.tiles());
        for c in (0..n).step_by(LANES) {
            let lanes = (n - c).min(LANES);
            let mut half = [[[0.0; LANES]; 6]; SIDE];
            for j in 0..6 {
                let column: [V; 6] = std::array::from_fn(|i| {
                    let mut v = [0.0; LANES];
                    v.copy_from_slice(&m[(i * 6 + j) * plane + slot * step + c..][..LANES]);
                    v
                });
                let t = four_results(&column);
                for i in 0..SIDE {
                    half[i][j] = t[i];
                }
            }
            for i in 0..SIDE.min(h - y) {
                let t = four_results(&half[i]);
                for (j, v) in t.iter().enumerate().take(w - x) {
                    let to = &mut image[((y + i) * w + x + j) * n + c..];
                    if lanes == LANES {
                        to[..LANES].copy_from_slice(v);
                    } else {
                        to[..lanes].copy_from_slice(&v[..lanes]);
                    }
                }
            }
        }
    }
}

/// Filters at the 36 points, each in panels: `[point][panel][k][columns]`. `filter(k, n)` are its nine taps.
fn transform_filters(isa: Isa, k: usize, n: usize, filter: impl Fn(usize, usize) -> [f32; 9] + Sync) -> Vec<f32> {
    let width = isa.columns();
    let panels = n.div_ceil(width);
    let point = panels * k * width;
    let mut out = vec![0.0; POINTS * point];
    // One pass for each panel and channel; the points of a filter lie far apart.
    let rows: Vec<Vec<f32>> = (0..panels * k)
        .into_par_iter()
        .map(|row| {
            let (p, c) = (row / k, row % k);
            let mut values = vec![0.0; POINTS * width];
            for j in 0..width.min(n - p * width) {
                let g = filter(c, p * width + j).map(f64::from);
                let columns: [[f64; 6]; 3] = std::array::from_fn(|x| three_points([g[x], g[3 + x], g[6 + x]]));
                for i in 0..6 {
                    let row = three_points([columns[0][i], columns[1][i], columns[2][i]]);
                    for (x, v) in row.iter().enumerate() {
                        values[(i * 6 + x) * width + j] = *v as f32;
                    }
                }
            }
            values
        })
        .collect();
    out.par_chunks_mut(point).enumerate().for_each(|(q, out)| {
        for (to, row) in out.chunks_mut(width).zip(&rows) {
            to.copy_from_slice(&row[q * width..][..width]);
        }
    });
    out
}

/// A correlation with 3×3 filters of `k` → `n` channels: images `[h, w, k]` → `[out_h, out_w, n]`.
fn correlate(isa: Isa, x: &[f32], g: &Grid, filters: &[f32], (h, w, n): (usize, usize, usize)) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let images = x.len() / (g.h * g.w * g.k);
    let mut y = super::buffer::buffer(images * h * w * n);
    // Small images go together, so that the products have enough rows.
    let together = (TILES / g.tiles()).clamp(1, images.div_ceil(8));
    let (ks, ns) = (g.k.next_multiple_of(LANES), n.next_multiple_of(LANES));
    let point = n.div_ceil(isa.columns()) * isa.columns() * g.k;
    let scratch = || (vec![0.0f32; POINTS * TILES * ks], vec![0.0f32; POINTS * TILES * ns]);
    let work = y.par_chunks_mut(together * h * w * n).zip(x.par_chunks(together * g.h * g.w * g.k));
    work.for_each_init(scratch, |(v, m), (y, x)| {
        let all = y.len() / (h * w * n) * g.tiles();
        for first in (0..all).step_by(TILES) {
            let tiles = first..(first + TILES).min(all);
            let rows = tiles.len();
            arch.dispatch(
                #[inline(always)]
                || transform_input(x, g, tiles.clone(), ks, v),
            );
            for q in 0..POINTS {
                let a = (&v[q * TILES * ks..][..TILES * ks], Rows { rows, step: ks });
                let out = (&mut m[q * TILES * ns..][..TILES * ns], Rows { rows, step: ns });
                product(isa, a, g.k, &filters[q * point..][..point], out, n);
            }
            arch.dispatch(
                #[inline(always)]
                || results(m, g, tiles.clone(), ns, y, (h, w, n)),
            );
        }
    });
    y
}

/// `y = w ⋆ x`.
pub(super) fn forward(isa: Isa, x: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let filters = transform_filters(isa, c.c, c.o, |k, n| std::array::from_fn(|t| w[(n * c.c + k) * 9 + t]));
    let grid =
        Grid { h: c.h, w: c.w, k: c.c, padding: c.g.padding, rows: c.oh.div_ceil(SIDE), columns: c.ow.div_ceil(SIDE) };
    correlate(isa, x, &grid, &filters, (c.oh, c.ow, c.o))
}

/// The gradient for x: the correlation of dy with the filters turned round.
pub(super) fn backward_x(isa: Isa, dy: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let filters = transform_filters(isa, c.o, c.c, |k, n| std::array::from_fn(|t| w[(k * c.c + n) * 9 + 8 - t]));
    let grid = Grid {
        h: c.oh,
        w: c.ow,
        k: c.o,
        padding: [2 - c.g.padding[0], 2 - c.g.padding[1]],
        rows: c.h.div_ceil(SIDE),
        columns: c.w.div_ceil(SIDE),
    };
    correlate(isa, dy, &grid, &filters, (c.h, c.w, c.c))
}

/// The gradient for w.
pub(super) fn backward_w(isa: Isa, x: &[f32], dy: &[f32], c: &Sizes) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let (rows, columns) = (c.oh.div_ceil(SIDE), c.ow.div_ceil(SIDE));
    let input = Grid { h: c.h, w: c.w, k: c.c, padding: c.g.padding, rows, columns };
    let gradient = Grid { h: c.oh, w: c.ow, k: c.o, padding: [0, 0], rows, columns };
    let tiles = c.n * input.tiles();
    let (cs, os) = (c.c.next_multiple_of(LANES), isa.padded(c.o));
    let (v_block, g_block) = (POINTS * TILES * cs, POINTS * TILES * os);
    // Blocks of tiles that are transformed before the products run over them: a few megabytes.
    let blocks = ((4 << 20) / (v_block + g_block)).clamp(2, 32).min(tiles.div_ceil(TILES));
    let (mut v, mut g) = (vec![0.0; blocks * v_block], vec![0.0; blocks * g_block]);
    let mut sums = vec![0.0; POINTS * c.c * os];
    for first in (0..tiles).step_by(blocks * TILES) {
        let range = |b: usize| {
            let start = first + b * TILES;
            start.min(tiles)..(start + TILES).min(tiles)
        };
        v.par_chunks_mut(v_block).zip(g.par_chunks_mut(g_block)).enumerate().for_each(|(b, (v, g))| {
            arch.dispatch(
                #[inline(always)]
                || {
                    transform_input(x, &input, range(b), cs, v);
                    transform_gradient(dy, &gradient, range(b), os, g);
                },
            );
        });
        sums.par_chunks_mut(c.c * os).enumerate().for_each(|(q, sum)| {
            for b in 0..blocks {
                let rows = range(b).len();
                let a = (&v[b * v_block + q * TILES * cs..][..TILES * cs], Rows { rows, step: cs });
                let y = (&g[b * g_block + q * TILES * os..][..TILES * os], Rows { rows, step: os });
                outer(isa, a, c.c, y, os / isa.columns(), (sum, os));
            }
        });
    }
    let mut dw = vec![0.0; c.o * c.c * 9];
    dw.par_chunks_mut(c.c * 9).enumerate().for_each(|(o, dw)| {
        for (k, dw) in dw.chunks_mut(9).enumerate() {
            let at = |i: usize, j: usize| f64::from(sums[(i * 6 + j) * c.c * os + k * os + o]);
            let half: [[f64; 3]; 6] = std::array::from_fn(|j| three_results(std::array::from_fn(|i| at(i, j))));
            for i in 0..3 {
                let row = three_results(std::array::from_fn(|j| half[j][i]));
                dw[i * 3..][..3].iter_mut().zip(row).for_each(|(to, v)| *to = v as f32);
            }
        }
    });
    dw
}
