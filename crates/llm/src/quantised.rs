//! Weights of eight bits: blocks of 32 numbers with one scale, as in GGUF's Q8_0.
//!
//! In a product the other side is rounded in the same way, each row on its own, and eight-bit numbers are multiplied. Every
//! inner product adds its terms in one fixed order, so a row's result depends neither on the other rows nor on the number of
//! threads.

use crate::matrix::Matrix;
use crate::simd::{Block, PANEL, Panel, Rounded, SHARING, panel_products, vectorised};
use rayon::prelude::*;

/// Numbers that share a scale.
pub(crate) const BLOCK: usize = 32;
/// Panels a task handles.
const PANELS: usize = 4;

/// A quantised matrix of `rows × cols`; `cols` is a multiple of [`BLOCK`].
///
/// It lies in panels of [`PANEL`] rows, the last one filled up with zeros: a panel is a [`Panel`] for each block of columns, so that
/// one vector holds numbers of all its rows and a product needs no sum across a vector.
#[derive(Debug)]
pub(crate) struct Q8 {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    panels: Vec<Panel>,
}

/// Rounds a block: the largest number becomes ±127. Returns the scale too.
#[inline(always)]
fn round(data: &[f32; BLOCK]) -> (Block, f32) {
    let largest = data.iter().fold(0.0f32, |a, v| if v.abs() > a { v.abs() } else { a });
    let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    let mut block = [0i8; BLOCK];
    for (q, v) in block.iter_mut().zip(data) {
        // Adding and taking away 1.5 · 2²³ rounds to the nearest integer without a function call.
        *q = (v * inverse + 12_582_912.0 - 12_582_912.0) as i8;
    }
    (block, largest / 127.0)
}

impl Q8 {
    /// Rounds a matrix. None when rows are not whole blocks.
    pub(crate) fn from_dense(m: &Matrix) -> Option<Self> {
        if m.cols == 0 || !m.cols.is_multiple_of(BLOCK) {
            return None;
        }
        let blocks = m.cols / BLOCK;
        let mut panels = vec![Panel::default(); m.rows.div_ceil(PANEL) * blocks];
        panels.par_chunks_mut(blocks).zip(m.data.par_chunks(PANEL * m.cols)).for_each(|(panel, data)| {
            vectorised(
                #[inline(always)]
                || {
                    for (r, row) in data.chunks_exact(m.cols).enumerate() {
                        for (part, data) in panel.iter_mut().zip(row.as_chunks::<BLOCK>().0) {
                            let (block, scale) = round(data);
                            part.scales[r] = scale;
                            for (quads, four) in part.values.iter_mut().zip(block.as_chunks::<4>().0) {
                                quads[r] = *four;
                            }
                        }
                    }
                },
            );
        });
        Some(Self { rows: m.rows, cols: m.cols, panels })
    }

    fn panel(&self, panel: usize) -> &[Panel] {
        let blocks = self.cols / BLOCK;
        &self.panels[panel * blocks..(panel + 1) * blocks]
    }

    #[inline(always)]
    fn unpack(&self, row: usize, into: &mut [f32]) {
        let (panel, r) = (self.panel(row / PANEL), row % PANEL);
        for (out, part) in into.as_chunks_mut::<BLOCK>().0.iter_mut().zip(panel) {
            // By value, so that the compiler need not fear that `out` and `scale` overlap.
            let (scale, mut block) = (part.scales[r], [0.0f32; BLOCK]);
            for (o, quads) in block.as_chunks_mut::<4>().0.iter_mut().zip(&part.values) {
                *o = quads[r].map(|q| f32::from(q) * scale);
            }
            *out = block;
        }
    }

    /// The whole matrix.
    pub(crate) fn to_dense(&self) -> Matrix {
        let mut m = Matrix::zeros(self.rows, self.cols);
        m.data.par_chunks_mut(PANEL * self.cols).enumerate().for_each(|(panel, out)| {
            vectorised(
                #[inline(always)]
                || {
                    for (r, row) in out.chunks_exact_mut(self.cols).enumerate() {
                        self.unpack(panel * PANEL + r, row);
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
        let mut y = Matrix::zeros(m, self.rows);
        if m == 0 || self.rows == 0 {
            return y;
        }
        let mut rounded = vec![([0i8; BLOCK], 0.0f32); x.data.len() / BLOCK];
        vectorised(
            #[inline(always)]
            || rounded.iter_mut().zip(x.data.as_chunks::<BLOCK>().0).for_each(|(r, data)| *r = round(data)),
        );
        let x: Vec<&Rounded> = rounded.chunks_exact(self.cols / BLOCK).collect();
        // A task's results lie together, a row of them for each row of `x`: `y` is then put together from whole pieces.
        let width = PANELS * PANEL;
        let mut parts = vec![0.0f32; self.rows.div_ceil(width) * width * m];
        parts.par_chunks_mut(width * m).enumerate().for_each(|(task, out)| {
            let out = out.as_chunks_mut::<PANEL>().0;
            for p in 0..PANELS.min(self.panels.len() / (self.cols / BLOCK) - task * PANELS) {
                let panel = self.panel(task * PANELS + p);
                let (groups, rest) = x.as_chunks::<SHARING>();
                for (g, group) in groups.iter().enumerate() {
                    for (r, products) in panel_products(panel, *group).into_iter().enumerate() {
                        out[(g * SHARING + r) * PANELS + p] = products;
                    }
                }
                for (r, row) in rest.iter().enumerate() {
                    [out[(groups.len() * SHARING + r) * PANELS + p]] = panel_products(panel, [row]);
                }
            }
        });
        for (r, row) in y.data.chunks_exact_mut(self.rows).enumerate() {
            for (piece, part) in row.chunks_mut(width).zip(parts.chunks_exact(width * m)) {
                piece.copy_from_slice(&part[r * width..r * width + piece.len()]);
            }
        }
        y
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
