//! The hyperbolic cosine of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "cosh",
    summary: "the hyperbolic cosine of each element",
    spellings: &[
        "torch.cosh(input: Tensor)",
        "torch.cosh_(input: Tensor)",
        "Tensor.cosh(input: Tensor)",
        "Tensor.cosh_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Cosh),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.cosh(x)", gives: "f32[2] = [1.0, 1.5430806]" }],
    tolerance: 1e-6,
};
