//! Products of matrices, into memory that comes back to the pool. Rows lie one after the other.

use super::blocks::buffer;
use super::isa::Isa;
use super::rearrange;
use gemm::Parallelism;
use rayon::prelude::*;

/// A matrix that is read: its elements, and the distances of rows and of columns.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    data: &'a [f32],
    row: usize,
    column: usize,
}

impl<'a> View<'a> {
    /// Of rows of `width`.
    pub(super) fn rows(data: &'a [f32], width: usize) -> Self {
        View { data, row: width, column: 1 }
    }

    /// The transpose of rows of `width`.
    pub(super) fn columns(data: &'a [f32], width: usize) -> Self {
        View { data, row: 1, column: width }
    }

    /// With any distances of rows and of columns.
    pub(super) fn strided(data: &'a [f32], row: usize, column: usize) -> Self {
        View { data, row, column }
    }

    /// From a row and column on.
    pub(super) fn from(self, row: usize, column: usize) -> Self {
        View { data: &self.data[row * self.row + column * self.column..], ..self }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.row + (columns - 1) * self.column < self.data.len()
    }
}

/// A matrix that is written: its elements, and the distances of rows and of columns. One of them is 1 and the other at least as
/// long as what lies between.
pub(super) struct Target<'a> {
    pub(super) data: &'a mut [f32],
    pub(super) row: usize,
    pub(super) column: usize,
}

/// `out = a·b` of `m`×`k` and `k`×`n`.
///
/// # Panics
/// Where a matrix is smaller than that, or elements of the result share a place.
pub(super) fn product(out: Target<'_>, a: View<'_>, b: View<'_>, [m, n, k]: [usize; 3], threads: Parallelism) {
    let Target { data, row, column } = out;
    let holds = m * n == 0 || (m - 1) * row + (n - 1) * column < data.len();
    assert!(a.holds(m, k) && b.holds(k, n) && holds, "the sizes of a product");
    assert!((column == 1 && row >= n) || (row == 1 && column >= m), "the elements of a product have one place each");
    if m * n == 0 {
        return;
    }
    // SAFETY: all that is read lies inside the slices, as was just checked; the result is borrowed exclusively, its
    // elements have one place each, and they are written without having been read.
    #[allow(unsafe_code, reason = "the library's interface takes pointers and strides")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            data.as_mut_ptr(),
            column as isize,
            row as isize,
            false,
            a.data.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.data.as_ptr(),
            b.column as isize,
            b.row as isize,
            0.0f32,
            1.0f32,
            false,
            false,
            false,
            threads,
        );
    }
}

/// Threads for a product of these sizes: small ones are not worth them.
pub(super) fn threads(m: usize, n: usize, k: usize) -> Parallelism {
    if m * n * k < 1 << 21 { Parallelism::None } else { Parallelism::Rayon(0) }
}

/// Up to so many rows, the result is made column by column and turned then: the large operand is then read where it lies, where
/// it would otherwise be copied to another order first.
const FEW: usize = 192;

/// `a·b` in rows.
pub(super) fn multiply(a: View<'_>, b: View<'_>, [m, n, k]: [usize; 3]) -> Vec<f32> {
    let mut out = buffer(m * n);
    if m > FEW {
        product(Target { data: &mut out, row: n, column: 1 }, a, b, [m, n, k], threads(m, n, k));
        return out;
    }
    product(Target { data: &mut out, row: 1, column: m }, a, b, [m, n, k], threads(m, n, k));
    rearrange::transpose(&out, n, m)
}

/// `x [M, K]` times the transpose of `w [N, K]`.
pub(super) fn linear(x: &[f32], w: &[f32], [m, n, k]: [usize; 3]) -> Vec<f32> {
    multiply(View::rows(x, k), View::columns(w, k), [m, n, k])
}

/// `dy [M, N]` times `w [N, K]`.
pub(super) fn linear_dx(dy: &[f32], w: &[f32], [m, n, k]: [usize; 3]) -> Vec<f32> {
    multiply(View::rows(dy, n), View::rows(w, k), [m, k, n])
}

/// The transpose of `dy [M, N]` times `x [M, K]`.
pub(super) fn linear_dw(dy: &[f32], x: &[f32], [m, n, k]: [usize; 3]) -> Vec<f32> {
    let mut out = buffer(n * k);
    let target = Target { data: &mut out, row: k, column: 1 };
    product(target, View::columns(dy, n), View::rows(x, k), [n, k, m], threads(m, n, k));
    out
}

/// The sum of the squares of `dyᵀ·x`, without the product: `Σ (dy·dyᵀ)∘(x·xᵀ)`. In f64, as the terms may cancel.
pub(super) fn outer_squares(dy: &[f32], x: &[f32], m: usize) -> f32 {
    let (a, b) = (gram(dy, m), gram(x, m));
    let rows = a.iter().zip(&b).map(|(a, b)| {
        let diagonal = a.len() - 1;
        let products = a.iter().zip(b).map(|(a, b)| a * b);
        2.0 * products.clone().take(diagonal).sum::<f64>() + products.skip(diagonal).sum::<f64>()
    });
    rows.sum::<f64>() as f32
}

/// The product of each of `m` rows with itself and with those before it, which come first.
fn gram(rows: &[f32], m: usize) -> Vec<Vec<f64>> {
    let isa = Isa::best();
    let width = rows.len() / m.max(1);
    let row = |i: usize| &rows[i * width..][..width];
    let products = (0..m).into_par_iter().map(|i| {
        isa.vectorised(
            #[inline(always)]
            || (0..=i).map(|j| dot(row(i), row(j))).collect(),
        )
    });
    products.collect()
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut lanes = [0.0f64; LANES];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for l in 0..LANES {
            lanes[l] += f64::from(a[l]) * f64::from(b[l]);
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(a, b)| f64::from(*a) * f64::from(*b));
    lanes.into_iter().chain(rest).fold(0.0, |sum, v| sum + v)
}
