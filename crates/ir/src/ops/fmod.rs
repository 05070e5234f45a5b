//! Remainder of the division rounded towards zero; it has the sign of the dividend.

use super::div;
use super::shared::{self, Operand};
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "fmod",
    summary: "remainder of the division rounded towards zero; it has the sign of the dividend",
    spellings: &[
        "torch.fmod(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.fmod(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.fmod_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (a, b) = (shared::operand(call, "input")?, shared::operand(call, "other")?);
        let whole = div::truncated(e, a, b)?;
        let product = shared::binary(e, BinaryOp::Mul, Operand::Tensor(whole), b)?;
        Ok(vec![shared::binary(e, BinaryOp::Sub, a, Operand::Tensor(product))?])
    },
    examples: &[Example { given: "x = [-7.0, 7.0]", code: "torch.fmod(x, 3)", gives: "f32[2] = [-1.0, 1.0]" }],
    tolerance: 1e-5,
};
