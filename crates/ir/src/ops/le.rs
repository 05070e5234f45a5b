//! Whether the first operand is at most the second, element by element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "le",
    summary: "whether the first operand is at most the second, element by element",
    spellings: &[
        "torch.le(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.le(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.le_(input: Tensor|Scalar, other: Tensor|Scalar)",
        "torch.less_equal(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.less_equal(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.less_equal_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Le),
    examples: &[Example { given: "x = [1.0, 2.0, 3.0]", code: "x <= 2", gives: "bool[3] = [True, True, False]" }],
    tolerance: 0.0,
};
