//! The cosine of each element, in radians.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "cos",
    summary: "the cosine of each element, in radians",
    spellings: &[
        "torch.cos(input: Tensor)",
        "torch.cos_(input: Tensor)",
        "Tensor.cos(input: Tensor)",
        "Tensor.cos_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Cos),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.cos(x)", gives: "f32[2] = [1.0, 0.5403023]" }],
    tolerance: 1e-6,
};
