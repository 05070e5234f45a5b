//! Each element not below a bound.

use super::shared::{self, Operand};
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "clamp_min",
    summary: "each element not below a bound",
    spellings: &[
        "torch.clamp_min(input: Tensor, min: Tensor|Scalar)",
        "torch.clamp_min_(input: Tensor, min: Tensor|Scalar)",
        "Tensor.clamp_min(input: Tensor, min: Tensor|Scalar)",
        "Tensor.clamp_min_(input: Tensor, min: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = Operand::Tensor(call.tensor("input")?);
        let bound = shared::operand(call, "min")?;
        Ok(vec![shared::binary(e, BinaryOp::Maximum, x, bound)?])
    },
    examples: &[Example { given: "x = [-2.0, 3.0]", code: "x.clamp_min(0.0)", gives: "f32[2] = [0.0, 3.0]" }],
    tolerance: 0.0,
};
