//! Difference of two operands; `alpha` multiplies the second.

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::BinaryOp;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "sub",
    summary: "difference of two operands",
    spellings: &[
        "torch.sub(input: Tensor|Scalar, other: Tensor|Scalar, *, alpha: Scalar = 1)",
        "Tensor.sub(input: Tensor|Scalar, other: Tensor|Scalar, *, alpha: Scalar = 1)",
        "Tensor.sub_(input: Tensor|Scalar, other: Tensor|Scalar, *, alpha: Scalar = 1)",
        "torch.subtract(input: Tensor|Scalar, other: Tensor|Scalar, *, alpha: Scalar = 1)",
        "Tensor.subtract(input: Tensor|Scalar, other: Tensor|Scalar, *, alpha: Scalar = 1)",
        "Tensor.subtract_(input: Tensor|Scalar, other: Tensor|Scalar, *, alpha: Scalar = 1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0]", code: "1 - x", gives: "f32[2] = [0.0, -1.0]" },
        Example { given: "x = [1.0, 2.0]; y = [3.0, 1.0]", code: "x - y", gives: "f32[2] = [-2.0, 1.0]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, mut b) = (shared::operand(call, "input")?, shared::operand(call, "other")?);
    let bool_operand = |o: Operand, e: &Emitter| match o {
        Operand::Tensor(v) => e.dtype(v) == DType::Bool,
        Operand::Number(_, d) => d == DType::Bool,
    };
    if bool_operand(a, e) || bool_operand(b, e) {
        return Err(OpError::dtype("subtraction with a bool tensor is not supported")
            .help("use ^ or logical_xor, or ~ to invert"));
    }
    let (alpha, kind) = shared::number(call, "alpha")?;
    if alpha != 1.0 {
        b = match b {
            Operand::Tensor(_) => Operand::Tensor(shared::binary(e, BinaryOp::Mul, b, Operand::Number(alpha, kind))?),
            Operand::Number(v, d) => Operand::Number(v * alpha, d.promote(kind)),
        };
    }
    Ok(vec![shared::binary(e, BinaryOp::Sub, a, b)?])
}
