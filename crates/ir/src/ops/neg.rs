//! Each element with its sign changed.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "neg",
    summary: "each element with its sign changed",
    spellings: &[
        "torch.neg(input: Tensor)",
        "torch.neg_(input: Tensor)",
        "Tensor.neg(input: Tensor)",
        "Tensor.neg_(input: Tensor)",
        "torch.negative(input: Tensor)",
        "Tensor.negative(input: Tensor)",
        "Tensor.negative_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::unary(call, e, UnaryOp::Neg),
    examples: &[Example { given: "x = [-1.5, 2.0]", code: "-x", gives: "f32[2] = [1.5, -2.0]" }],
    tolerance: 0.0,
};
