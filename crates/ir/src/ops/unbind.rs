//! The slices of a dimension, each without it.

use super::select;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "unbind",
    summary: "slices of a dimension",
    spellings: &["torch.unbind(input: Tensor, dim: int = 0)", "Tensor.unbind(input: Tensor, dim: int = 0)"],
    python: "",
    returns: Returns::Tuple,
    emit,
    examples: &[Example { given: "x: f32[3, 2, 4]", code: "x.unbind(0)[1]", gives: "f32[2, 4]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if e.rank(x) == 0 {
        return Err(OpError::shape("dimension specified as 0 but tensor has no dimensions"));
    }
    let dim = shared::dim(call, e, x, "dim")?;
    (0..e.shape(x)[dim]).map(|i| select::pick(e, x, dim, i)).collect()
}
