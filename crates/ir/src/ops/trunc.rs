//! Each element without its fraction.

use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "trunc",
    summary: "each element without its fraction",
    spellings: &[
        "torch.trunc(input: Tensor)",
        "torch.trunc_(input: Tensor)",
        "Tensor.trunc(input: Tensor)",
        "Tensor.trunc_(input: Tensor)",
        "torch.fix(input: Tensor)",
        "Tensor.fix(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        if !e.dtype(x).is_float() {
            return Ok(vec![x]);
        }
        Ok(vec![e.unary(UnaryOp::Trunc, x)?])
    },
    examples: &[Example { given: "x = [-1.5, 2.7]", code: "torch.trunc(x)", gives: "f32[2] = [-1.0, 2.0]" }],
    tolerance: 0.0,
};
