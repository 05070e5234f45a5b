//! The exponential of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "exp",
    summary: "the exponential of each element",
    spellings: &[
        "torch.exp(input: Tensor)",
        "torch.exp_(input: Tensor)",
        "Tensor.exp(input: Tensor)",
        "Tensor.exp_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Exp),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.exp(x)", gives: "f32[2] = [1.0, 2.7182817]" }],
    tolerance: 1e-6,
};
