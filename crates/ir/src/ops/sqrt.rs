//! The square root of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "sqrt",
    summary: "the square root of each element",
    spellings: &[
        "torch.sqrt(input: Tensor)",
        "torch.sqrt_(input: Tensor)",
        "Tensor.sqrt(input: Tensor)",
        "Tensor.sqrt_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Sqrt),
    examples: &[Example { given: "x = [4.0, 2.0]", code: "torch.sqrt(x)", gives: "f32[2] = [2.0, 1.4142135]" }],
    tolerance: 1e-6,
};
