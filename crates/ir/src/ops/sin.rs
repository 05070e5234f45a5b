//! The sine of each element, in radians.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "sin",
    summary: "the sine of each element, in radians",
    spellings: &[
        "torch.sin(input: Tensor)",
        "torch.sin_(input: Tensor)",
        "Tensor.sin(input: Tensor)",
        "Tensor.sin_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Sin),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.sin(x)", gives: "f32[2] = [0.0, 0.84147096]" }],
    tolerance: 1e-6,
};
