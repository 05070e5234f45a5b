//! The tensor replaced by random values of an exponential distribution.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Distribution, Prim, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "exponential",
    summary: "random values of an exponential distribution",
    spellings: &["Tensor.exponential_(input: Tensor, lambd: float = 1.0)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3]", code: "x.exponential_()", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let ty = e.ty(call.tensor("input")?).clone();
    let uniform = Distribution::Uniform { low: 0.0, high: 1.0 - f64::from(f32::EPSILON) };
    let u = e.apply(Prim::Random { ty, distribution: uniform }, &[])?;
    let rest = e.scalar(BinaryOp::Sub, u, 1.0, true)?;
    let log = e.unary(UnaryOp::Log, rest)?;
    Ok(vec![e.scalar(BinaryOp::Div, log, -call.float("lambd")?, false)?])
}
