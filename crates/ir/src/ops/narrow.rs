//! `length` elements of a dimension from `start` on.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "narrow",
    summary: "consecutive elements of a dimension",
    spellings: &[
        "torch.narrow(input: Tensor, dim: int, start: int, length: int)",
        "Tensor.narrow(input: Tensor, dim: int, start: int, length: int)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 5]", code: "x.narrow(1, 1, 3)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if e.rank(x) == 0 {
        return Err(OpError::shape("narrow() cannot be applied to a 0-dim tensor"));
    }
    let dim = shared::dim(call, e, x, "dim")?;
    let n = e.shape(x)[dim];
    let start = call.int("start")?;
    let start = if start < 0 { start + n as i64 } else { start };
    let length = call.size("length")?;
    match usize::try_from(start) {
        Ok(s) if s.saturating_add(length) <= n => Ok(vec![shared::narrow(e, x, dim, s, s + length)?]),
        _ => Err(OpError::argument(format!("start ({start}) + length ({length}) exceeds dimension size ({n})"))),
    }
}
