//! Huber loss divided by beta; absolute error for beta 0.

use super::huber_loss;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "smooth_l1_loss",
    summary: "smooth L1 loss",
    spellings: &[
        "torch.nn.functional.smooth_l1_loss(input: Tensor, target: Tensor, size_average: bool? = None, reduce: bool? = None, reduction: str = 'mean', beta: float = 1.0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [3.0]; t = [1.0]", code: "F.smooth_l1_loss(x, t)", gives: "f32[] = 1.5" }],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let gap = e.binary(BinaryOp::Sub, call.tensor("input")?, call.tensor("target")?)?;
    let beta = call.float("beta")?;
    let loss = if beta == 0.0 {
        e.unary(UnaryOp::Abs, gap)?
    } else {
        let huber = huber_loss::huber(e, gap, beta)?;
        e.scalar(BinaryOp::Div, huber, beta, false)?
    };
    Ok(vec![shared::reduced_loss(call, e, loss)?])
}
