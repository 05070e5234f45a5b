//! The error function of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "erf",
    summary: "the error function of each element",
    spellings: &[
        "torch.erf(input: Tensor)",
        "torch.erf_(input: Tensor)",
        "Tensor.erf(input: Tensor)",
        "Tensor.erf_(input: Tensor)",
        "torch.special.erf(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Erf),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.erf(x)", gives: "f32[2] = [0.0, 0.8427008]" }],
    tolerance: 1e-6,
};
