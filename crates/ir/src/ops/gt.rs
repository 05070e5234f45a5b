//! Whether the first operand is greater than the second, element by element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "gt",
    summary: "whether the first operand is greater than the second, element by element",
    spellings: &[
        "torch.gt(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.gt(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.gt_(input: Tensor|Scalar, other: Tensor|Scalar)",
        "torch.greater(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.greater(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.greater_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Gt),
    examples: &[Example { given: "x = [1.0, 2.0, 3.0]", code: "x > 2", gives: "bool[3] = [False, False, True]" }],
    tolerance: 0.0,
};
