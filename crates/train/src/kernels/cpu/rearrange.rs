//! Between `[N, C, H, W]` and `[N, H, W, C]`: each image is a matrix to be transposed.

use super::blocks::buffer;
use rayon::prelude::*;

/// Side of the squares that are transposed within the first-level cache.
const SIDE: usize = 16;

/// Transposes `images` matrices of `rows`×`columns`.
pub(super) fn transpose(x: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut y = buffer(x.len());
    let size = (rows * columns).max(1);
    y.par_chunks_mut(size).zip(x.par_chunks(size)).for_each(|(y, x)| {
        for r in (0..rows).step_by(SIDE) {
            for c in (0..columns).step_by(SIDE) {
                for j in c..(c + SIDE).min(columns) {
                    let to = &mut y[j * rows + r..j * rows + (r + SIDE).min(rows)];
                    to.iter_mut().enumerate().for_each(|(i, v)| *v = x[(r + i) * columns + j]);
                }
            }
        }
    });
    y
}
