//! Each element not above a bound.

use super::shared::{self, Operand};
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "clamp_max",
    summary: "each element not above a bound",
    spellings: &[
        "torch.clamp_max(input: Tensor, max: Tensor|Scalar)",
        "torch.clamp_max_(input: Tensor, max: Tensor|Scalar)",
        "Tensor.clamp_max(input: Tensor, max: Tensor|Scalar)",
        "Tensor.clamp_max_(input: Tensor, max: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = Operand::Tensor(call.tensor("input")?);
        let bound = shared::operand(call, "max")?;
        Ok(vec![shared::binary(e, BinaryOp::Minimum, x, bound)?])
    },
    examples: &[Example { given: "x = [-2.0, 3.0]", code: "x.clamp_max(0.0)", gives: "f32[2] = [-2.0, 0.0]" }],
    tolerance: 0.0,
};
