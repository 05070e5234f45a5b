//! The inverse tangent of each element, in radians.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "atan",
    summary: "the inverse tangent of each element, in radians",
    spellings: &[
        "torch.atan(input: Tensor)",
        "torch.atan_(input: Tensor)",
        "Tensor.atan(input: Tensor)",
        "Tensor.atan_(input: Tensor)",
        "torch.arctan(input: Tensor)",
        "Tensor.arctan(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Atan),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.atan(x)", gives: "f32[2] = [0.0, 0.7853982]" }],
    tolerance: 1e-6,
};
