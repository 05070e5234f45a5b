//! Magnitude of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "abs",
    summary: "magnitude of each element",
    spellings: &[
        "torch.abs(input: Tensor)",
        "torch.abs_(input: Tensor)",
        "Tensor.abs(input: Tensor)",
        "Tensor.abs_(input: Tensor)",
        "torch.absolute(input: Tensor)",
        "Tensor.absolute(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::unary(call, e, UnaryOp::Abs),
    examples: &[Example { given: "x = [-1.5, 2.0]", code: "torch.abs(x)", gives: "f32[2] = [1.5, 2.0]" }],
    tolerance: 0.0,
};
