//! Product of two operands.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "mul",
    summary: "product of two operands",
    spellings: &[
        "torch.mul(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.mul(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.mul_(input: Tensor|Scalar, other: Tensor|Scalar)",
        "torch.multiply(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.multiply(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.multiply_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Mul),
    examples: &[
        Example { given: "x = [1.0, 2.0]", code: "x * 3", gives: "f32[2] = [3.0, 6.0]" },
        Example { given: "x: f32[2, 3, 4, 4]; y: f32[2, 3, 1, 1]", code: "x * y", gives: "f32[2, 3, 4, 4]" },
    ],
    tolerance: 0.0,
};
