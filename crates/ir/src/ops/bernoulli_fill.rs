//! The tensor replaced by 1 with probability p, else 0.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::{Distribution, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "bernoulli_fill",
    summary: "the tensor replaced by 1 with probability p",
    spellings: &["Tensor.bernoulli_(input: Tensor, p: float = 0.5)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = e.ty(call.tensor("input")?).clone();
        shared::need_float_type(ty.dtype, "bernoulli_")?;
        let distribution = Distribution::Bernoulli { p: call.float("p")? };
        Ok(vec![e.apply(Prim::Random { ty, distribution }, &[])?])
    },
    examples: &[Example { given: "x: f32[2, 3]", code: "x.bernoulli_(0.9)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};
