//! The binary logarithm of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "log2",
    summary: "the binary logarithm of each element",
    spellings: &[
        "torch.log2(input: Tensor)",
        "torch.log2_(input: Tensor)",
        "Tensor.log2(input: Tensor)",
        "Tensor.log2_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Log2),
    examples: &[Example { given: "x = [1.0, 8.0]", code: "torch.log2(x)", gives: "f32[2] = [0.0, 3.0]" }],
    tolerance: 1e-6,
};
