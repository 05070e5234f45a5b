//! Whether both operands are non-zero.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "logical_and",
    summary: "whether both operands are non-zero",
    spellings: &[
        "torch.logical_and(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.logical_and(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.logical_and_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::logical(call, e, BinaryOp::And),
    examples: &[Example {
        given: "x = [1.0, 0.0]; y = [2.0, 1.0]",
        code: "torch.logical_and(x, y)",
        gives: "bool[2] = [True, False]",
    }],
    tolerance: 0.0,
};
