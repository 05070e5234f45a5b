//! Remainder of the division rounded down; it has the sign of the divisor.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "remainder",
    summary: "remainder of the division rounded down; it has the sign of the divisor",
    spellings: &[
        "torch.remainder(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.remainder(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.remainder_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Remainder),
    examples: &[Example { given: "x = [-7.0, 7.0]", code: "x % 3", gives: "f32[2] = [2.0, 1.0]" }],
    tolerance: 0.0,
};
