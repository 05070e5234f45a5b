//! Activations: value and derivative in one pass each, vectorised by the compiler.

use super::blocks::buffer;
use super::isa::Isa;
use archsmith_ir::prim::UnaryOp;
use rayon::prelude::*;

/// Elements a task takes.
const PART: usize = 32 * 1024;

/// `eˣ = 2ⁿ·(1 + q(r))` with `|r| ≤ ln 2 / 2` (Cody and Waite's reduction): `q` and `2ⁿ`. A NaN gives a NaN.
#[inline(always)]
fn reduced(x: f32) -> (f32, f32) {
    // 1.5·2²³: adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > 88.3 { 88.3 } else { x };
    let x = if x < -87.3 { -87.3 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    // Bits of 2ⁿ: n lies in −126 … 127. A conversion of n would be checked for each element.
    let scale = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    (p * r * r + r, scale)
}

/// `eˣ` to about one unit in the last place.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let (q, scale) = reduced(x);
    (q + 1.0) * scale
}

/// `eˣ − 1` without cancellation.
#[inline(always)]
fn expm1(x: f32) -> f32 {
    let (q, scale) = reduced(x);
    q * scale + (scale - 1.0)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    let square = x * x;
    // Near zero the quotient would cancel: the series has an error below 1e-8 there.
    let small = x * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 - square * (17.0 / 315.0))));
    let e = exp(2.0 * x);
    if square < 0.01 { small } else { 1.0 - 2.0 / (e + 1.0) }
}

/// The error function as a quotient of polynomials, to a few units in the last place; ±1 from ±4 on. The coefficients are those
/// of Eigen's and XLA's for f32.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = if x > 4.0 { 4.0 } else { x };
    let x = if x < -4.0 { -4.0 } else { x };
    let s = x * x;
    let p = -2.726_142_3e-10;
    let p = p * s + 2.770_681_4e-8;
    let p = p * s - 2.101_024e-6;
    let p = p * s - 5.692_506_5e-5;
    let p = p * s - 7.349_906e-4;
    let p = p * s - 2.954_6e-3;
    let p = p * s - 1.609_603_3e-2;
    let q = -1.456_607_2e-5;
    let q = q * s - 2.133_740_6e-4;
    let q = q * s - 1.682_827e-3;
    let q = q * s - 7.373_329e-3;
    let q = q * s - 1.426_473_9e-2;
    x * p / q
}

/// `eˣ` and `n = (1 + eˣ)² − 1`, of which `tanh(ln(1 + eˣ))` is `n / (n + 2)`: no logarithm, and nothing cancels. From 20 on the
/// quotient is 1 in f32.
#[inline(always)]
fn mish_parts(x: f32) -> (f32, f32) {
    let e = exp(if x > 20.0 { 20.0 } else { x });
    (e, e * (e + 2.0))
}

const ROOT: f32 = 0.797_884_6;

/// The functions computed here.
pub(super) fn knows(op: UnaryOp) -> bool {
    use UnaryOp::*;
    matches!(
        op,
        Relu | Sigmoid | Tanh | Silu | Mish | HardSwish | HardSigmoid | Gelu { .. } | Elu { .. } | Clamp { .. }
    ) || matches!(op, LeakyRelu { slope } if slope >= 0.0)
}

/// What is done with a function and its derivative, which is one of the function's result or of its argument ([`by_result`]).
pub(super) trait Visit {
    /// What comes of it.
    type Result;
    /// With both.
    fn visit(self, value: impl Fn(f32) -> f32 + Sync, derivative: impl Fn(f32) -> f32 + Sync) -> Self::Result;
}

/// Hands a function over that is known ([`knows`]).
pub(super) fn with<V: Visit>(op: UnaryOp, v: V) -> V::Result {
    use UnaryOp::*;
    match op {
        // A NaN stays: it must reach the loss.
        Relu => v.visit(|x| if x < 0.0 { 0.0 } else { x }, |y| if y > 0.0 { 1.0 } else { 0.0 }),
        Sigmoid => v.visit(sigmoid, |y| y * (1.0 - y)),
        Tanh => v.visit(tanh, |y| 1.0 - y * y),
        Silu => v.visit(
            |x| x * sigmoid(x),
            |x| {
                let s = sigmoid(x);
                s * (1.0 + x * (1.0 - s))
            },
        ),
        Mish => v.visit(
            |x| {
                let (_, n) = mish_parts(x);
                x * (n / (n + 2.0))
            },
            |x| {
                let (e, n) = mish_parts(x);
                let inverse = 1.0 / (n + 2.0);
                n * inverse + x * (4.0 * e * (1.0 + e) * inverse * inverse)
            },
        ),
        Elu { alpha, scale, input_scale } => {
            let (below, slope) = ((alpha * scale) as f32, (alpha * scale * input_scale) as f32);
            let (above, input_scale) = (scale as f32, input_scale as f32);
            v.visit(
                // Both sides, then a choice: a branch would not be vectorised.
                move |x| {
                    let (positive, negative) = (above * x, below * expm1(input_scale * x));
                    if x > 0.0 { positive } else { negative }
                },
                move |x| {
                    let negative = slope * exp(input_scale * x);
                    if x > 0.0 { above } else { negative }
                },
            )
        }
        HardSigmoid => v.visit(
            |x| (x + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0),
            |x| if (x > -3.0) & (x < 3.0) { 1.0 / 6.0 } else { 0.0 },
        ),
        HardSwish => v.visit(
            |x| x * (x + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0),
            |x| {
                let inner = x * (1.0 / 3.0) + 0.5;
                let inner = if x <= -3.0 { 0.0 } else { inner };
                if x >= 3.0 { 1.0 } else { inner }
            },
        ),
        LeakyRelu { slope } => {
            let slope = slope as f32;
            v.visit(move |x| if x < 0.0 { slope * x } else { x }, move |x| if x > 0.0 { 1.0 } else { slope })
        }
        Clamp { min, max } => {
            let (min, max) = (min as f32, max as f32);
            v.visit(
                move |x| {
                    let x = if x < min { min } else { x };
                    if x > max { max } else { x }
                },
                move |x| if (x >= min) & (x <= max) { 1.0 } else { 0.0 },
            )
        }
        Gelu { tanh: false } => v.visit(
            |x| 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)),
            |x| {
                // The normal distribution's function, and x times its density.
                let density = 0.398_942_3 * exp(-0.5 * x * x);
                0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)) + x * density
            },
        ),
        _ => v.visit(
            |x| 0.5 * x * (1.0 + tanh(ROOT * (x + 0.044715 * x * x * x))),
            |x| {
                let u = tanh(ROOT * (x + 0.044715 * x * x * x));
                0.5 * (1.0 + u) + 0.5 * x * (1.0 - u * u) * ROOT * (1.0 + 3.0 * 0.044715 * x * x)
            },
        ),
    }
}

struct Each<'a>(&'a [f32]);

impl Visit for Each<'_> {
    type Result = Vec<f32>;

    fn visit(self, value: impl Fn(f32) -> f32 + Sync, _: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
        let isa = Isa::best();
        let mut y = buffer(self.0.len());
        y.par_chunks_mut(PART).zip(self.0.par_chunks(PART)).for_each(|(y, x)| {
            isa.vectorised(
                #[inline(always)]
                || y.iter_mut().zip(x).for_each(|(y, &x)| *y = value(x)),
            );
        });
        y
    }
}

struct Chain<'a> {
    kept: &'a [f32],
    dy: &'a mut [f32],
}

impl Visit for Chain<'_> {
    type Result = ();

    fn visit(self, _: impl Fn(f32) -> f32 + Sync, derivative: impl Fn(f32) -> f32 + Sync) {
        let isa = Isa::best();
        self.dy.par_chunks_mut(PART).zip(self.kept.par_chunks(PART)).for_each(|(dy, x)| {
            isa.vectorised(
                #[inline(always)]
                || dy.iter_mut().zip(x).for_each(|(dy, &x)| *dy *= derivative(x)),
            );
        });
    }
}

/// The function of each element.
pub(super) fn forward(op: UnaryOp, x: &[f32]) -> Vec<f32> {
    with(op, Each(x))
}

/// Whether the derivative is computed from the result rather than from the argument: what has to be kept.
pub(super) fn by_result(op: UnaryOp) -> bool {
    matches!(op, UnaryOp::Relu | UnaryOp::Sigmoid | UnaryOp::Tanh)
}

/// Multiplies `dy` by the derivative at `kept`, see [`by_result`].
pub(super) fn backward(op: UnaryOp, kept: &[f32], dy: &mut [f32]) {
    with(op, Chain { kept, dy });
}
