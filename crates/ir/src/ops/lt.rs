//! Whether the first operand is less than the second, element by element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "lt",
    summary: "whether the first operand is less than the second, element by element",
    spellings: &[
        "torch.lt(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.lt(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.lt_(input: Tensor|Scalar, other: Tensor|Scalar)",
        "torch.less(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.less(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.less_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Lt),
    examples: &[Example { given: "x = [1.0, 2.0, 3.0]", code: "x < 2", gives: "bool[3] = [True, False, False]" }],
    tolerance: 0.0,
};
