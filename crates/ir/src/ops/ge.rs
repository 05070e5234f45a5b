//! Whether the first operand is at least the second, element by element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "ge",
    summary: "whether the first operand is at least the second, element by element",
    spellings: &[
        "torch.ge(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.ge(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.ge_(input: Tensor|Scalar, other: Tensor|Scalar)",
        "torch.greater_equal(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.greater_equal(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.greater_equal_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Ge),
    examples: &[Example { given: "x = [1.0, 2.0, 3.0]", code: "x >= 2", gives: "bool[3] = [False, True, True]" }],
    tolerance: 0.0,
};
