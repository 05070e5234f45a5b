//! The tangent of each element, in radians.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "tan",
    summary: "the tangent of each element, in radians",
    spellings: &[
        "torch.tan(input: Tensor)",
        "torch.tan_(input: Tensor)",
        "Tensor.tan(input: Tensor)",
        "Tensor.tan_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Tan),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.tan(x)", gives: "f32[2] = [0.0, 1.5574077]" }],
    tolerance: 1e-6,
};
