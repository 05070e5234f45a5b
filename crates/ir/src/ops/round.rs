//! The nearest integer to each element; halves go to the even one.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "round",
    summary: "nearest integer, halves to even",
    spellings: &[
        "torch.round(input: Tensor, *, decimals: int = 0)",
        "Tensor.round(input: Tensor, *, decimals: int = 0)",
        "Tensor.round_(input: Tensor, *, decimals: int = 0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [0.5, 1.5, -2.7]", code: "torch.round(x)", gives: "f32[3] = [0.0, 2.0, -3.0]" },
        Example { given: "x = [1.26]", code: "torch.round(x, decimals=1)", gives: "f32[1] = [1.3]" },
    ],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if !e.dtype(x).is_float() {
        return Ok(vec![x]);
    }
    let unit = 10f64.powi(call.int("decimals")?.clamp(-300, 300) as i32);
    let scaled = shared::scaled(e, x, unit)?;
    let y = e.unary(UnaryOp::Round, scaled)?;
    Ok(vec![if unit == 1.0 { y } else { e.scalar(BinaryOp::Div, y, unit, false)? }])
}
