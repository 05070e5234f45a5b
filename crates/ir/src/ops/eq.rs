//! Whether two operands are equal, element by element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "eq",
    summary: "whether two operands are equal, element by element",
    spellings: &[
        "torch.eq(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.eq(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.eq_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Eq),
    examples: &[Example { given: "x = [1.0, 2.0, 3.0]", code: "x == 2", gives: "bool[3] = [False, True, False]" }],
    tolerance: 0.0,
};
