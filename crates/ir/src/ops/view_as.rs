//! The same elements under the shape of another tensor.

use crate::op::{Example, Operator, Returns};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "view_as",
    summary: "reshaped like another tensor",
    spellings: &["Tensor.view_as(input: Tensor, other: Tensor)", "Tensor.reshape_as(input: Tensor, other: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let shape = e.shape(call.tensor("other")?).to_vec();
        Ok(vec![e.apply(Prim::Reshape { shape }, &[x])?])
    },
    examples: &[Example { given: "x: f32[2, 6]; y: f32[3, 4]", code: "x.view_as(y)", gives: "f32[3, 4]" }],
    tolerance: 0.0,
};
