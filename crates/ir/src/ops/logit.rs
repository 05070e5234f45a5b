//! The inverse of the sigmoid: ln(x/(1 − x)), with x limited to eps … 1 − eps.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "logit",
    summary: "inverse of the sigmoid",
    spellings: &[
        "torch.logit(input: Tensor, eps: float? = None)",
        "Tensor.logit(input: Tensor, eps: float? = None)",
        "torch.special.logit(input: Tensor, eps: float? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [0.5, 0.75]", code: "torch.logit(x)", gives: "f32[2] = [0.0, 1.0986123]" }],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let mut x = e.floating(x)?;
    if let Some(eps) = call.opt_float("eps")? {
        x = e.unary(UnaryOp::Clamp { min: eps, max: 1.0 - eps }, x)?;
    }
    let rest = e.scalar(BinaryOp::Sub, x, 1.0, true)?;
    let odds = e.binary(BinaryOp::Div, x, rest)?;
    Ok(vec![e.unary(UnaryOp::Log, odds)?])
}
