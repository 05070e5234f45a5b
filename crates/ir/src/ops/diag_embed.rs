//! Matrices with the vectors of the last dimension on a diagonal.

use super::shared;
use crate::op::{Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, PadMode, Prim};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "diag_embed",
    summary: "vectors as diagonals of matrices",
    spellings: &[
        "torch.diag_embed(input: Tensor, offset: int = 0)",
        "Tensor.diag_embed(input: Tensor, offset: int = 0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        Ok(vec![embed(e, x, call.int("offset")?)?])
    },
    examples: &[Example {
        given: "x = [1.0, 2.0]",
        code: "torch.diag_embed(x)",
        gives: "f32[2, 2] = [[1.0, 0.0], [0.0, 2.0]]",
    }],
    tolerance: 0.0,
};

/// A matrix with a vector on one of its diagonals, for each vector of the last dimension.
pub(super) fn embed(e: &mut Emitter, x: V, offset: i64) -> Result<V, OpError> {
    let last = e.shape(x).last().copied().unwrap_or(1);
    let skip = offset.unsigned_abs() as usize;
    let n = last + skip;
    // Shift the vector to its rows, broadcast it over the columns, and keep the diagonal.
    let mut pads = vec![(0, 0); e.rank(x)];
    if let Some(p) = pads.last_mut() {
        *p = if offset >= 0 { (0, skip as i64) } else { (skip as i64, 0) };
    }
    let wide = e.apply(Prim::Pad { mode: PadMode::Constant(0.0), pads }, &[x])?;
    let column = shared::unsqueeze(e, wide, e.rank(wide))?;
    let row_index = shared::iota(e, n)?;
    let row_index = e.reshape(row_index, &[n, 1])?;
    let row_index = e.scalar(BinaryOp::Add, row_index, offset as f64, false)?;
    let column_index = shared::iota(e, n)?;
    let on = e.binary(BinaryOp::Eq, row_index, column_index)?;
    let zero = e.full(TensorType::new(e.dtype(x), []), 0.0)?;
    e.apply(Prim::Where, &[on, column, zero])
}
