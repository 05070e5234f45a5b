//! The transforms of Winograd's method between images and the 36 points of their tiles.
//!
//! Points lie as `[point][tile][channel]`, so that each point is a matrix of rows of channels. A plane, all tiles of a point, is
//! a cache line longer than it needs to be: planes of a power of two would all meet in the same few places of the cache.

#![allow(
    unsafe_code,
    clippy::needless_range_loop,
    reason = "vector instructions and register tiles; every bound is asserted before pointers are formed"
)]

use super::isa::Isa;
use super::vector::{MOST_LANES, Vector, Work};
use std::ops::Range;

/// The points and their squares.
pub(super) const A: f32 = 0.625;
pub(super) const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;
const SUM: f32 = A2 + B2;
const PRODUCT: f32 = A2 * B2;

/// Output rows and columns of a tile.
pub(super) const SIDE: usize = 4;
pub(super) const POINTS: usize = 36;

/// Floats between the same element of two points: `tiles` rows of `step`, and a cache line.
pub(super) fn plane(tiles: usize, step: usize) -> usize {
    tiles * step + MOST_LANES
}

/// Tiles over the result of a correlation of images `[h, w, k]` with padding.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) h: usize,
    pub(super) w: usize,
    /// Channels of a pixel.
    pub(super) k: usize,
    pub(super) padding: [usize; 2],
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Grid {
    pub(super) fn tiles(&self) -> usize {
        self.rows * self.columns
    }

    /// Where tile `t` of an image starts, in result coordinates.
    fn corner(&self, t: usize) -> (usize, usize) {
        (t / self.columns * SIDE, t % self.columns * SIDE)
    }
}

/// What turns `S` elements of a row or column into six points.
trait Points<const S: usize> {
    /// # Safety
    /// The machine has the instructions of `V`.
    unsafe fn points<V: Vector>(d: [V; S]) -> [V; 6];
}

/// `Bᵀ d`, of the input.
struct OfInput;

impl Points<6> for OfInput {
    #[inline(always)]
    unsafe fn points<V: Vector>(d: [V; 6]) -> [V; 6] {
        // SAFETY: handed on to the caller.
        unsafe {
            let times = |a: V, f: f32, b: V| a.add_product(V::splat(f), b);
            let (ea, oa) = (times(d[4], -B2, d[2]), times(d[3], -B2, d[1]));
            let (eb, ob) = (times(d[4], -A2, d[2]), times(d[3], -A2, d[1]));
            [
                times(times(d[4], -SUM, d[2]), PRODUCT, d[0]),
                times(ea, A, oa),
                times(ea, -A, oa),
                times(eb, B, ob),
                times(eb, -B, ob),
                times(times(d[5], -SUM, d[3]), PRODUCT, d[1]),
            ]
        }
    }
}

/// `G g` of a filter of four: what a tile of gradients is for the weights.
struct OfGradient;

impl Points<4> for OfGradient {
    #[inline(always)]
    unsafe fn points<V: Vector>(g: [V; 4]) -> [V; 6] {
        const FA: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
        const FB: f32 = 1.0 / (2.0 * B2 * (B2 - A2));
        // SAFETY: handed on to the caller.
        unsafe {
            let times = |a: V, f: f32, b: V| a.add_product(V::splat(f), b);
            let (ea, oa) = (times(g[0], A2, g[2]).mul(V::splat(FA)), times(g[1], A2, g[3]));
            let (eb, ob) = (times(g[0], B2, g[2]).mul(V::splat(FB)), times(g[1], B2, g[3]));
            [
                g[0].mul(V::splat(1.0 / PRODUCT)),
                times(ea, FA * A, oa),
                times(ea, -FA * A, oa),
                times(eb, FB * B, ob),
                times(eb, -FB * B, ob),
                g[3],
            ]
        }
    }
}

/// `Aᵀ m`, four results.
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
unsafe fn four_results<V: Vector>(m: [V; 6]) -> [V; 4] {
    // SAFETY: handed on to the caller.
    unsafe {
        let times = |a: V, f: f32, b: V| a.add_product(V::splat(f), b);
        let (sa, da) = (m[1].add(m[2]), m[1].sub(m[2]));
        let (sb, db) = (m[3].add(m[4]), m[3].sub(m[4]));
        [
            m[0].add(sa).add(sb),
            times(da.mul(V::splat(A)), B, db),
            times(sa.mul(V::splat(A2)), B2, sb),
            times(times(m[5], A * A2, da), B * B2, db),
        ]
    }
}

/// Squares of images into points.
struct Spread<'a, const S: usize, P> {
    images: &'a [f32],
    grid: &'a Grid,
    tiles: Range<usize>,
    plane: usize,
    step: usize,
    /// As many zeros as a pixel has channels.
    zeros: &'a [f32],
    out: &'a mut [f32],
    points: std::marker::PhantomData<P>,
}

impl<const S: usize, P: Points<S>> Work for Spread<'_, S, P> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let g = self.grid;
        let (size, k) = (g.h * g.w * g.k, g.k);
        let whole = k / V::LANES * V::LANES;
        assert!(self.zeros.len() >= k && self.step >= k.next_multiple_of(V::LANES), "channels beyond their row");
        assert!(
            self.out.len() >= (POINTS - 1) * self.plane + self.tiles.len() * self.step,
            "points beyond their slice"
        );
        for (slot, t) in self.tiles.enumerate() {
            let image = &self.images[t / g.tiles() * size..][..size];
            let (y, x) = g.corner(t % g.tiles());
            // Rows and columns of the square that lie in the image.
            let inside = |at: usize, padding: usize, n: usize| {
                let first = padding.saturating_sub(at).min(S);
                (first, (n + padding).saturating_sub(at).min(S).max(first))
            };
            let (rows, columns) = (inside(y, g.padding[0], g.h), inside(x, g.padding[1], g.w));
            let mut from = [[self.zeros.as_ptr(); S]; S];
            for i in rows.0..rows.1 {
                let start = ((y + i - g.padding[0]) * g.w + x + columns.0 - g.padding[1]) * k;
                let row = &image[start..start + (columns.1 - columns.0) * k];
                for (j, pixel) in (columns.0..columns.1).zip(row.chunks_exact(k)) {
                    from[i][j] = pixel.as_ptr();
                }
            }
            // SAFETY: each pointer has k readable floats; the points have `step` ≥ k floats in each of 36 planes, as asserted,
            // and the last vector reads from a copy.
            unsafe {
                let to = self.out.as_mut_ptr().add(slot * self.step);
                for c in (0..whole).step_by(V::LANES) {
                    points::<S, P, V>(&from, c, to.add(c), self.plane);
                }
                if whole < k {
                    let mut tail = [[[0.0f32; MOST_LANES]; S]; S];
                    for i in 0..S {
                        for j in 0..S {
                            from[i][j].add(whole).copy_to_nonoverlapping(tail[i][j].as_mut_ptr(), k - whole);
                            from[i][j] = tail[i][j].as_ptr();
                        }
                    }
                    points::<S, P, V>(&from, 0, to.add(whole), self.plane);
                }
            }
        }
    }
}

/// Both dimensions of one square.
///
/// # Safety
/// Each of `from` has a vector at `c`, `to` one in each of 36 planes.
#[inline(always)]
unsafe fn points<const S: usize, P: Points<S>, V: Vector>(
    from: &[[*const f32; S]; S],
    c: usize,
    to: *mut f32,
    plane: usize,
) {
    // SAFETY: handed on to the caller.
    unsafe {
        let mut half = [[V::splat(0.0); S]; 6];
        for j in 0..S {
            let column = P::points(std::array::from_fn(|i| V::load(from[i][j].add(c))));
            for i in 0..6 {
                half[i][j] = column[i];
            }
        }
        for i in 0..6 {
            let row = P::points(half[i]);
            for j in 0..6 {
                row[j].store(to.add((i * 6 + j) * plane));
            }
        }
    }
}

fn spread<const S: usize, P: Points<S>>(
    isa: Isa,
    images: &[f32],
    grid: &Grid,
    tiles: Range<usize>,
    step: usize,
    out: &mut [f32],
) {
    let plane = out.len() / POINTS;
    let zeros = vec![0.0; grid.k];
    isa.run(Spread::<S, P> { images, grid, tiles, plane, step, zeros: &zeros, out, points: std::marker::PhantomData });
}

/// Tiles of inputs into their points `out[point][tile][step]`.
pub(super) fn input_points(isa: Isa, images: &[f32], g: &Grid, tiles: Range<usize>, step: usize, out: &mut [f32]) {
    spread::<6, OfInput>(isa, images, g, tiles, step, out);
}

/// Tiles of gradients, as filters of 4×4, into their points `out[point][tile][step]`.
pub(super) fn gradient_points(isa: Isa, images: &[f32], g: &Grid, tiles: Range<usize>, step: usize, out: &mut [f32]) {
    spread::<4, OfGradient>(isa, images, g, tiles, step, out);
}

/// Results of tiles from their products `points[point][tile][step]`, into images `[h, w, n]`.
pub(super) struct Results<'a> {
    pub(super) points: &'a [f32],
    pub(super) plane: usize,
    pub(super) step: usize,
    pub(super) grid: &'a Grid,
    pub(super) tiles: Range<usize>,
    pub(super) images: &'a mut [f32],
    /// h, w, n.
    pub(super) size: (usize, usize, usize),
}

impl Work for Results<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let (g, (h, w, n)) = (self.grid, self.size);
        assert!(self.step >= n.next_multiple_of(V::LANES), "channels beyond their row");
        assert!(
            self.points.len() >= (POINTS - 1) * self.plane + self.tiles.len() * self.step,
            "points beyond their slice"
        );
        for (slot, t) in self.tiles.enumerate() {
            let image = &mut self.images[t / g.tiles() * h * w * n..][..h * w * n];
            let (y, x) = g.corner(t % g.tiles());
            let (rows, columns) = (SIDE.min(h - y), SIDE.min(w - x));
            for c in (0..n).step_by(V::LANES) {
                let lanes = (n - c).min(V::LANES);
                // SAFETY: the points have a vector at c in each of 36 planes, as asserted; each result is stored through a
                // slice of `lanes` floats, whole vectors only where that is their length.
                unsafe {
                    let from = self.points.as_ptr().add(slot * self.step + c);
                    let mut half = [[V::splat(0.0); 6]; SIDE];
                    for j in 0..6 {
                        let column = four_results(std::array::from_fn(|i| V::load(from.add((i * 6 + j) * self.plane))));
                        for i in 0..SIDE {
                            half[i][j] = column[i];
                        }
                    }
                    for (i, half) in half.iter().enumerate().take(rows) {
                        let row = four_results(*half);
                        let start = ((y + i) * w + x) * n + c;
                        let to = &mut image[start..start + (columns - 1) * n + lanes];
                        for (j, v) in row.iter().enumerate().take(columns) {
                            if lanes == V::LANES {
                                v.store(to.as_mut_ptr().add(j * n));
                            } else {
                                let mut tail = [0.0f32; MOST_LANES];
                                v.store(tail.as_mut_ptr());
                                to[j * n..][..lanes].copy_from_slice(&tail[..lanes]);
                            }
                        }
                    }
                }
            }
        }
    }
}
