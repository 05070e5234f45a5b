//! The inverse sine of each element, in radians.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "asin",
    summary: "the inverse sine of each element, in radians",
    spellings: &[
        "torch.asin(input: Tensor)",
        "torch.asin_(input: Tensor)",
        "Tensor.asin(input: Tensor)",
        "Tensor.asin_(input: Tensor)",
        "torch.arcsin(input: Tensor)",
        "Tensor.arcsin(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Asin),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.asin(x)", gives: "f32[2] = [0.0, 1.5707964]" }],
    tolerance: 1e-6,
};
