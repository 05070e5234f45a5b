//! A tensor with one value at indices of a dimension.

use super::index_add;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "index_fill",
    summary: "one value at indices",
    spellings: &[
        "torch.index_fill(input: Tensor, dim: int, index: Tensor, value: Scalar)",
        "Tensor.index_fill(input: Tensor, dim: int, index: Tensor, value: Scalar)",
        "Tensor.index_fill_(input: Tensor, dim: int, index: Tensor, value: Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 2.0]",
        code: "x.index_fill(0, torch.tensor([1]), 0.0)",
        gives: "f32[2] = [1.0, 0.0]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, index) = (call.tensor("input")?, call.tensor("index")?);
    let dim = shared::dim(call, e, x, "dim")?;
    let mut shape = e.shape(x).to_vec();
    let Some(n) = shape.get_mut(dim) else {
        return Err(OpError::shape("index_fill on a scalar tensor"));
    };
    let size = std::mem::replace(n, e.ty(index).numel());
    let index = shared::wrapped_index(e, index, size)?;
    let index = index_add::spread(e, index, dim, &shape)?;
    let (value, _) = shared::number(call, "value")?;
    let source = e.full(TensorType::new(e.dtype(x), shape), value)?;
    Ok(vec![e.apply(Prim::Scatter { dim, add: false }, &[x, index, source])?])
}
