//! Row-major `f32` matrices and the one matrix product all layers use.
//!
//! The product is the `gemm` crate's. Its blocking depends only on the sizes and the number of threads, so one
//! computation gives the same bits whenever it is repeated with the same sizes on the same machine.
//! The call into `gemm` is `unsafe`; a bounds check stands before it.

use crate::simd::{SHARING, row_product, row_products, vectorised};
use gemm::Parallelism;
use rayon::prelude::*;

/// A row-major matrix of `rows × cols` numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) data: Vec<f32>,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: vec![0.0; rows * cols] }
    }

    /// # Panics
    /// When `data` has not `rows * cols` elements: a programming error, file contents are checked before.
    pub(crate) fn new(rows: usize, cols: usize, data: Vec<f32>) -> Self {
        assert_eq!(data.len(), rows * cols, "matrix data");
        Self { rows, cols, data }
    }

    pub(crate) fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }

    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.data[i * self.cols..(i + 1) * self.cols]
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { data: &self.data, offset: 0, rows: self.rows, cols: self.cols, row_stride: self.cols, col_stride: 1 }
    }

    /// The transpose, without moving data.
    pub(crate) fn t(&self) -> View<'_> {
        self.view().t()
    }
}

/// A strided view of numbers as a matrix.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) offset: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) row_stride: usize,
    pub(crate) col_stride: usize,
}

impl<'a> View<'a> {
    pub(crate) fn t(self) -> View<'a> {
        View { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }
}

/// Where a product is written: rows `row_stride` apart, columns contiguous.
pub(crate) struct Target<'a> {
    pub(crate) data: &'a mut [f32],
    pub(crate) offset: usize,
    pub(crate) row_stride: usize,
}

fn in_bounds(len: usize, offset: usize, rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> bool {
    rows == 0 || cols == 0 || offset + (rows - 1) * row_stride + (cols - 1) * col_stride < len
}

/// `target = keep · target + scale · a · b`, with `keep` 0 or 1 as `accumulate` says.
///
/// # Panics
/// When the sizes do not fit each other (a programming error).
pub(crate) fn product(target: Target<'_>, a: View<'_>, b: View<'_>, scale: f32, accumulate: bool, threads: usize) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert_eq!(k, b.rows, "inner sizes of a product");
    assert!(in_bounds(a.data.len(), a.offset, m, k, a.row_stride, a.col_stride), "left side of a product");
    assert!(in_bounds(b.data.len(), b.offset, k, n, b.row_stride, b.col_stride), "right side of a product");
    assert!(in_bounds(target.data.len(), target.offset, m, n, target.row_stride, 1), "target of a product");
    assert!(n <= target.row_stride || m <= 1, "rows of the target overlap");
    if m == 0 || n == 0 {
        return;
    }
    let parallelism = if threads > 1 { Parallelism::Rayon(threads) } else { Parallelism::None };
    // SAFETY: the three ranges were checked to lie inside their slices just above, the target is borrowed
    // exclusively and its rows do not overlap, and `gemm` reads and writes only the elements those strides address.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            target.data.as_mut_ptr().add(target.offset),
            1,
            target.row_stride as isize,
            accumulate,
            a.data.as_ptr().add(a.offset),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr().add(b.offset),
            b.col_stride as isize,
            b.row_stride as isize,
            1.0f32,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// `a · b` as a new matrix.
pub(crate) fn multiply(a: View<'_>, b: View<'_>, threads: usize) -> Matrix {
    let mut out = Matrix::zeros(a.rows, b.cols);
    add_product(&mut out, a, b, 1.0, false, threads);
    out
}

/// `out (+)= scale · a · b`.
pub(crate) fn add_product(out: &mut Matrix, a: View<'_>, b: View<'_>, scale: f32, accumulate: bool, threads: usize) {
    assert_eq!((out.rows, out.cols), (a.rows, b.cols), "target of a product");
    let row_stride = out.cols;
    product(Target { data: &mut out.data, offset: 0, row_stride }, a, b, scale, accumulate, threads);
}

/// Weight rows that a task of [`by_weight_rows`] handles.
const WEIGHT_ROWS: usize = 32;

/// `y = x · wᵀ` for few rows `x`, each result on its own: `fill` gets the number of a weight row `j` and writes `y[r][j]` for a
/// group of up to [`SHARING`] rows that begins at `r`. Tasks share out the weight rows.
pub(crate) fn by_weight_rows(rows: usize, weights: usize, fill: impl Fn(usize, usize, &mut [f32]) + Sync) -> Matrix {
    // Computed with a row for each weight row, then turned.
    let mut turned = vec![0.0f32; weights * rows];
    if rows > 0 {
        turned.par_chunks_mut(WEIGHT_ROWS * rows).enumerate().for_each(|(part, out)| {
            for first in (0..rows).step_by(SHARING) {
                for (i, out) in out.chunks_exact_mut(rows).enumerate() {
                    let last = rows.min(first + SHARING);
                    fill(part * WEIGHT_ROWS + i, first, &mut out[first..last]);
                }
            }
        });
    }
    if rows == 1 {
        return Matrix::new(1, weights, turned);
    }
    let mut y = Matrix::zeros(rows, weights);
    for (r, row) in y.data.chunks_exact_mut(weights.max(1)).enumerate() {
        for (o, column) in row.iter_mut().zip(turned.chunks_exact(rows)) {
            *o = column[r];
        }
    }
    y
}

/// `x · wᵀ` for few rows `x`: a row's result depends neither on the other rows nor on the number of threads.
pub(crate) fn rows_product(x: &Matrix, w: &Matrix) -> Matrix {
    assert_eq!(x.cols, w.cols, "inner sizes of a product");
    by_weight_rows(x.rows, w.rows, |j, first, out| match out.len() {
        SHARING => {
            out.copy_from_slice(&row_products(w.row(j), std::array::from_fn::<_, SHARING, _>(|r| x.row(first + r))))
        }
        _ => out.iter_mut().enumerate().for_each(|(r, o)| *o = row_product(w.row(j), x.row(first + r))),
    })
}

/// Weight rows of a panel of [`Packed`].
const PANEL: usize = 16;

/// A weight of `rows × cols` for products with few rows: in panels of [`PANEL`] of its rows, the first number of each before the
/// second of each. A product then adds vectors and never within one.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// The last panel is filled up with zeros.
    panels: Vec<[f32; PANEL]>,
}

impl Packed {
    pub(crate) fn new(w: &Matrix) -> Self {
        let mut panels = vec![[0.0; PANEL]; w.rows.div_ceil(PANEL) * w.cols];
        for j in 0..w.rows {
            let panel = &mut panels[j / PANEL * w.cols..][..w.cols];
            panel.iter_mut().zip(w.row(j)).for_each(|(p, w)| p[j % PANEL] = *w);
        }
        Packed { rows: w.rows, cols: w.cols, panels }
    }

    pub(crate) fn to_dense(&self) -> Matrix {
        let mut w = Matrix::zeros(self.rows, self.cols);
        (0..self.rows).for_each(|j| self.copy_row(j, w.row_mut(j)));
        w
    }

    /// Writes row `j`, which is one of the weight's, to `to`.
    pub(crate) fn copy_row(&self, j: usize, to: &mut [f32]) {
        let panel = &self.panels[j / PANEL * self.cols..][..self.cols];
        to.iter_mut().zip(panel).for_each(|(to, p)| *to = p[j % PANEL]);
    }

    /// `x · wᵀ`: a row's result does not depend on the other rows, and is the same on every processor.
    pub(crate) fn product(&self, x: &Matrix) -> Matrix {
        assert_eq!(x.cols, self.cols, "inner sizes of a product");
        let mut y = Matrix::zeros(x.rows, self.rows);
        if self.cols == 0 {
            return y;
        }
        vectorised(
            #[inline(always)]
            || {
                for (i, panel) in self.panels.chunks_exact(self.cols).enumerate() {
                    let at = i * PANEL;
                    let width = PANEL.min(self.rows - at);
                    let mut r = 0;
                    while r + SHARING <= x.rows {
                        let sums = panel_sums(panel, std::array::from_fn::<_, SHARING, _>(|k| x.row(r + k)));
                        for (k, sums) in sums.iter().enumerate() {
                            y.row_mut(r + k)[at..at + width].copy_from_slice(&sums[..width]);
                        }
                        r += SHARING;
                    }
                    for r in r..x.rows {
                        let [sums] = panel_sums(panel, [x.row(r)]);
                        y.row_mut(r)[at..at + width].copy_from_slice(&sums[..width]);
                    }
                }
            },
        );
        y
    }
}

/// Inner products of a panel's rows with `N` others.
#[inline(always)]
fn panel_sums<const N: usize>(panel: &[[f32; PANEL]], x: [&[f32]; N]) -> [[f32; PANEL]; N] {
    let mut sums = [[0.0f32; PANEL]; N];
    let x = x.map(|x| &x[..panel.len()]);
    for (k, w) in panel.iter().enumerate() {
        for (sums, x) in sums.iter_mut().zip(&x) {
            let x = x[k];
            sums.iter_mut().zip(w).for_each(|(s, w)| *s += w * x);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_products_are_products_row_by_row() {
        for (rows, cols) in [(1, 1), (16, 8), (40, 19), (7, 64)] {
            let number = |i: usize| ((i * 37 + rows) % 101) as f32 / 50.0 - 1.0;
            let w = Matrix::new(rows, cols, (0..rows * cols).map(number).collect());
            let packed = Packed::new(&w);
            assert_eq!(packed.to_dense(), w);
            for n in [0, 1, 3, 4, 9] {
                let x = Matrix::new(n, cols, (0..n * cols).map(|i| number(3 * i + 1)).collect());
                let y = packed.product(&x);
                assert_eq!((y.rows, y.cols), (n, rows));
                for r in 0..n {
                    let alone = packed.product(&Matrix::new(1, cols, x.row(r).to_vec()));
                    assert_eq!(y.row(r), alone.row(0));
                    for j in 0..rows {
                        let exact: f64 =
                            x.row(r).iter().zip(w.row(j)).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                        assert!((f64::from(y.row(r)[j]) - exact).abs() < 1e-5, "{rows}×{cols}, {n} rows");
                    }
                }
            }
        }
    }
}
