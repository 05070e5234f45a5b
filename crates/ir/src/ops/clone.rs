//! A copy: the same value under another name.

use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "clone",
    summary: "a copy",
    spellings: &["torch.clone(input: Tensor)", "Tensor.clone(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, _| Ok(vec![call.tensor("input")?]),
    examples: &[Example { given: "x = [1.0]", code: "x.clone()", gives: "f32[1] = [1.0]" }],
    tolerance: 0.0,
};
