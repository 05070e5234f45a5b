//! And of the bits of two operands; logical and of truth values.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "bitwise_and",
    summary: "and of the bits of two operands; logical and of truth values",
    spellings: &[
        "torch.bitwise_and(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.bitwise_and(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.bitwise_and_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::bitwise(call, e, BinaryOp::And),
    examples: &[Example {
        given: "x = [1.0, 2.0, 3.0]",
        code: "(x > 1) & (x < 3)",
        gives: "bool[3] = [False, True, False]",
    }],
    tolerance: 0.0,
};
