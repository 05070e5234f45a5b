//! The tensor replaced by one value.

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "fill",
    summary: "one value",
    spellings: &[
        "Tensor.fill_(input: Tensor, value: Tensor|Scalar)",
        "torch.fill(input: Tensor, value: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2]", code: "x.fill_(3)", gives: "f32[2] = [3.0, 3.0]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let ty = e.ty(call.tensor("input")?).clone();
    Ok(vec![match shared::operand(call, "value")? {
        Operand::Number(v, _) => e.full(ty, v)?,
        Operand::Tensor(v) if e.rank(v) == 0 => {
            let v = e.cast(v, ty.dtype)?;
            e.expand(v, &ty.shape)?
        }
        Operand::Tensor(v) => {
            return Err(OpError::shape(format!("fill_ only supports a 0-dimensional value, found {:?}", e.shape(v))));
        }
    }])
}
