//! Weights of eight bits: blocks of 32 numbers with one scale, as in GGUF's Q8_0.
//!
//! Activations stay `f32`. Every inner product adds its terms in one fixed order, so a row's result depends neither
//! on the other rows nor on the number of threads.

use crate::matrix::Matrix;
use crate::simd::vectorised;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Numbers that share a scale.
pub(crate) const BLOCK: usize = 32;
/// Weight rows a task handles.
const ROWS: usize = 32;

/// A quantised matrix of `rows × cols`; `cols` is a multiple of [`BLOCK`].
#[derive(Debug)]
pub(crate) struct Q8 {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    values: Vec<i8>,
    scales: Vec<f32>,
}

impl Q8 {
    /// Rounds a matrix: the largest number of a block becomes ±127. None when rows are not whole blocks.
    pub(crate) fn from_dense(m: &Matrix) -> Option<Self> {
        if m.cols == 0 || !m.cols.is_multiple_of(BLOCK) {
            return None;
        }
        let mut values = vec![0i8; m.data.len()];
        let mut scales = vec![0.0f32; m.data.len() / BLOCK];
        let part = ROWS * m.cols;
        let parts = values.par_chunks_mut(part).zip(scales.par_chunks_mut(part / BLOCK)).zip(m.data.par_chunks(part));
        parts.for_each(|((values, scales), data)| {
            vectorised(
                #[inline(always)]
                || {
                    let (values, data) = (values.as_chunks_mut::<BLOCK>().0, data.as_chunks::<BLOCK>().0);
                    let blocks = values.iter_mut().zip(scales.iter_mut()).zip(data);
                    for ((values, scale), data) in blocks {
                        let largest = data.iter().fold(0.0f32, |a, v| if v.abs() > a { v.abs() } else { a });
                        *scale = largest / 127.0;
                        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
                        for (q, v) in values.iter_mut().zip(data) {
                            // Adding and taking away 1.5 · 2²³ rounds to the nearest integer without a function call.
                            *q = (v * inverse + 12_582_912.0 - 12_582_912.0) as i8;
                        }
                    }
                },
            );
        });
        Some(Self { rows: m.rows, cols: m.cols, values, scales })
    }

    #[inline(always)]
    fn unpack(&self, row: usize, into: &mut [f32]) {
        let (values, _) = self.values[row * self.cols..(row + 1) * self.cols].as_chunks::<BLOCK>();
        let scales = &self.scales[row * values.len()..(row + 1) * values.len()];
        let (into, _) = into.as_chunks_mut::<BLOCK>();
        for ((out, q), scale) in into.iter_mut().zip(values).zip(scales) {
            // By value, so that the compiler need not fear that `out` and `scale` overlap.
            let (scale, mut block) = (*scale, [0.0f32; BLOCK]);
            for (o, q) in block.iter_mut().zip(q) {
                *o = f32::from(*q) * scale;
            }
            *out = block;
        }
    }

    /// The whole matrix.
    pub(crate) fn to_dense(&self) -> Matrix {
        let mut m = Matrix::zeros(self.rows, self.cols);
        m.data.par_chunks_mut(ROWS * self.cols).enumerate().for_each(|(part, out)| {
            vectorised(
                #[inline(always)]
                || {
                    for (i, row) in out.chunks_exact_mut(self.cols).enumerate() {
                        self.unpack(part * ROWS + i, row);
                    }
                },
            );
        });
        m
    }

    /// Chosen rows.
    pub(crate) fn gather(&self, ids: &[u32]) -> Matrix {
        let mut m = Matrix::zeros(ids.len(), self.cols);
        for (i, &id) in ids.iter().enumerate() {
            self.unpack(id as usize, m.row_mut(i));
        }
        m
    }

    /// `x · selfᵀ`.
    pub(crate) fn product(&self, x: &Matrix) -> Matrix {
        assert_eq!(x.cols, self.cols, "inner sizes of a product");
        let m = x.rows;
        if m == 0 {
            return Matrix::zeros(0, self.rows);
        }
        // Computed with a row for each weight row, which tasks can share out, then turned.
        let mut turned = vec![0.0f32; self.rows * m];
        turned.par_chunks_mut(ROWS * m).enumerate().for_each(|(part, out)| {
            let mut weights = vec![0.0f32; self.cols];
            for (i, out) in out.chunks_exact_mut(m).enumerate() {
                vectorised(
                    #[inline(always)]
                    || self.unpack(part * ROWS + i, &mut weights),
                );
                Arch::new().dispatch(Products { weights: &weights, x: &x.data, out });
            }
        });
        let mut y = Matrix::zeros(m, self.rows);
        for (r, row) in y.data.chunks_exact_mut(self.rows).enumerate() {
            for (o, column) in row.iter_mut().zip(turned.chunks_exact(m)) {
                *o = column[r];
            }
        }
        y
    }
}

/// The inner products of one weight row with every row of `x`.
struct Products<'a> {
    weights: &'a [f32],
    x: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n = self.weights.len();
        let (weights, _) = S::as_simd_f32s(self.weights);
        let mut rows = self.x.chunks_exact(n);
        let mut out = self.out.iter_mut();
        // Four rows share each load of a weight. A row's sums are the same whether it is one of four or alone.
        while rows.len() >= 4 {
            let group: [&[S::f32s]; 4] = std::array::from_fn(|_| S::as_simd_f32s(rows.next().unwrap_or_default()).0);
            for (sum, out) in sums(simd, weights, group).into_iter().zip(out.by_ref()) {
                *out = sum;
            }
        }
        for (row, out) in rows.zip(out) {
            let [sum] = sums(simd, weights, [S::as_simd_f32s(row).0]);
            *out = sum;
        }
    }
}

/// Inner products with two running sums each, one for the even and one for the odd vectors.
#[inline(always)]
fn sums<S: Simd, const R: usize>(simd: S, weights: &[S::f32s], rows: [&[S::f32s]; R]) -> [f32; R] {
    let zero = simd.splat_f32s(0.0);
    let (mut even, mut odd) = ([zero; R], [zero; R]);
    let rows = rows.map(|row| row.as_chunks::<2>().0);
    for (i, [w0, w1]) in weights.as_chunks::<2>().0.iter().enumerate() {
        for r in 0..R {
            let [x0, x1] = rows[r][i];
            even[r] = simd.mul_add_f32s(*w0, x0, even[r]);
            odd[r] = simd.mul_add_f32s(*w1, x1, odd[r]);
        }
    }
    std::array::from_fn(|r| simd.reduce_sum_f32s(simd.add_f32s(even[r], odd[r])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::multiply;

    fn sample(rows: usize, cols: usize) -> Matrix {
        Matrix::new(rows, cols, (0..rows * cols).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect())
    }

    #[test]
    fn products_are_those_of_the_rounded_matrix() {
        let (w, x) = (sample(70, 96), sample(5, 96));
        let q = Q8::from_dense(&w).unwrap();
        let rounded = q.to_dense();
        for (a, b) in rounded.data.iter().zip(&w.data) {
            assert!((a - b).abs() <= 0.5 / 127.0 + 1e-6);
        }
        let expected = multiply(x.view(), rounded.t(), 1);
        for (a, b) in q.product(&x).data.iter().zip(&expected.data) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
        assert_eq!(q.gather(&[69, 0]).row(0), rounded.row(69));
        assert!(Q8::from_dense(&sample(2, 40)).is_none());
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours() {
        let q = Q8::from_dense(&sample(70, 96)).unwrap();
        let x = sample(7, 96);
        let alone = Matrix::new(1, 96, x.row(3).to_vec());
        assert_eq!(q.product(&alone).row(0), q.product(&x).row(3));
    }
}
