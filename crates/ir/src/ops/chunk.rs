//! A dimension cut into at most `chunks` parts of equal size; the last may be smaller.

use super::shared;
use super::split;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "chunk",
    summary: "a dimension cut into parts",
    spellings: &[
        "torch.chunk(input: Tensor, chunks: int, dim: int = 0)",
        "Tensor.chunk(input: Tensor, chunks: int, dim: int = 0)",
    ],
    python: "",
    returns: Returns::Tuple,
    emit,
    examples: &[
        Example { given: "x: f32[2, 7]", code: "torch.chunk(x, 3, dim=1)[2]", gives: "f32[2, 1]" },
        Example { given: "x: f32[2, 6]", code: "x.chunk(2, dim=-1)[0]", gives: "f32[2, 3]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let chunks = call.size("chunks")?;
    if chunks == 0 {
        return Err(OpError::argument("chunk expects `chunks` to be greater than 0, got: 0"));
    }
    if e.rank(x) == 0 {
        return Err(OpError::shape("chunk expects at least a 1-dimensional tensor"));
    }
    let dim = shared::dim(call, e, x, "dim")?;
    let size = e.shape(x)[dim].div_ceil(chunks).max(1);
    split::pieces(e, x, dim, size)
}
