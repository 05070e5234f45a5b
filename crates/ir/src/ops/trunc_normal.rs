//! The tensor replaced by random values of a normal distribution, drawn again outside [a, b].

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{Distribution, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "trunc_normal",
    summary: "the tensor replaced by random values of a normal distribution",
    spellings: &[
        "Tensor.trunc_normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "w: f32[2, 3]", code: "init.trunc_normal_(w, std=0.02)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let ty = e.ty(call.tensor("input")?).clone();
    shared::need_float_type(ty.dtype, "trunc_normal_")?;
    let distribution = Distribution::TruncatedNormal {
        mean: call.float("mean")?,
        std: call.float("std")?,
        a: call.float("a")?,
        b: call.float("b")?,
    };
    Ok(vec![e.apply(Prim::Random { ty, distribution }, &[])?])
}
