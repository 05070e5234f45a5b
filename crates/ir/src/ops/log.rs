//! The natural logarithm of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "log",
    summary: "the natural logarithm of each element",
    spellings: &[
        "torch.log(input: Tensor)",
        "torch.log_(input: Tensor)",
        "Tensor.log(input: Tensor)",
        "Tensor.log_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Log),
    examples: &[Example { given: "x = [1.0, 2.0]", code: "torch.log(x)", gives: "f32[2] = [0.0, 0.6931472]" }],
    tolerance: 1e-6,
};
