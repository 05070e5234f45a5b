//! The tensor replaced by zeros.

use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "zero",
    summary: "zeros",
    spellings: &["Tensor.zero_(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = e.ty(call.tensor("input")?).clone();
        Ok(vec![e.full(ty, 0.0)?])
    },
    examples: &[Example { given: "x: f32[2]", code: "x.zero_()", gives: "f32[2] = [0.0, 0.0]" }],
    tolerance: 0.0,
};
