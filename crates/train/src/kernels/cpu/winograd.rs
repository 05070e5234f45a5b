//! Convolutions of 3×3 with step 1 by Winograd's method: tiles of 4×4 outputs from 6×6 inputs, 36 products instead of 144.
//!
//! `Y = Aᵀ[(G g) ⊙ (Bᵀ d)]` in each dimension (Lavin and Gray 2016; Cook and Toom), with the points 0, ±5/8, ±3/2 and ∞, which
//! keep rounding errors several times smaller than 0, ±1, ±2. The gradient for the input is the same with the weights turned
//! round; the gradient for the weights is the method for 3×3 results of a 4×4 filter, the gradient's tile, on the same input
//! transform. The 36 products of a tile run over channels as matrix products.

use super::blocks::buffer;
use super::conv::Sizes;
use super::isa::Isa;
use super::micro::{Pairs, Rows, outer, product};
use super::tiles::{A, B, Grid, POINTS, Results, SIDE, gradient_points, input_points, plane};
use super::vector::MOST_LANES;
use rayon::prelude::*;

/// Tiles whose products are made together.
const TILES: usize = 32;

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

/// Filters at the 36 points, in panels: `[panel][point][k][columns]`. `filter(k, n)` are its nine taps.
fn transform_filters(isa: Isa, k: usize, n: usize, filter: impl Fn(usize, usize) -> [f32; 9] + Sync) -> Vec<f32> {
    let width = isa.columns();
    let panel = POINTS * k * width;
    let mut out = vec![0.0; n.div_ceil(width) * panel];
    out.par_chunks_mut(panel).enumerate().for_each(|(p, out)| {
        for c in 0..k {
            for j in 0..width.min(n - p * width) {
                let g = filter(c, p * width + j).map(f64::from);
                let columns: [[f64; 6]; 3] = std::array::from_fn(|x| three_points([g[x], g[3 + x], g[6 + x]]));
                for i in 0..6 {
                    let row = three_points([columns[0][i], columns[1][i], columns[2][i]]);
                    for (x, v) in row.iter().enumerate() {
                        out[((i * 6 + x) * k + c) * width + j] = *v as f32;
                    }
                }
            }
        }
    });
    out
}

/// A correlation with 3×3 filters of `k` → `n` channels: images `[h, w, k]` → `[out_h, out_w, n]`.
fn correlate(isa: Isa, x: &[f32], g: &Grid, filters: &[f32], (h, w, n): (usize, usize, usize)) -> Vec<f32> {
    let images = x.len() / (g.h * g.w * g.k);
    let mut y = buffer(images * h * w * n);
    // Small images go together, so that the products have enough rows: the more, the larger the filters that all rows pass.
    let tasks = if filters.len() > 1 << 20 { 2 } else { 8 };
    let together = (TILES / g.tiles()).clamp(1, images.div_ceil(tasks));
    let (ks, ns) = (g.k.next_multiple_of(MOST_LANES), n.next_multiple_of(MOST_LANES));
    let point = isa.columns() * g.k;
    let (vp, mp) = (plane(TILES, ks), plane(TILES, ns));
    let scratch = || (vec![0.0f32; POINTS * vp], vec![0.0f32; POINTS * mp]);
    let work = y.par_chunks_mut(together * h * w * n).zip(x.par_chunks(together * g.h * g.w * g.k));
    work.for_each_init(scratch, |(v, m), (y, x)| {
        let all = y.len() / (h * w * n) * g.tiles();
        for first in (0..all).step_by(TILES) {
            let tiles = first..(first + TILES).min(all);
            let rows = tiles.len();
            input_points(isa, x, g, tiles.clone(), ks, v);
            for q in 0..POINTS {
                let a = (&v[q * vp..][..TILES * ks], Rows { rows, step: ks });
                let out = (&mut m[q * mp..][..TILES * ns], Rows { rows, step: ns });
                product(isa, a, g.k, (&filters[q * point..], POINTS * point), out, n);
            }
            isa.run(Results { points: m, plane: mp, step: ns, grid: g, tiles, images: y, size: (h, w, n) });
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

/// Blocks of tiles that are transformed before the products run over them: a few megabytes.
fn blocks(block: usize, tiles: usize) -> usize {
    ((1 << 19) / block).clamp(4, 32).min(tiles.div_ceil(TILES))
}

/// Floats of working memory in the three passes.
pub(super) fn work(c: &Sizes) -> [usize; 3] {
    let (cs, os) = (c.c.next_multiple_of(MOST_LANES), c.o.next_multiple_of(MOST_LANES));
    let block = POINTS * (plane(TILES, cs) + plane(TILES, os));
    let tiles = c.n * c.oh.div_ceil(SIDE) * c.ow.div_ceil(SIDE);
    [POINTS * c.c * os, POINTS * c.o * cs, POINTS * c.c * os + blocks(block, tiles) * block]
}

/// The gradient for w.
pub(super) fn backward_w(isa: Isa, x: &[f32], dy: &[f32], c: &Sizes) -> Vec<f32> {
    let (rows, columns) = (c.oh.div_ceil(SIDE), c.ow.div_ceil(SIDE));
    let input = Grid { h: c.h, w: c.w, k: c.c, padding: c.g.padding, rows, columns };
    let gradient = Grid { h: c.oh, w: c.ow, k: c.o, padding: [0, 0], rows, columns };
    let tiles = c.n * input.tiles();
    let (cs, os) = (c.c.next_multiple_of(MOST_LANES), isa.padded(c.o).next_multiple_of(MOST_LANES));
    let (vp, gp) = (plane(TILES, cs), plane(TILES, os));
    let (v_block, g_block) = (POINTS * vp, POINTS * gp);
    let blocks = blocks(v_block + g_block, tiles);
    let (mut v, mut g) = (vec![0.0; blocks * v_block], vec![0.0; blocks * g_block]);
    let mut sums = vec![0.0; POINTS * c.c * os];
    for first in (0..tiles).step_by(blocks * TILES) {
        let range = |b: usize| {
            let start = first + b * TILES;
            start.min(tiles)..(start + TILES).min(tiles)
        };
        v.par_chunks_mut(v_block).zip(g.par_chunks_mut(g_block)).enumerate().for_each(|(b, (v, g))| {
            input_points(isa, x, &input, range(b), cs, v);
            gradient_points(isa, dy, &gradient, range(b), os, g);
        });
        sums.par_chunks_mut(c.c * os).enumerate().for_each(|(q, sum)| {
            let part = |b: usize| Pairs {
                x: &v[b * v_block + q * vp..][..TILES * cs],
                x_step: cs,
                y: &g[b * g_block + q * gp..][..TILES * os],
                y_step: os,
                rows: range(b).len(),
            };
            let parts: Vec<Pairs<'_>> = (0..blocks).map(part).collect();
            outer(isa, &parts, c.c, os / isa.columns(), (sum, os), [&[]; 2]);
        });
    }
    let mut dw = buffer(c.o * c.c * 9);
    // Channels next to each other together: their sums share cache lines.
    dw.par_chunks_mut(MOST_LANES * c.c * 9).enumerate().for_each(|(i, dw)| {
        for k in 0..c.c {
            let sums = |q: usize| &sums[q * c.c * os + k * os + i * MOST_LANES..][..MOST_LANES];
            let points: [&[f32]; POINTS] = std::array::from_fn(sums);
            for (o, dw) in dw.chunks_mut(c.c * 9).enumerate() {
                let at = |i: usize, j: usize| f64::from(points[i * 6 + j][o]);
                let half: [[f64; 3]; 6] = std::array::from_fn(|j| three_results(std::array::from_fn(|i| at(i, j))));
                for i in 0..3 {
                    let row = three_results(std::array::from_fn(|j| half[j][i]));
                    dw[k * 9 + i * 3..][..3].iter_mut().zip(row).for_each(|(to, v)| *to = v as f32);
                }
            }
        }
    });
    dw
}
