//! ln(1 + x), exact near zero.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "log1p",
    summary: "ln(1 + x), exact near zero",
    spellings: &[
        "torch.log1p(input: Tensor)",
        "torch.log1p_(input: Tensor)",
        "Tensor.log1p(input: Tensor)",
        "Tensor.log1p_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Log1p),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.log1p(x)", gives: "f32[2] = [0.0, 0.6931472]" }],
    tolerance: 1e-6,
};
