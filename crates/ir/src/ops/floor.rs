//! The largest integer not above each element.

use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "floor",
    summary: "the largest integer not above each element",
    spellings: &[
        "torch.floor(input: Tensor)",
        "torch.floor_(input: Tensor)",
        "Tensor.floor(input: Tensor)",
        "Tensor.floor_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        if !e.dtype(x).is_float() {
            return Ok(vec![x]);
        }
        Ok(vec![e.unary(UnaryOp::Floor, x)?])
    },
    examples: &[Example { given: "x = [-1.5, 2.7]", code: "torch.floor(x)", gives: "f32[2] = [-2.0, 2.0]" }],
    tolerance: 0.0,
};
