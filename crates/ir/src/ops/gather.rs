//! Elements of a dimension chosen by an index tensor of the result's shape.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "gather",
    summary: "elements chosen by index",
    spellings: &[
        "torch.gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False)",
        "Tensor.gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 6.0, 2.0]",
        code: "torch.gather(x, 0, torch.tensor([2, 0]))",
        gives: "f32[2] = [2.0, 1.0]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, index) = (call.tensor("input")?, call.tensor("index")?);
    let dim = shared::dim(call, e, x, "dim")?;
    if e.dtype(index) != DType::I64 {
        return Err(OpError::dtype(format!("gather(): expected dtype int64 for index, found {}", e.dtype(index))));
    }
    Ok(vec![e.apply(Prim::Gather { dim }, &[x, index])?])
}
