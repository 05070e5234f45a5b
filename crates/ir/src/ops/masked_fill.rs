//! A tensor with one value wherever a mask holds; the element type stays.

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "masked_fill",
    summary: "one value wherever a mask holds",
    spellings: &[
        "torch.masked_fill(input: Tensor, mask: Tensor, value: Tensor|Scalar)",
        "Tensor.masked_fill(input: Tensor, mask: Tensor, value: Tensor|Scalar)",
        "Tensor.masked_fill_(input: Tensor, mask: Tensor, value: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [-1.0, 2.0]", code: "x.masked_fill(x < 0, 9.0)", gives: "f32[2] = [9.0, 2.0]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, mask) = (call.tensor("input")?, call.tensor("mask")?);
    if e.dtype(mask) != DType::Bool {
        return Err(OpError::dtype(format!(
            "masked_fill only supports boolean masks, but got mask with dtype {}",
            e.dtype(mask)
        )));
    }
    let value = match shared::operand(call, "value")? {
        Operand::Tensor(v) if e.rank(v) == 0 => e.cast(v, e.dtype(x))?,
        Operand::Tensor(v) => {
            return Err(OpError::argument(format!(
                "masked_fill only supports a 0-dimensional value tensor, but got {:?}",
                e.shape(v)
            )));
        }
        Operand::Number(v, _) => e.full(TensorType::new(e.dtype(x), []), v)?,
    };
    Ok(vec![e.apply(Prim::Where, &[mask, value, x])?])
}
