//! The element type of another tensor.

use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "type_as",
    summary: "the element type of another tensor",
    spellings: &["Tensor.type_as(input: Tensor, other: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let to = e.dtype(call.tensor("other")?);
        Ok(vec![e.cast(x, to)?])
    },
    examples: &[Example { given: "x: i64[2]; y: f32[1]", code: "x.type_as(y)", gives: "f32[2]" }],
    tolerance: 0.0,
};
