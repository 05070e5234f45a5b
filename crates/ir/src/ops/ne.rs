//! Whether two operands differ, element by element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "ne",
    summary: "whether two operands differ, element by element",
    spellings: &[
        "torch.ne(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.ne(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.ne_(input: Tensor|Scalar, other: Tensor|Scalar)",
        "torch.not_equal(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.not_equal(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.not_equal_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Ne),
    examples: &[Example { given: "x = [1.0, 2.0, 3.0]", code: "x != 2", gives: "bool[3] = [True, False, True]" }],
    tolerance: 0.0,
};
