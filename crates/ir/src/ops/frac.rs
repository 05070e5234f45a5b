//! The fraction of each element, with its sign.

use crate::op::{Example, Operator, Returns};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "frac",
    summary: "the fraction of each element, with its sign",
    spellings: &[
        "torch.frac(input: Tensor)",
        "torch.frac_(input: Tensor)",
        "Tensor.frac(input: Tensor)",
        "Tensor.frac_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let whole = e.unary(UnaryOp::Trunc, x)?;
        Ok(vec![e.binary(BinaryOp::Sub, x, whole)?])
    },
    examples: &[Example { given: "x = [-1.5, 2.25]", code: "torch.frac(x)", gives: "f32[2] = [-0.5, 0.25]" }],
    tolerance: 0.0,
};
