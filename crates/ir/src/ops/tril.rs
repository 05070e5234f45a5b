//! The lower triangle of matrices, zero above the diagonal.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "tril",
    summary: "lower triangle",
    spellings: &[
        "torch.tril(input: Tensor, diagonal: int = 0)",
        "Tensor.tril(input: Tensor, diagonal: int = 0)",
        "Tensor.tril_(input: Tensor, diagonal: int = 0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| triangle(call, e, true),
    examples: &[Example { given: "", code: "torch.ones(2, 2).tril()", gives: "f32[2, 2] = [[1.0, 0.0], [1.0, 1.0]]" }],
    tolerance: 0.0,
};

/// The matrix with zeros on one side of a diagonal: above it (`lower`) or below.
pub(super) fn triangle(call: &Call<'_>, e: &mut Emitter, lower: bool) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let rank = e.rank(x);
    if rank < 2 {
        return Err(OpError::shape(format!("tril and triu take at least 2 dimensions, found {:?}", e.shape(x))));
    }
    let (rows, columns) = (e.shape(x)[rank - 2], e.shape(x)[rank - 1]);
    let row = shared::iota(e, rows)?;
    let row = e.reshape(row, &[rows, 1])?;
    let row = e.scalar(BinaryOp::Add, row, call.int("diagonal")? as f64, false)?;
    let column = shared::iota(e, columns)?;
    let keep = e.binary(if lower { BinaryOp::Le } else { BinaryOp::Ge }, column, row)?;
    let zero = e.full(TensorType::new(e.dtype(x), []), 0.0)?;
    Ok(vec![e.apply(Prim::Where, &[keep, x, zero])?])
}
