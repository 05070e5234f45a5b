//! Inverse error function, by M. Giles, "Approximating the erfinv function" (GPU Computing Gems, 2011): two polynomials in
//! −ln(1 − x²), exact to f32.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "erfinv",
    summary: "inverse error function",
    spellings: &[
        "torch.erfinv(input: Tensor)",
        "torch.special.erfinv(input: Tensor)",
        "Tensor.erfinv(input: Tensor)",
        "Tensor.erfinv_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [0.0, 0.5, -0.9]",
        code: "torch.erfinv(x)",
        gives: "f32[3] = [0.0, 0.47693628, -1.1630871]",
    }],
    tolerance: 1e-5,
};

/// For w = −ln(1 − x²) below 5, in w − 2.5; the highest power first.
const CENTRE: [f64; 9] = [
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
];

/// For w from 5 up, in √w − 3.
const TAIL: [f64; 9] = [
    -0.000200214257,
    0.000100950558,
    0.00134934322,
    -0.00367342844,
    0.00573950773,
    -0.0076224613,
    0.00943887047,
    1.00167406,
    2.83297682,
];

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let x = e.floating(x)?;
    let below = e.scalar(BinaryOp::Sub, x, 1.0, true)?;
    let above = e.scalar(BinaryOp::Add, x, 1.0, false)?;
    let product = e.binary(BinaryOp::Mul, below, above)?;
    let log = e.unary(UnaryOp::Log, product)?;
    let w = e.unary(UnaryOp::Neg, log)?;
    let centre = e.scalar(BinaryOp::Sub, w, 2.5, false)?;
    // Not below 5, where the tail is not taken: the root of 0 has no finite gradient, which would spoil the other branch's.
    let large = e.unary(UnaryOp::Clamp { min: 5.0, max: f64::INFINITY }, w)?;
    let root = e.unary(UnaryOp::Sqrt, large)?;
    let tail = e.scalar(BinaryOp::Sub, root, 3.0, false)?;
    let near = polynomial(e, centre, &CENTRE)?;
    let far = polynomial(e, tail, &TAIL)?;
    let central = e.scalar(BinaryOp::Lt, w, 5.0, false)?;
    let p = e.apply(Prim::Where, &[central, near, far])?;
    Ok(vec![e.binary(BinaryOp::Mul, p, x)?])
}

/// A polynomial by Horner's rule.
fn polynomial(e: &mut Emitter, x: V, coefficients: &[f64; 9]) -> Result<V, OpError> {
    let mut p = e.scalar(BinaryOp::Mul, x, coefficients[0], false)?;
    for c in &coefficients[1..8] {
        p = e.scalar(BinaryOp::Add, p, *c, false)?;
        p = e.binary(BinaryOp::Mul, p, x)?;
    }
    e.scalar(BinaryOp::Add, p, coefficients[8], false)
}
