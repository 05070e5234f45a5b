//! The angle of the point (other, input), in radians, with the right quadrant.

use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "atan2",
    summary: "angle of a point",
    spellings: &[
        "torch.atan2(input: Tensor, other: Tensor)",
        "torch.arctan2(input: Tensor, other: Tensor)",
        "Tensor.atan2(input: Tensor, other: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (a, b) = (call.tensor("input")?, call.tensor("other")?);
        let (a, b) = (e.floating(a)?, e.floating(b)?);
        Ok(vec![e.binary(BinaryOp::Atan2, a, b)?])
    },
    examples: &[Example { given: "x = [1.0]; y = [1.0]", code: "torch.atan2(x, y)", gives: "f32[1] = [0.7853982]" }],
    tolerance: 1e-6,
};
