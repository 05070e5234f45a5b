//! Slices of a dimension chosen by a vector of indices.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "index_select",
    summary: "slices chosen by index",
    spellings: &[
        "torch.index_select(input: Tensor, dim: int, index: Tensor)",
        "Tensor.index_select(input: Tensor, dim: int, index: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 6.0, 2.0]",
        code: "torch.index_select(x, 0, torch.tensor([2, 0]))",
        gives: "f32[2] = [2.0, 1.0]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, index) = (call.tensor("input")?, call.tensor("index")?);
    let dim = shared::dim(call, e, x, "dim")?;
    if !matches!(e.dtype(index), DType::I64 | DType::I32) || e.rank(index) > 1 {
        return Err(OpError::argument(format!(
            "index_select(): expected a vector of int32 or int64, found {}",
            e.ty(index)
        )));
    }
    let index = shared::flat(e, index)?;
    let index = e.cast(index, DType::I64)?;
    Ok(vec![e.apply(Prim::IndexSelect { dim }, &[x, index])?])
}
