//! The hyperbolic sine of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "sinh",
    summary: "the hyperbolic sine of each element",
    spellings: &[
        "torch.sinh(input: Tensor)",
        "torch.sinh_(input: Tensor)",
        "Tensor.sinh(input: Tensor)",
        "Tensor.sinh_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Sinh),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.sinh(x)", gives: "f32[2] = [0.0, 1.1752012]" }],
    tolerance: 1e-6,
};
