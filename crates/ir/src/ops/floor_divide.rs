//! Quotient of two operands, rounded down.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "floor_divide",
    summary: "quotient of two operands, rounded down",
    spellings: &[
        "torch.floor_divide(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.floor_divide(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.floor_divide_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::FloorDiv),
    examples: &[Example { given: "x = [-7.0, 7.0]", code: "x // 2", gives: "f32[2] = [-4.0, 3.0]" }],
    tolerance: 0.0,
};
