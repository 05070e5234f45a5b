//! Tensors of one shape joined along a new dimension.

use super::cat;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V, normalize_dim};

pub(super) const OPERATOR: Operator = Operator {
    name: "stack",
    summary: "tensors joined along a new dimension",
    spellings: &["torch.stack(tensors: Tensor[], dim: int = 0)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x: f32[2, 3]; y: f32[2, 3]", code: "torch.stack([x, y], dim=1)", gives: "f32[2, 2, 3]" },
        Example { given: "x = [1.0, 2.0]", code: "torch.stack([x, x])", gives: "f32[2, 2] = [[1.0, 2.0], [1.0, 2.0]]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let tensors = call.tensors("tensors")?;
    let Some(&first) = tensors.first() else {
        return Err(OpError::argument("stack expects a non-empty list of tensors"));
    };
    let dim = normalize_dim(call.int("dim")?, e.rank(first) + 1)?;
    let mut parts = Vec::with_capacity(tensors.len());
    for &t in tensors {
        if e.shape(t) != e.shape(first) {
            return Err(OpError::shape(format!(
                "stack expects each tensor to be equal size, but got {:?} and {:?}",
                e.shape(first),
                e.shape(t)
            )));
        }
        parts.push(shared::unsqueeze(e, t, dim)?);
    }
    Ok(vec![cat::concat(e, &parts, dim as i64)?])
}
