//! Broadcast to the shape of another tensor.

use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "expand_as",
    summary: "broadcast to the shape of another tensor",
    spellings: &["Tensor.expand_as(input: Tensor, other: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let shape = e.shape(call.tensor("other")?).to_vec();
        Ok(vec![e.expand(x, &shape)?])
    },
    examples: &[Example { given: "x: f32[2, 1]; y: f32[2, 3]", code: "x.expand_as(y)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};
