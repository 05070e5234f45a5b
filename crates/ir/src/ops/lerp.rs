//! Linear interpolation: start + weight·(end − start).

use super::shared::{self, Operand};
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "lerp",
    summary: "linear interpolation",
    spellings: &[
        "torch.lerp(input: Tensor, end: Tensor, weight: Tensor|Scalar)",
        "Tensor.lerp(input: Tensor, end: Tensor, weight: Tensor|Scalar)",
        "Tensor.lerp_(input: Tensor, end: Tensor, weight: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (a, b) = (call.tensor("input")?, call.tensor("end")?);
        let span = e.binary(BinaryOp::Sub, b, a)?;
        let weight = shared::operand(call, "weight")?;
        let part = shared::binary(e, BinaryOp::Mul, Operand::Tensor(span), weight)?;
        Ok(vec![e.binary(BinaryOp::Add, a, part)?])
    },
    examples: &[Example { given: "x = [1.0]; y = [3.0]", code: "torch.lerp(x, y, 0.25)", gives: "f32[1] = [1.5]" }],
    tolerance: 1e-6,
};
