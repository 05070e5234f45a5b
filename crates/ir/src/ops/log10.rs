//! The decimal logarithm of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "log10",
    summary: "the decimal logarithm of each element",
    spellings: &[
        "torch.log10(input: Tensor)",
        "torch.log10_(input: Tensor)",
        "Tensor.log10(input: Tensor)",
        "Tensor.log10_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Log10),
    examples: &[Example { given: "x = [1.0, 100.0]", code: "torch.log10(x)", gives: "f32[2] = [0.0, 2.0]" }],
    tolerance: 1e-6,
};
