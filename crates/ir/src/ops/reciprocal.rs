//! 1/x for each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "reciprocal",
    summary: "1/x for each element",
    spellings: &[
        "torch.reciprocal(input: Tensor)",
        "torch.reciprocal_(input: Tensor)",
        "Tensor.reciprocal(input: Tensor)",
        "Tensor.reciprocal_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Reciprocal),
    examples: &[Example { given: "x = [4.0, -2.0]", code: "torch.reciprocal(x)", gives: "f32[2] = [0.25, -0.5]" }],
    tolerance: 1e-6,
};
