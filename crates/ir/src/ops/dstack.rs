//! Tensors joined along the third dimension.

use super::cat;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "dstack",
    summary: "tensors joined along the third dimension",
    spellings: &["torch.dstack(tensors: Tensor[])"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3]; y: f32[2, 3]", code: "torch.dstack([x, y])", gives: "f32[2, 3, 2]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let mut parts = Vec::new();
    for &t in call.tensors("tensors")? {
        parts.push(match e.rank(t) {
            0 => e.reshape(t, &[1, 1, 1])?,
            1 => {
                let row = shared::unsqueeze(e, t, 0)?;
                shared::unsqueeze(e, row, 2)?
            }
            2 => shared::unsqueeze(e, t, 2)?,
            _ => t,
        });
    }
    Ok(vec![cat::concat(e, &parts, 2)?])
}
