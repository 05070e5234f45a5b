//! Tensors joined along the first dimension; vectors are rows.

use super::cat;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "vstack",
    summary: "tensors joined along the first dimension",
    spellings: &["torch.vstack(tensors: Tensor[])", "torch.row_stack(tensors: Tensor[])"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3]; y: f32[2, 3]", code: "torch.vstack([x, y])", gives: "f32[4, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let mut parts = Vec::new();
    for &t in call.tensors("tensors")? {
        parts.push(match e.rank(t) {
            0 => e.reshape(t, &[1, 1])?,
            1 => shared::unsqueeze(e, t, 0)?,
            _ => t,
        });
    }
    Ok(vec![cat::concat(e, &parts, 0)?])
}
