//! Difference of two operands in reverse: other − input.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "rsub",
    summary: "difference in reverse",
    spellings: &[
        "torch.rsub(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.rsub(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (a, b) = (shared::operand(call, "input")?, shared::operand(call, "other")?);
        Ok(vec![shared::binary(e, BinaryOp::Sub, b, a)?])
    },
    examples: &[Example { given: "x = [1.0, 2.0]", code: "torch.rsub(x, 3)", gives: "f32[2] = [2.0, 1.0]" }],
    tolerance: 0.0,
};
