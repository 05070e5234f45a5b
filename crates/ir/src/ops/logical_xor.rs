//! Whether exactly one operand is non-zero.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "logical_xor",
    summary: "whether exactly one operand is non-zero",
    spellings: &[
        "torch.logical_xor(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.logical_xor(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.logical_xor_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::logical(call, e, BinaryOp::Xor),
    examples: &[Example {
        given: "x = [1.0, 0.0]; y = [2.0, 1.0]",
        code: "torch.logical_xor(x, y)",
        gives: "bool[2] = [False, True]",
    }],
    tolerance: 0.0,
};
