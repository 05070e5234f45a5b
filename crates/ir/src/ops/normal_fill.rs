//! The tensor replaced by random values of a normal distribution.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{Distribution, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "normal_fill",
    summary: "the tensor replaced by random values of a normal distribution",
    spellings: &["Tensor.normal_(input: Tensor, mean: float = 0.0, std: float = 1.0)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3]", code: "x.normal_(0.0, 0.02)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let ty = e.ty(call.tensor("input")?).clone();
    shared::need_float_type(ty.dtype, "normal_")?;
    let (mean, std) = (call.float("mean")?, call.float("std")?);
    if std < 0.0 {
        return Err(OpError::argument(format!("normal expects std >= 0.0, but found std {std}")));
    }
    let distribution = Distribution::Normal { mean, std };
    Ok(vec![e.apply(Prim::Random { ty, distribution }, &[])?])
}
