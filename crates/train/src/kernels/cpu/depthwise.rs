//! Depthwise convolution on rows of channels: every tap is one multiplication of a row, so channels are the vector.

#![allow(
    unsafe_code,
    clippy::needless_range_loop,
    reason = "vector instructions and register tiles; every bound is asserted before pointers are formed"
)]

use super::conv::{Sizes, add_all};
use super::isa::Isa;
use super::vector::{Vector, Work};
use rayon::prelude::*;

/// Pixels of a row that are computed together: a weight is loaded once for all.
const TOGETHER: usize = 2;

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
fn readers(i: usize, d: usize, k: usize, size: usize, c: &Sizes) -> Taps {
    let (stride, dilation, padding) = (c.g.stride[d], c.g.dilation[d], c.g.padding[d]);
    (0..k)
        .filter_map(|t| {
            let v = (i + padding).checked_sub(t * dilation)?;
            (v % stride == 0 && v / stride < size).then_some((t, v / stride))
        })
        .collect()
}

/// For output coordinate `i`, the taps inside the input: `(tap, input coordinate)`.
fn sources(i: usize, d: usize, k: usize, size: usize, c: &Sizes) -> Taps {
    let (stride, dilation, padding) = (c.g.stride[d], c.g.dilation[d], c.g.padding[d]);
    (0..k)
        .filter_map(|t| {
            let v = (i * stride + t * dilation).checked_sub(padding)?;
            (v < size).then_some((t, v))
        })
        .collect()
}

type Taps = Vec<(usize, usize)>;

/// Pixels of a row, `step` apart, with the same taps.
struct Run {
    first: usize,
    step: usize,
    count: usize,
    /// Taps of the first pixel and the columns that they read.
    taps: Taps,
    /// From the column that a pixel reads to the one that the next reads.
    source_step: usize,
}

/// The pixels of a row as runs: `columns` are each pixel's taps, `step` the distance between pixels of equal taps.
fn runs(columns: &[Taps], step: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for phase in 0..step.min(columns.len()) {
        let mut open: Option<Run> = None;
        for at in (phase..columns.len()).step_by(step) {
            let taps = &columns[at];
            let goes_on = |r: &Run, by: usize| {
                let same = |(a, b): (&(usize, usize), &(usize, usize))| a.0 == b.0 && a.1 + r.count * by == b.1;
                r.taps.len() == taps.len() && r.taps.iter().zip(taps).all(same)
            };
            match &mut open {
                Some(r) if r.count == 1 && !taps.is_empty() && r.taps.len() == taps.len() => {
                    let by = taps[0].1.saturating_sub(r.taps[0].1);
                    if goes_on(r, by) {
                        (r.count, r.source_step) = (2, by);
                        continue;
                    }
                }
                Some(r) if goes_on(r, r.source_step) => {
                    r.count += 1;
                    continue;
                }
                _ => {}
            }
            runs.extend(open.replace(Run { first: at, step, count: 1, taps: taps.clone(), source_step: 0 }));
        }
        runs.extend(open);
    }
    runs
}

/// `out[pixel][c] = Σ taps w[tap][c]·input[source][c]` for one image.
struct Weave<'a> {
    input: &'a [f32],
    out: &'a mut [f32],
    w: &'a [f32],
    rows: &'a [Taps],
    runs: &'a [Run],
    /// Columns of the input, of the result.
    width: (usize, usize),
    kw: usize,
    c: usize,
}

impl Work for Weave<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(mut self) {
        let c = self.c;
        let all = std::mem::take(&mut self.out);
        for (y, ys) in self.rows.iter().enumerate() {
            let out = &mut all[y * self.width.1 * c..][..self.width.1 * c];
            for run in self.runs {
                assert!((run.first + (run.count - 1) * run.step) < self.width.1, "a pixel beyond its row");
                for (&(ty, sy), &(tx, sx)) in ys.iter().flat_map(|a| run.taps.iter().map(move |b| (a, b))) {
                    assert!(sx + (run.count - 1) * run.source_step < self.width.0, "a source beyond its row");
                    assert!(
                        (sy + 1) * self.width.0 * c <= self.input.len() && (ty * self.kw + tx + 1) * c <= self.w.len()
                    );
                }
                // SAFETY: pixels of the run lie in the row of the result, their sources and taps in input and weights, as
                // asserted; each has c channels.
                unsafe {
                    let whole = run.count - run.count % TOGETHER;
                    (0..whole).step_by(TOGETHER).for_each(|i| self.channels::<V, TOGETHER>(ys, run, i, out));
                    (whole..run.count).for_each(|i| self.channels::<V, 1>(ys, run, i, out));
                }
            }
        }
    }
}

impl Weave<'_> {
    /// All channels of `M` pixels of a run from its `i`-th.
    ///
    /// # Safety
    /// As [`Weave::pixels`].
    #[inline(always)]
    unsafe fn channels<V: Vector, const M: usize>(&self, ys: &[(usize, usize)], run: &Run, i: usize, out: &mut [f32]) {
        // SAFETY: handed on to the caller.
        unsafe {
            let mut k = 0;
            while k + 4 * V::LANES <= self.c {
                self.pixels::<V, M, 4>(ys, run, i, k, out);
                k += 4 * V::LANES;
            }
            while k + V::LANES <= self.c {
                self.pixels::<V, M, 1>(ys, run, i, k, out);
                k += V::LANES;
            }
            (k..self.c).for_each(|k| self.pixels::<V::Single, M, 1>(ys, run, i, k, out));
        }
    }

    /// `M` pixels of a run from its `i`-th, `K` vectors of channels from `k`.
    ///
    /// # Safety
    /// They lie in `out`, their sources in the input.
    #[inline(always)]
    unsafe fn pixels<V: Vector, const M: usize, const K: usize>(
        &self,
        ys: &[(usize, usize)],
        run: &Run,
        i: usize,
        k: usize,
        out: &mut [f32],
    ) {
        // SAFETY: handed on to the caller.
        unsafe {
            let mut sums = [[V::splat(0.0); K]; M];
            for &(ty, sy) in ys {
                for &(tx, sx) in &run.taps {
                    let w = self.w.as_ptr().add((ty * self.kw + tx) * self.c + k);
                    let w: [V; K] = std::array::from_fn(|j| V::load(w.add(j * V::LANES)));
                    let from = (sy * self.width.0 + sx + i * run.source_step) * self.c + k;
                    let from = self.input.as_ptr().add(from);
                    for m in 0..M {
                        let from = from.add(m * run.source_step * self.c);
                        for j in 0..K {
                            sums[m][j] = sums[m][j].add_product(w[j], V::load(from.add(j * V::LANES)));
                        }
                    }
                }
            }
            let to = out.as_mut_ptr().add((run.first + i * run.step) * self.c + k);
            for (m, sums) in sums.iter().enumerate() {
                for (j, sum) in sums.iter().enumerate() {
                    sum.store(to.add(m * run.step * self.c + j * V::LANES));
                }
            }
        }
    }
}

/// `y = w ⋆ x`.
pub(super) fn forward(x: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let w = &by_tap(w, c);
    let rows: &Vec<Taps> = &(0..c.oh).map(|i| sources(i, 0, c.kh, c.h, c)).collect();
    let columns: Vec<Taps> = (0..c.ow).map(|i| sources(i, 1, c.kw, c.w, c)).collect();
    let runs = &runs(&columns, 1);
    let mut y = super::blocks::buffer(c.n * c.plane());
    y.par_chunks_mut(c.plane()).zip(x.par_chunks(c.image())).for_each(|(out, input)| {
        Isa::best().run(Weave { input, out, w, rows, runs, width: (c.w, c.ow), kw: c.kw, c: c.c });
    });
    y
}

/// The gradient for x.
pub(super) fn backward_x(dy: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let w = &by_tap(w, c);
    let rows: &Vec<Taps> = &(0..c.h).map(|i| readers(i, 0, c.kh, c.oh, c)).collect();
    let columns: Vec<Taps> = (0..c.w).map(|i| readers(i, 1, c.kw, c.ow, c)).collect();
    let runs = &runs(&columns, c.g.stride[1]);
    let mut dx = super::blocks::buffer(c.n * c.image());
    dx.par_chunks_mut(c.image()).zip(dy.par_chunks(c.plane())).for_each(|(out, input)| {
        Isa::best().run(Weave { input, out, w, rows, runs, width: (c.ow, c.w), kw: c.kw, c: c.c });
    });
    dx
}

/// The gradient for w: `dw[tap][c] = Σ pixels x[source][c]·dy[pixel][c]`.
pub(super) fn backward_w(x: &[f32], dy: &[f32], c: &Sizes) -> Vec<f32> {
    let taps = c.taps();
    let rows: Vec<Taps> = (0..c.oh).map(|i| sources(i, 0, c.kh, c.h, c)).collect();
    let columns: Vec<Taps> = (0..c.ow).map(|i| sources(i, 1, c.kw, c.w, c)).collect();
    let runs = runs(&columns, 1);
    let parts = c.n.min(16);
    let per_part = c.n.div_ceil(parts);
    let partial: Vec<Vec<f32>> = (0..c.n.div_ceil(per_part))
        .into_par_iter()
        .map(|part| {
            let mut dw = vec![0.0; taps * c.c];
            for image in part * per_part..((part + 1) * per_part).min(c.n) {
                let x = &x[image * c.image()..][..c.image()];
                let dy = &dy[image * c.plane()..][..c.plane()];
                Isa::best().run(Correlate { x, dy, dw: &mut dw, rows: &rows, runs: &runs, c });
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

/// Adds one image's products to `dw[tap][c]`.
struct Correlate<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    dw: &'a mut [f32],
    rows: &'a [Taps],
    runs: &'a [Run],
    c: &'a Sizes,
}

/// Taps of a row that are summed together: a gradient is loaded once for all.
const TAPS: usize = 3;

impl Work for Correlate<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let c = self.c;
        let mut this = self;
        assert!(this.dy.len() >= c.plane() && this.x.len() >= c.image() && this.dw.len() >= c.taps() * c.c);
        for (oy, ys) in this.rows.iter().enumerate() {
            for run in this.runs {
                assert!(run.first + run.count <= c.ow && run.step == 1, "a pixel beyond its row");
                for &(ty, sy) in ys {
                    for taps in run.taps.chunks(TAPS) {
                        for &(tx, sx) in taps {
                            assert!(sx + (run.count - 1) * run.source_step < c.w, "a source beyond its row");
                            assert!(sy < c.h && ty < c.kh && tx < c.kw, "a tap that is not there");
                        }
                        // SAFETY: pixels, sources and taps lie in their slices, as asserted; each has c channels.
                        unsafe {
                            let mut k = 0;
                            while k + 4 * V::LANES <= c.c {
                                this.taps::<V, 4>((oy, sy, ty), run, taps, k);
                                k += 4 * V::LANES;
                            }
                            while k + V::LANES <= c.c {
                                this.taps::<V, 1>((oy, sy, ty), run, taps, k);
                                k += V::LANES;
                            }
                            (k..c.c).for_each(|k| this.taps::<V::Single, 1>((oy, sy, ty), run, taps, k));
                        }
                    }
                }
            }
        }
    }
}

impl Correlate<'_> {
    /// # Safety
    /// Pixels, sources and taps lie in their slices.
    #[inline(always)]
    unsafe fn taps<V: Vector, const K: usize>(
        &mut self,
        at: (usize, usize, usize),
        run: &Run,
        taps: &[(usize, usize)],
        k: usize,
    ) {
        // SAFETY: handed on to the caller.
        unsafe {
            match *taps {
                [a, b, c] => self.products::<V, 3, K>(at, run, [a, b, c], k),
                [a, b] => self.products::<V, 2, K>(at, run, [a, b], k),
                [a] => self.products::<V, 1, K>(at, run, [a], k),
                _ => {}
            }
        }
    }

    /// # Safety
    /// As [`Correlate::taps`].
    #[inline(always)]
    unsafe fn products<V: Vector, const M: usize, const K: usize>(
        &mut self,
        (oy, sy, ty): (usize, usize, usize),
        run: &Run,
        taps: [(usize, usize); M],
        k: usize,
    ) {
        let c = self.c;
        // SAFETY: handed on to the caller.
        unsafe {
            let mut sums = [[V::splat(0.0); K]; M];
            let mut dy = self.dy.as_ptr().add((oy * c.ow + run.first) * c.c + k);
            let mut from = taps.map(|(_, sx)| self.x.as_ptr().add((sy * c.w + sx) * c.c + k));
            for _ in 0..run.count {
                let g: [V; K] = std::array::from_fn(|j| V::load(dy.add(j * V::LANES)));
                for m in 0..M {
                    for j in 0..K {
                        sums[m][j] = sums[m][j].add_product(g[j], V::load(from[m].add(j * V::LANES)));
                    }
                    from[m] = from[m].wrapping_add(run.source_step * c.c);
                }
                dy = dy.wrapping_add(c.c);
            }
            for (sums, (tx, _)) in sums.into_iter().zip(taps) {
                let to = self.dw.as_mut_ptr().add((ty * c.kw + tx) * c.c + k);
                for (j, sum) in sums.into_iter().enumerate() {
                    let to = to.add(j * V::LANES);
                    V::load(to).add(sum).store(to);
                }
            }
        }
    }
}
