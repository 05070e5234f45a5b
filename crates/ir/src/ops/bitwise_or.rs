//! Or of the bits of two operands; logical or of truth values.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "bitwise_or",
    summary: "or of the bits of two operands; logical or of truth values",
    spellings: &[
        "torch.bitwise_or(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.bitwise_or(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.bitwise_or_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::bitwise(call, e, BinaryOp::Or),
    examples: &[Example {
        given: "x = [1.0, 2.0, 3.0]",
        code: "(x > 1) | (x < 3)",
        gives: "bool[3] = [True, True, True]",
    }],
    tolerance: 0.0,
};
