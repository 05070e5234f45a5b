//! The tensor itself: memory layout is not modelled.

use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "contiguous",
    summary: "the tensor itself",
    spellings: &["Tensor.contiguous(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, _| Ok(vec![call.tensor("input")?]),
    examples: &[Example { given: "x: f32[2, 3]", code: "x.t().contiguous()", gives: "f32[3, 2]" }],
    tolerance: 0.0,
};
