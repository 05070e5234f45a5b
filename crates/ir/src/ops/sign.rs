//! -1, 0 or 1 by the sign of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "sign",
    summary: "-1, 0 or 1 by the sign of each element",
    spellings: &[
        "torch.sign(input: Tensor)",
        "torch.sign_(input: Tensor)",
        "Tensor.sign(input: Tensor)",
        "Tensor.sign_(input: Tensor)",
        "torch.sgn(input: Tensor)",
        "Tensor.sgn(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::unary(call, e, UnaryOp::Sign),
    examples: &[Example { given: "x = [-1.5, 0.0, 2.0]", code: "torch.sign(x)", gives: "f32[3] = [-1.0, 0.0, 1.0]" }],
    tolerance: 0.0,
};
