//! The reciprocal of the square root of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "rsqrt",
    summary: "the reciprocal of the square root of each element",
    spellings: &[
        "torch.rsqrt(input: Tensor)",
        "torch.rsqrt_(input: Tensor)",
        "Tensor.rsqrt(input: Tensor)",
        "Tensor.rsqrt_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Rsqrt),
    examples: &[Example { given: "x = [4.0, 1.0]", code: "torch.rsqrt(x)", gives: "f32[2] = [0.5, 1.0]" }],
    tolerance: 1e-6,
};
