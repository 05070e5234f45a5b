//! The method `where`: the tensor where a condition holds, another elsewhere.

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "where_self",
    summary: "method form of where",
    spellings: &["Tensor.where(input: Tensor, condition: Tensor, other: Tensor|Scalar)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [-1.0, 2.0]", code: "x.where(x > 0, 0.0)", gives: "f32[2] = [0.0, 2.0]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, condition) = (call.tensor("input")?, call.tensor("condition")?);
    let other = match shared::operand(call, "other")? {
        Operand::Tensor(v) => v,
        Operand::Number(v, _) => e.full(TensorType::new(e.dtype(x), []), v)?,
    };
    let (a, b) = e.promoted(x, other)?;
    Ok(vec![e.apply(Prim::Where, &[condition, a, b])?])
}
