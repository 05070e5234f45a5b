//! Elements of one operand where a condition holds, of the other elsewhere.

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "where",
    summary: "choice between two operands by a condition",
    spellings: &["torch.where(condition: Tensor, input: Tensor|Scalar, other: Tensor|Scalar)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [-1.0, 2.0]", code: "torch.where(x > 0, x, 0.0)", gives: "f32[2] = [0.0, 2.0]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let condition = call.tensor("condition")?;
    let condition = if e.dtype(condition) == DType::U8 { e.cast(condition, DType::Bool)? } else { condition };
    let (a, b) = (shared::operand(call, "input")?, shared::operand(call, "other")?);
    let (a, b) = match (a, b) {
        (Operand::Tensor(a), Operand::Number(v, d)) => {
            let a = shared::beside(e, a, d)?;
            (a, e.full(TensorType::new(e.dtype(a), []), v)?)
        }
        (Operand::Number(v, d), Operand::Tensor(b)) => {
            let b = shared::beside(e, b, d)?;
            (e.full(TensorType::new(e.dtype(b), []), v)?, b)
        }
        (a, b) => {
            let (a, b) = (shared::as_tensor(e, a)?, shared::as_tensor(e, b)?);
            e.promoted(a, b)?
        }
    };
    Ok(vec![e.apply(Prim::Where, &[condition, a, b])?])
}
