//! The same value without gradient.

use crate::op::{Example, Operator, Returns};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "detach",
    summary: "the same value without gradient",
    spellings: &["Tensor.detach(input: Tensor)", "torch.detach(input: Tensor)", "Tensor.detach_(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        Ok(vec![e.apply(Prim::Detach, &[x])?])
    },
    examples: &[Example { given: "x = [1.0]", code: "x.detach()", gives: "f32[1] = [1.0]" }],
    tolerance: 0.0,
};
