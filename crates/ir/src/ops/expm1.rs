//! exp(x) − 1, exact near zero.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "expm1",
    summary: "exp(x) − 1, exact near zero",
    spellings: &[
        "torch.expm1(input: Tensor)",
        "torch.expm1_(input: Tensor)",
        "Tensor.expm1(input: Tensor)",
        "Tensor.expm1_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Expm1),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.expm1(x)", gives: "f32[2] = [0.0, 1.7182819]" }],
    tolerance: 1e-6,
};
