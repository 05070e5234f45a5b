//! Weights of eight bits: blocks of 32 numbers with one scale, as in GGUF's Q8_0.
//!
//! In a product the other side is rounded in the same way, each row on its own, and eight-bit numbers are multiplied. Every
//! inner product adds its terms in one fixed order, so a row's result depends neither on the other rows nor on the number of
//! threads.

use crate::matrix::{Matrix, by_weight_rows};
use crate::simd::{self, Block, SHARING, vectorised};
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

    /// `x · selfᵀ`, with `x` rounded to blocks of eight bits as the weights are.
    pub(crate) fn product(&self, x: &Matrix) -> Matrix {
        assert_eq!(x.cols, self.cols, "inner sizes of a product");
        let m = x.rows;
        if m == 0 {
            return Matrix::zeros(0, self.rows);
        }
        let Some(x) = Q8::from_dense(x) else { return Matrix::zeros(m, self.rows) };
        by_weight_rows(m, self.rows, |j, first, out| match out.len() {
            SHARING => {
                let rows = std::array::from_fn::<_, SHARING, _>(|r| x.row(first + r));
                out.copy_from_slice(&simd::block_products(self.row(j), rows));
            }
            _ => out.iter_mut().enumerate().for_each(|(r, o)| *o = simd::block_product(self.row(j), x.row(first + r))),
        })
    }

    fn row(&self, row: usize) -> (&[Block], &[f32]) {
        let values = self.values[row * self.cols..(row + 1) * self.cols].as_chunks::<BLOCK>().0;
        (values, &self.scales[row * values.len()..(row + 1) * values.len()])
    }
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
        let expected = multiply(Q8::from_dense(&x).unwrap().to_dense().view(), rounded.t(), 1);
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
