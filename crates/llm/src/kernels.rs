//! Element-wise and row-wise operations of the decoder, each with its vector–Jacobian product.
//!
//! Work is cut into blocks of a fixed number of rows, and sums over rows add block results in order, so results
//! do not depend on how many threads took part.

use crate::matrix::Matrix;
use crate::simd::vectorised;
use rayon::prelude::*;

/// Rows a task handles at a time.
const ROWS: usize = 64;
const LANES: usize = 16;

/// `e^x` to about one unit in the last place in the range where it is finite; branch-free, so that loops vectorise.
///
/// Range reduction `x = n ln 2 + r`, a degree-6 polynomial on `r`, scaling by the exponent bits.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    let p = p * r + 1.0;
    let exponent = (shifted.to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32);
    p * f32::from_bits((exponent.wrapping_add(127) << 23) as u32)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn sum_lanes(lanes: [f32; LANES]) -> f32 {
    let mut lanes = lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `Σ f(i)` over two slices, in lanes, in a fixed order.
#[inline(always)]
fn reduce2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (x, y) in a.iter().zip(b) {
        for l in 0..LANES {
            lanes[l] += f(x[l], y[l]);
        }
    }
    let mut tail = 0.0;
    for (x, y) in a_rest.iter().zip(b_rest) {
        tail += f(*x, *y);
    }
    sum_lanes(lanes) + tail
}

/// Inner product in a fixed order of additions.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    reduce2(a, b, |x, y| x * y)
}

/// Softmax of a row in place; returns the logarithm of the sum of exponentials.
#[inline(always)]
pub(crate) fn softmax_row(row: &mut [f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for c in chunks {
        for l in 0..LANES {
            lanes[l] = if c[l] > lanes[l] { c[l] } else { lanes[l] };
        }
    }
    let top = lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    for v in row.iter_mut() {
        *v = exp(*v - top);
    }
    let sum = reduce2(row, row, |x, _| x);
    let inverse = 1.0 / sum;
    for v in row.iter_mut() {
        *v *= inverse;
    }
    top + sum.ln()
}

/// Root-mean-square normalisation of rows: `y = w · x / √(mean(x²) + ε)`. Also returns `1/√(…)` of each row.
pub(crate) fn rms_norm(x: &Matrix, weight: &[f32], eps: f32) -> (Matrix, Vec<f32>) {
    let mut y = Matrix::zeros(x.rows, x.cols);
    let mut inverse = vec![0.0; x.rows];
    let n = x.cols;
    y.data.par_chunks_mut(ROWS * n).zip(inverse.par_chunks_mut(ROWS)).zip(x.data.par_chunks(ROWS * n)).for_each(
        |((y, inverse), x)| {
            vectorised(
                #[inline(always)]
                || {
                    for ((y, inv), x) in y.chunks_exact_mut(n).zip(inverse.iter_mut()).zip(x.chunks_exact(n)) {
                        let scale = 1.0 / (dot(x, x) / n as f32 + eps).sqrt();
                        *inv = scale;
                        for ((y, x), w) in y.iter_mut().zip(x).zip(weight) {
                            *y = x * scale * w;
                        }
                    }
                },
            );
        },
    );
    (y, inverse)
}

/// Adds the gradient of [`rms_norm`] with respect to `x` to `dx`; returns the gradient of the weight when asked.
pub(crate) fn rms_norm_backward(
    dx: &mut Matrix,
    dy: &Matrix,
    x: &Matrix,
    weight: &[f32],
    inverse: &[f32],
    weight_gradient: bool,
) -> Option<Matrix> {
    let n = x.cols;
    let partial: Vec<Vec<f32>> = dx
        .data
        .par_chunks_mut(ROWS * n)
        .zip(dy.data.par_chunks(ROWS * n))
        .zip(x.data.par_chunks(ROWS * n))
        .zip(inverse.par_chunks(ROWS))
        .map(|(((dx, dy), x), inverse)| {
            let mut dw = if weight_gradient { vec![0.0; n] } else { Vec::new() };
            vectorised(
                #[inline(always)]
                || {
                    let mut weighted = vec![0.0f32; n];
                    for (((dx, dy), x), &inv) in
                        dx.chunks_exact_mut(n).zip(dy.chunks_exact(n)).zip(x.chunks_exact(n)).zip(inverse)
                    {
                        for ((g, dy), w) in weighted.iter_mut().zip(dy).zip(weight) {
                            *g = dy * w;
                        }
                        let mean = dot(&weighted, x) * inv * inv / n as f32;
                        for ((dx, g), x) in dx.iter_mut().zip(&weighted).zip(x) {
                            *dx += inv * (g - x * mean);
                        }
                        for ((dw, dy), x) in dw.iter_mut().zip(dy).zip(x) {
                            *dw += dy * x * inv;
                        }
                    }
                },
            );
            dw
        })
        .collect();
    weight_gradient.then(|| {
        let mut total = Matrix::zeros(1, n);
        for part in &partial {
            add(&mut total.data, part);
        }
        total
    })
}

/// `a += b`.
pub(crate) fn add(a: &mut [f32], b: &[f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (a, b) in a.iter_mut().zip(b) {
                *a += b;
            }
        },
    );
}

/// `a += b`, in parallel.
pub(crate) fn add_matrix(a: &mut Matrix, b: &Matrix) {
    let block = ROWS * a.cols.max(1);
    a.data.par_chunks_mut(block).zip(b.data.par_chunks(block)).for_each(|(a, b)| add(a, b));
}

/// Adds `bias` to every row.
pub(crate) fn add_bias(y: &mut Matrix, bias: &[f32]) {
    let n = y.cols;
    y.data.par_chunks_mut(ROWS * n).for_each(|y| {
        for row in y.chunks_exact_mut(n) {
            add(row, bias);
        }
    });
}

/// Sum over rows: the gradient of a bias.
pub(crate) fn sum_rows(x: &Matrix) -> Matrix {
    let n = x.cols;
    let partial: Vec<Vec<f32>> = x
        .data
        .par_chunks(ROWS * n)
        .map(|x| {
            let mut sum = vec![0.0; n];
            for row in x.chunks_exact(n) {
                add(&mut sum, row);
            }
            sum
        })
        .collect();
    let mut total = Matrix::zeros(1, n);
    for part in &partial {
        add(&mut total.data, part);
    }
    total
}

/// `silu(gate) · up`, where `silu(x) = x · sigmoid(x)`.
pub(crate) fn silu_mul(gate: &Matrix, up: &Matrix) -> Matrix {
    let mut y = Matrix::zeros(gate.rows, gate.cols);
    let block = ROWS * gate.cols;
    y.data.par_chunks_mut(block).zip(gate.data.par_chunks(block)).zip(up.data.par_chunks(block)).for_each(
        |((y, gate), up)| {
            vectorised(
                #[inline(always)]
                || {
                    for ((y, &g), u) in y.iter_mut().zip(gate).zip(up) {
                        *y = g * sigmoid(g) * u;
                    }
                },
            );
        },
    );
    y
}

/// Gradients of [`silu_mul`] with respect to `gate` and `up`.
pub(crate) fn silu_mul_backward(dy: Matrix, gate: &Matrix, up: &Matrix) -> (Matrix, Matrix) {
    let mut dgate = dy;
    let mut dup = Matrix::zeros(gate.rows, gate.cols);
    let block = ROWS * gate.cols;
    dgate
        .data
        .par_chunks_mut(block)
        .zip(dup.data.par_chunks_mut(block))
        .zip(gate.data.par_chunks(block))
        .zip(up.data.par_chunks(block))
        .for_each(|(((dgate, dup), gate), up)| {
            vectorised(
                #[inline(always)]
                || {
                    for (((dgate, dup), &g), u) in dgate.iter_mut().zip(dup.iter_mut()).zip(gate).zip(up) {
                        let s = sigmoid(g);
                        let dy = *dgate;
                        *dup = dy * g * s;
                        *dgate = dy * u * s * (1.0 + g * (1.0 - s));
                    }
                },
            );
        });
    (dgate, dup)
}

/// Cross-entropy of each row of `logits` against its target.
///
/// Returns the sum over rows; when `gradient` is given, `logits` becomes `gradient · (softmax − one-hot)`.
pub(crate) fn cross_entropy(logits: &mut Matrix, targets: &[u32], gradient: Option<f32>) -> f64 {
    let n = logits.cols;
    let losses: Vec<f64> = logits
        .data
        .par_chunks_mut(n)
        .zip(targets)
        .map(|(row, &target)| {
            vectorised(
                #[inline(always)]
                || {
                    let wanted = row[target as usize];
                    let loss = f64::from(softmax_row(row) - wanted);
                    if let Some(scale) = gradient {
                        row[target as usize] -= 1.0;
                        for v in row.iter_mut() {
                            *v *= scale;
                        }
                    }
                    loss
                },
            )
        })
        .collect();
    losses.iter().sum()
}

/// Rotary position embedding, the half-split form: element `i` turns with element `i + head_dim/2`.
#[derive(Debug, Clone)]
pub(crate) struct Rope {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rope {
    /// `frequencies`: the angle a position adds, one for each pair; `positions`: the table's length.
    pub(crate) fn new(frequencies: &[f64], positions: usize) -> Self {
        let angles = (0..positions).flat_map(|p| frequencies.iter().map(move |f| p as f64 * f));
        let (cos, sin) = angles.map(|a| (a.cos() as f32, a.sin() as f32)).unzip();
        Self { half: frequencies.len(), cos, sin }
    }

    /// Turns every head of every row by its position, in place; backwards for the gradient.
    pub(crate) fn apply(&self, x: &mut Matrix, positions: &[u32], backwards: bool) {
        let half = self.half;
        let cols = x.cols;
        let sign = if backwards { -1.0 } else { 1.0 };
        x.data.par_chunks_mut(ROWS * cols).zip(positions.par_chunks(ROWS)).for_each(|(x, positions)| {
            vectorised(
                #[inline(always)]
                || {
                    for (row, &p) in x.chunks_exact_mut(cols).zip(positions) {
                        let at = p as usize * half;
                        let (cos, sin) = (&self.cos[at..at + half], &self.sin[at..at + half]);
                        for head in row.chunks_exact_mut(2 * half) {
                            let (a, b) = head.split_at_mut(half);
                            for (((a, b), c), s) in a.iter_mut().zip(b.iter_mut()).zip(cos).zip(sin) {
                                let (x, y, s) = (*a, *b, sign * s);
                                *a = x * c - y * s;
                                *b = y * c + x * s;
                            }
                        }
                    }
                },
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_accurate() {
        for i in -8600..8800 {
            let x = i as f32 * 0.01;
            let relative = (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs();
            assert!(relative < 3e-6, "exp({x}): off by {relative:e}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }
}
