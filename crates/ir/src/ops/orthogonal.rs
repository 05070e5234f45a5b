//! The tensor replaced by a random (semi-)orthogonal matrix times gain.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{Distribution, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "orthogonal",
    summary: "the tensor replaced by a random (semi-)orthogonal matrix times gain",
    spellings: &["Tensor.orthogonal_(input: Tensor, gain: float = 1.0)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "w: f32[2, 3]", code: "init.orthogonal_(w)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let ty = e.ty(call.tensor("input")?).clone();
    shared::need_float_type(ty.dtype, "orthogonal_")?;
    if ty.rank() < 2 {
        return Err(OpError::argument("only tensors with 2 or more dimensions are supported"));
    }
    let distribution = Distribution::Orthogonal { gain: call.float("gain")? };
    Ok(vec![e.apply(Prim::Random { ty, distribution }, &[])?])
}
