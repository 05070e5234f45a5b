//! The inverse cosine of each element, in radians.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "acos",
    summary: "the inverse cosine of each element, in radians",
    spellings: &[
        "torch.acos(input: Tensor)",
        "torch.acos_(input: Tensor)",
        "Tensor.acos(input: Tensor)",
        "Tensor.acos_(input: Tensor)",
        "torch.arccos(input: Tensor)",
        "Tensor.arccos(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Acos),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.acos(x)", gives: "f32[2] = [1.5707964, 0.0]" }],
    tolerance: 1e-6,
};
