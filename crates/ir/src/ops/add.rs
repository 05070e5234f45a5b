//! Sum of two operands; `alpha` multiplies the second.

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "add",
    summary: "sum of two operands",
    spellings: &[
        "torch.add(input: Tensor|Scalar, other: Tensor|Scalar, *, alpha: Scalar = 1)",
        "Tensor.add(input: Tensor|Scalar, other: Tensor|Scalar, *, alpha: Scalar = 1)",
        "Tensor.add_(input: Tensor|Scalar, other: Tensor|Scalar, *, alpha: Scalar = 1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x = [1.0, 2.0]; y = [3.0, 4.0]",
            code: "torch.add(x, y, alpha=2)",
            gives: "f32[2] = [7.0, 10.0]",
        },
        Example { given: "x = [1.0, 2.0]", code: "x + 1", gives: "f32[2] = [2.0, 3.0]" },
        Example { given: "x: f32[2, 3, 4]; y: f32[3, 1]", code: "x + y", gives: "f32[2, 3, 4]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, mut b) = (shared::operand(call, "input")?, shared::operand(call, "other")?);
    let (alpha, kind) = shared::number(call, "alpha")?;
    if alpha != 1.0 {
        b = match b {
            Operand::Tensor(_) => Operand::Tensor(shared::binary(e, BinaryOp::Mul, b, Operand::Number(alpha, kind))?),
            Operand::Number(v, d) => Operand::Number(v * alpha, d.promote(kind)),
        };
    }
    Ok(vec![shared::binary(e, BinaryOp::Add, a, b)?])
}
