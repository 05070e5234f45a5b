//! A vector as the diagonal of a matrix, or the diagonal of a matrix.

use super::diag_embed;
use super::diagonal;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "diag",
    summary: "a vector as a diagonal, or a diagonal as a vector",
    spellings: &["torch.diag(input: Tensor, diagonal: int = 0)", "Tensor.diag(input: Tensor, diagonal: int = 0)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 2.0]",
        code: "torch.diag(x)",
        gives: "f32[2, 2] = [[1.0, 0.0], [0.0, 2.0]]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let offset = call.int("diagonal")?;
    match e.rank(x) {
        1 => Ok(vec![diag_embed::embed(e, x, offset)?]),
        2 => Ok(vec![diagonal::diagonal(e, x, offset, 0, 1)?]),
        _ => Err(OpError::shape(format!("diag() supports 1 or 2 dimensions, found {:?}", e.shape(x)))),
    }
}
