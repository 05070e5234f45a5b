//! The smallest integer not below each element.

use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "ceil",
    summary: "the smallest integer not below each element",
    spellings: &[
        "torch.ceil(input: Tensor)",
        "torch.ceil_(input: Tensor)",
        "Tensor.ceil(input: Tensor)",
        "Tensor.ceil_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        if !e.dtype(x).is_float() {
            return Ok(vec![x]);
        }
        Ok(vec![e.unary(UnaryOp::Ceil, x)?])
    },
    examples: &[Example { given: "x = [-1.5, 2.2]", code: "torch.ceil(x)", gives: "f32[2] = [-1.0, 3.0]" }],
    tolerance: 0.0,
};
