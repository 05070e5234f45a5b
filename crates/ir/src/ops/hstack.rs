//! Tensors joined along the second dimension (vectors: the first).

use super::cat;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "hstack",
    summary: "tensors joined along the second dimension",
    spellings: &["torch.hstack(tensors: Tensor[])"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3]; y: f32[2, 3]", code: "torch.hstack([x, y])", gives: "f32[2, 6]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let mut parts = Vec::new();
    for &t in call.tensors("tensors")? {
        parts.push(match e.rank(t) {
            0 => e.reshape(t, &[1])?,
            _ => t,
        });
    }
    let dim = i64::from(parts.iter().all(|&t| e.rank(t) > 1));
    Ok(vec![cat::concat(e, &parts, dim)?])
}
