//! Whether either operand is non-zero.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "logical_or",
    summary: "whether either operand is non-zero",
    spellings: &[
        "torch.logical_or(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.logical_or(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.logical_or_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::logical(call, e, BinaryOp::Or),
    examples: &[Example {
        given: "x = [1.0, 0.0]; y = [2.0, 1.0]",
        code: "torch.logical_or(x, y)",
        gives: "bool[2] = [True, True]",
    }],
    tolerance: 0.0,
};
