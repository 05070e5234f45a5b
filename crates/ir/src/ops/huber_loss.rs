//! Squared error near zero, absolute error beyond delta.

use super::shared;
use crate::op::{Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "huber_loss",
    summary: "Huber loss",
    spellings: &[
        "torch.nn.functional.huber_loss(input: Tensor, target: Tensor, reduction: str = 'mean', delta: float = 1.0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let gap = e.binary(BinaryOp::Sub, call.tensor("input")?, call.tensor("target")?)?;
        let loss = huber(e, gap, call.float("delta")?)?;
        Ok(vec![shared::reduced_loss(call, e, loss)?])
    },
    examples: &[Example { given: "x = [3.0]; t = [1.0]", code: "F.huber_loss(x, t)", gives: "f32[] = 1.5" }],
    tolerance: 1e-6,
};

/// Quadratic below `delta`, linear above: ½·g² or delta·(|g| − ½·delta).
pub(super) fn huber(e: &mut Emitter, gap: V, delta: f64) -> Result<V, OpError> {
    let magnitude = e.unary(UnaryOp::Abs, gap)?;
    let squares = e.binary(BinaryOp::Mul, gap, gap)?;
    let near = e.scalar(BinaryOp::Mul, squares, 0.5, false)?;
    let far = e.scalar(BinaryOp::Sub, magnitude, 0.5 * delta, false)?;
    let far = e.scalar(BinaryOp::Mul, far, delta, false)?;
    let inside = e.scalar(BinaryOp::Lt, magnitude, delta, false)?;
    e.apply(Prim::Where, &[inside, near, far])
}
