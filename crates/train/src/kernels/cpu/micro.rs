//! Register tiles: the inner loops of every convolution, in AVX-512, AVX2 with FMA or portable code, chosen at run time.
//!
//! Three products, all on rows of channels as they lie in memory:
//! - [`product`]: rows at a fixed distance times packed weights;
//! - [`Block::product`]: rows found through a table of taps, some of them zero, times packed weights;
//! - [`outer`]: the sum over rows of one row's outer product with another's, for gradients of weights.
//!
//! Invariants: what a function reads and writes is bounded by assertions before the first pointer is formed; the order of
//! additions depends on sizes alone. Unsafe code stands here, in `isa`, `vector`, `tiles`,
//! `depthwise` and `buffer`, nowhere else in the crate.

#![allow(
    unsafe_code,
    clippy::needless_range_loop,
    reason = "vector instructions and register tiles; every bound is asserted before pointers are formed"
)]

use super::isa::Isa;
use super::vector::{Four, Vector};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

/// Rows of a register tile at most.
const MOST_ROWS: usize = 8;
/// Columns of a register tile at most.
const MOST_COLUMNS: usize = 32;

/// Where a tile's result goes.
#[derive(Clone, Copy)]
struct Target {
    rows: [*mut f32; MOST_ROWS],
    /// Columns that exist: the rest of the panel is padding.
    n: usize,
    add: bool,
}

#[inline(always)]
unsafe fn put<V: Vector, const M: usize>(tile: &[[V; 2]; M], to: &Target) {
    // SAFETY: the caller vouches that each of the first M rows of `to` has `n` writable elements, n ≤ 2·LANES.
    unsafe {
        if to.n >= 2 * V::LANES {
            for i in 0..M {
                let p = to.rows[i];
                let q = p.add(V::LANES);
                if to.add {
                    V::load(p).add(tile[i][0]).store(p);
                    V::load(q).add(tile[i][1]).store(q);
                } else {
                    tile[i][0].store(p);
                    tile[i][1].store(q);
                }
            }
            return;
        }
        let mut row = [0.0f32; MOST_COLUMNS];
        for i in 0..M {
            tile[i][0].store(row.as_mut_ptr());
            tile[i][1].store(row.as_mut_ptr().add(V::LANES));
            for (j, v) in row.iter().enumerate().take(to.n) {
                let p = to.rows[i].add(j);
                *p = if to.add { *p + v } else { *v };
            }
        }
    }
}

/// One tile: `M` rows through pointers, `segments` taps of `k` channels, one panel.
#[inline(always)]
unsafe fn tile_taps<V: Vector, const M: usize>(
    pointers: *const *const f32,
    starts: &[usize],
    k: usize,
    panel: *const f32,
    to: &Target,
) {
    // SAFETY: the caller vouches for M pointers a tap with k readable elements each, and for the panel's taps.
    unsafe {
        let mut tile = [[V::splat(0.0); 2]; M];
        for (s, start) in starts.iter().enumerate() {
            let rows: [*const f32; M] = std::array::from_fn(|i| *pointers.add(s * M + i));
            let mut b = panel.add(*start);
            for c in 0..k {
                let (b0, b1) = (V::load(b), V::load(b.add(V::LANES)));
                for i in 0..M {
                    let a = V::splat(*rows[i].add(c));
                    tile[i][0] = tile[i][0].add_product(a, b0);
                    tile[i][1] = tile[i][1].add_product(a, b1);
                }
                b = b.add(2 * V::LANES);
            }
        }
        put(&tile, to);
    }
}

/// One tile of an outer product, added to `out`.
#[inline(always)]
unsafe fn tile_outer<V: Vector, const M: usize>(o: &Outer<'_>) {
    // SAFETY: the caller vouches for the rows of both operands and of the result.
    unsafe {
        let mut tile = [[V::splat(0.0); 2]; M];
        for part in o.parts {
            let (mut x, mut y) = (part.x.as_ptr().wrapping_add(o.x_at), part.y.as_ptr().wrapping_add(o.y_at));
            for _ in 0..part.rows {
                let (b0, b1) = (V::load(y), V::load(y.add(V::LANES)));
                for i in 0..M {
                    let a = V::splat(*x.add(i));
                    tile[i][0] = tile[i][0].add_product(a, b0);
                    tile[i][1] = tile[i][1].add_product(a, b1);
                }
                x = x.wrapping_add(part.x_step);
                y = y.wrapping_add(part.y_step);
            }
        }
        for i in 0..M {
            let p = o.out.add(i * o.out_step);
            let q = p.add(V::LANES);
            V::load(p).add(tile[i][0]).store(p);
            V::load(q).add(tile[i][1]).store(q);
        }
    }
}

/// Rows of two matrices, each with one of the other's: what an outer product sums over.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a> {
    pub(super) x: &'a [f32],
    pub(super) x_step: usize,
    pub(super) y: &'a [f32],
    pub(super) y_step: usize,
    pub(super) rows: usize,
}

/// Operands of one tile of an outer product.
#[derive(Clone, Copy)]
struct Outer<'a> {
    parts: &'a [Pairs<'a>],
    /// Where the tile's columns begin in the rows.
    x_at: usize,
    y_at: usize,
    out: *mut f32,
    out_step: usize,
}

/// Calls a tile function with its number of rows as a constant, in each instruction set's own compilation.
macro_rules! by_rows {
    ($f:ident, $v:ty, $m:expr, ($($arg:expr),*)) => {
        match $m {
            1 => $f::<$v, 1>($($arg),*),
            2 => $f::<$v, 2>($($arg),*),
            3 => $f::<$v, 3>($($arg),*),
            4 => $f::<$v, 4>($($arg),*),
            5 => $f::<$v, 5>($($arg),*),
            6 => $f::<$v, 6>($($arg),*),
            7 => $f::<$v, 7>($($arg),*),
            _ => $f::<$v, 8>($($arg),*),
        }
    };
}

macro_rules! compiled {
    ($taps:ident, $outer:ident, $v:ty $(, $feature:literal)?) => {
        $(#[target_feature(enable = $feature)])?
        unsafe fn $taps(m: usize, pointers: *const *const f32, starts: &[usize], k: usize, panel: *const f32, to: &Target) {
            // SAFETY: handed on to the caller.
            unsafe { by_rows!(tile_taps, $v, m, (pointers, starts, k, panel, to)) }
        }

        $(#[target_feature(enable = $feature)])?
        unsafe fn $outer(m: usize, o: &Outer<'_>) {
            // SAFETY: handed on to the caller.
            unsafe { by_rows!(tile_outer, $v, m, (o)) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
compiled!(taps_avx512, outer_avx512, __m512, "avx512f");
#[cfg(target_arch = "x86_64")]
compiled!(taps_avx2, outer_avx2, __m256, "avx2,fma");
compiled!(taps_portable, outer_portable, Four);

impl Isa {
    /// # Safety
    /// As [`tile_taps`], with `m` rows.
    unsafe fn taps(self, m: usize, p: *const *const f32, starts: &[usize], k: usize, panel: *const f32, to: &Target) {
        // SAFETY: handed on to the caller; an instruction set is only named where it was detected.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => taps_avx512(m, p, starts, k, panel, to),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => taps_avx2(m, p, starts, k, panel, to),
                Isa::Portable => taps_portable(m, p, starts, k, panel, to),
            }
        }
    }

    /// # Safety
    /// As [`tile_outer`], with `m` rows.
    unsafe fn outer(self, m: usize, o: &Outer<'_>) {
        // SAFETY: handed on to the caller; an instruction set is only named where it was detected.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => outer_avx512(m, o),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => outer_avx2(m, o),
                Isa::Portable => outer_portable(m, o),
            }
        }
    }
}

/// A matrix in rows of `step` elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub(super) rows: usize,
    pub(super) step: usize,
}

impl Rows {
    fn holds(self, width: usize, len: usize) -> bool {
        self.rows == 0
            || (self.rows - 1).checked_mul(self.step).and_then(|v| v.checked_add(width)).is_some_and(|v| v <= len)
    }
}

/// `out[r][..n] = a[r][..k] · weights`, with weights in panels `[⌈n/columns⌉][k][columns]` that begin `step` after each other.
pub(super) fn product(
    isa: Isa,
    (a, a_rows): (&[f32], Rows),
    k: usize,
    (weights, step): (&[f32], usize),
    (out, out_rows): (&mut [f32], Rows),
    n: usize,
) {
    let width = isa.columns();
    let panels = n.div_ceil(width);
    assert!(
        a_rows.holds(k, a.len()) && out_rows.holds(n, out.len()) && a_rows.rows == out_rows.rows,
        "rows beyond their slice"
    );
    assert!(Rows { rows: panels, step }.holds(k * width, weights.len()), "weights beyond their slice");
    let most = isa.rows();
    // Rows that stay in the first-level cache while all panels pass; few weights stay there themselves, and rows of the result
    // are then written from end to end.
    let group = if panels * k * width <= 4096 { most } else { (6144 / k.max(1)).clamp(1, 16) * most };
    let base = out.as_mut_ptr();
    for first in (0..a_rows.rows).step_by(group) {
        let last = (first + group).min(a_rows.rows);
        for p in 0..panels {
            for r in (first..last).step_by(most) {
                let m = (last - r).min(most);
                let mut pointers = [a.as_ptr(); MOST_ROWS];
                let mut target = Target { rows: [base; MOST_ROWS], n: (n - p * width).min(width), add: false };
                for i in 0..m {
                    pointers[i] = a[(r + i) * a_rows.step..].as_ptr();
                    target.rows[i] = base.wrapping_add((r + i) * out_rows.step + p * width);
                }
                // SAFETY: row r+i of a has k elements and row r+i of out has n, as asserted; the panel was asserted too.
                unsafe { isa.taps(m, pointers.as_ptr(), &[0], k, weights[p * step..].as_ptr(), &target) }
            }
        }
    }
}

/// Rows of one register tile, each made of taps that lie anywhere in the input or are zero.
pub(super) struct Block<'a> {
    pointers: Vec<*const f32>,
    m: usize,
    k: usize,
    input: std::marker::PhantomData<&'a [f32]>,
}

impl<'a> Block<'a> {
    /// `offset(tap, row)` is where the `k` channels of a tap start in `input`, or `None` for zeros.
    pub(super) fn new(
        input: &'a [f32],
        zeros: &'a [f32],
        k: usize,
        m: usize,
        taps: usize,
        offset: impl Fn(usize, usize) -> Option<usize>,
    ) -> Self {
        assert!(zeros.len() >= k && m <= MOST_ROWS, "a tile that does not fit");
        let mut pointers = Vec::with_capacity(m * taps);
        for t in 0..taps {
            for i in 0..m {
                pointers.push(match offset(t, i) {
                    Some(at) => input[at..at + k].as_ptr(),
                    None => zeros.as_ptr(),
                });
            }
        }
        Block { pointers, m, k, input: std::marker::PhantomData }
    }

    /// `out[rows[i]..][..n] = Σ taps · panel`: tap `t` meets the weights that start at `starts[t]` in the panel.
    pub(super) fn product(&self, isa: Isa, panel: &[f32], starts: &[usize], out: &mut [f32], rows: &[usize], n: usize) {
        let width = isa.columns();
        assert!(self.m <= isa.rows() && rows.len() >= self.m && n <= width, "a tile that does not fit");
        assert!(starts.len() * self.m == self.pointers.len(), "taps without weights");
        assert!(starts.iter().all(|s| s + self.k * width <= panel.len()), "weights beyond their slice");
        assert!(rows[..self.m].iter().all(|at| at + n <= out.len()), "a result beyond its slice");
        let base = out.as_mut_ptr();
        let mut target = Target { rows: [base; MOST_ROWS], n, add: false };
        for (to, &at) in target.rows.iter_mut().zip(&rows[..self.m]) {
            *to = base.wrapping_add(at);
        }
        // SAFETY: each pointer has k elements (checked when it was made; the borrow is in the type), each row of the result
        // has n, and the panel holds k rows of `width` from every start.
        unsafe { isa.taps(self.m, self.pointers.as_ptr(), starts, self.k, panel.as_ptr(), &target) }
    }
}

/// Asks for memory that will be read soon.
#[inline(always)]
fn prefetch(part: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in part.chunks(16) {
        // SAFETY: a prefetch reads nothing.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr().cast()) }
    }
    let _ = part;
}

/// `out[i][j] += Σᵣ x[r][i] · y[r][j]` over the rows of all parts, for `i < m` and whole panels of `j`: `y` and `out` have rows
/// of a multiple of [`Isa::columns`] elements, of which `panels` panels are meant. `ahead` is what the next call will read.
pub(super) fn outer(
    isa: Isa,
    parts: &[Pairs<'_>],
    m: usize,
    panels: usize,
    (out, out_step): (&mut [f32], usize),
    ahead: [&[f32]; 2],
) {
    let width = isa.columns();
    let n = panels * width;
    for part in parts {
        let rows = |step| Rows { rows: part.rows, step };
        assert!(rows(part.x_step).holds(m, part.x.len()) && rows(part.y_step).holds(n, part.y.len()), "rows beyond");
    }
    assert!(Rows { rows: m, step: out_step }.holds(n, out.len()), "a result beyond its slice");
    if parts.iter().all(|part| part.rows == 0) {
        return;
    }
    let tiles = m.div_ceil(isa.rows());
    let ahead = ahead.map(|part| (part, part.len().div_ceil((panels * tiles).max(1))));
    for p in 0..panels {
        let mut i = 0;
        for tile in 0..tiles {
            for (part, each) in ahead {
                prefetch(part.get((p * tiles + tile) * each..).map_or(&[], |rest| &rest[..each.min(rest.len())]));
            }
            // Even tiles: one of few rows would wait for its own sums.
            let rows = (m - i).div_ceil(tiles - tile);
            let out = out[i * out_step + p * width..].as_mut_ptr();
            let o = Outer { parts, x_at: i, y_at: p * width, out, out_step };
            // SAFETY: the assertions above bound all three: from x_at on, rows of x have m−i elements; rows of y and of out
            // have whole panels.
            unsafe { isa.outer(rows, &o) }
            i += rows;
        }
    }
}
