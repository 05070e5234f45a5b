//! One slice of a dimension, without it: `x[…, i]`.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "select",
    summary: "one slice of a dimension",
    spellings: &[
        "torch.ops.select(input: Tensor, dim: int, index: int)",
        "torch.select(input: Tensor, dim: int, index: int)",
        "Tensor.select(input: Tensor, dim: int, index: int)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0, 3.0]", code: "x[-1]", gives: "f32[] = 3.0" },
        Example { given: "x: f32[2, 3, 4]", code: "x[:, 1]", gives: "f32[2, 4]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if e.rank(x) == 0 {
        return Err(OpError::shape("select() cannot be applied to a 0-dim tensor"));
    }
    let dim = shared::dim(call, e, x, "dim")?;
    let index = position(call.int("index")?, e.shape(x)[dim])?;
    Ok(vec![pick(e, x, dim, index)?])
}

/// One slice of a dimension, without it.
pub(super) fn pick(e: &mut Emitter, x: V, dim: usize, index: usize) -> Result<V, OpError> {
    let y = shared::narrow(e, x, dim, index, index + 1)?;
    let mut shape = e.shape(y).to_vec();
    shape.remove(dim);
    e.reshape(y, &shape)
}

/// An index that may count from the end.
pub(super) fn position(index: i64, n: usize) -> Result<usize, OpError> {
    let wrapped = if index < 0 { index + n as i64 } else { index };
    usize::try_from(wrapped).ok().filter(|&i| i < n).ok_or_else(|| OpError {
        code: OpError::INDEX,
        message: format!("index {index} is out of bounds for a dimension with size {n}"),
        help: None,
    })
}
