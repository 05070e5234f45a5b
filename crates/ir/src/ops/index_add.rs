//! A tensor with slices added at indices of a dimension.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "index_add",
    summary: "slices added at indices",
    spellings: &[
        "torch.index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Scalar = 1)",
        "Tensor.index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Scalar = 1)",
        "Tensor.index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Scalar = 1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 0.0]; y = [2.0, 3.0]",
        code: "x.index_add(0, torch.tensor([0, 1]), y)",
        gives: "f32[2] = [3.0, 3.0]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, index, source) = (call.tensor("input")?, call.tensor("index")?, call.tensor("source")?);
    let dim = shared::dim(call, e, x, "dim")?;
    if e.rank(x) == 0 || e.rank(source) != e.rank(x) || e.shape(source)[dim] != e.ty(index).numel() {
        return Err(OpError::shape(format!("index_add: {:?} slices do not fit {:?}", e.shape(source), e.shape(x))));
    }
    let shape = e.shape(source).to_vec();
    let n = e.shape(x)[dim];
    let index = shared::wrapped_index(e, index, n)?;
    let index = spread(e, index, dim, &shape)?;
    let source = shared::scaled(e, source, call.float("alpha")?)?;
    Ok(vec![e.apply(Prim::Scatter { dim, add: true }, &[x, index, source])?])
}

/// The index vector as wide as the slices that it addresses.
pub(super) fn spread(e: &mut Emitter, index: V, dim: usize, like: &[usize]) -> Result<V, OpError> {
    let mut shape = vec![1; like.len()];
    shape[dim] = e.ty(index).numel();
    let index = e.reshape(index, &shape)?;
    e.expand(index, like)
}
