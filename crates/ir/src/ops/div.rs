//! Quotient of two operands: true division, or rounded towards zero (`trunc`) or down (`floor`).

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "div",
    summary: "quotient of two operands",
    spellings: &[
        "torch.div(input: Tensor|Scalar, other: Tensor|Scalar, *, rounding_mode: str? = None)",
        "torch.divide(input: Tensor|Scalar, other: Tensor|Scalar, *, rounding_mode: str? = None)",
        "Tensor.div(input: Tensor|Scalar, other: Tensor|Scalar, *, rounding_mode: str? = None)",
        "Tensor.div_(input: Tensor|Scalar, other: Tensor|Scalar, *, rounding_mode: str? = None)",
        "Tensor.divide(input: Tensor|Scalar, other: Tensor|Scalar, *, rounding_mode: str? = None)",
        "Tensor.divide_(input: Tensor|Scalar, other: Tensor|Scalar, *, rounding_mode: str? = None)",
        "torch.true_divide(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.true_divide(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.true_divide_(input: Tensor|Scalar, other: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 3.0]", code: "x / 2", gives: "f32[2] = [0.5, 1.5]" },
        Example {
            given: "x = [-7.0, 7.0]",
            code: "torch.div(x, 2, rounding_mode='trunc')",
            gives: "f32[2] = [-3.0, 3.0]",
        },
        Example { given: "x: i64[3]", code: "x / 2", gives: "f32[3]" },
    ],
    tolerance: 1e-7,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, b) = (shared::operand(call, "input")?, shared::operand(call, "other")?);
    if call.is_none("rounding_mode") {
        return Ok(vec![shared::divide(e, a, b)?]);
    }
    match call.str("rounding_mode")? {
        "floor" => Ok(vec![shared::binary(e, BinaryOp::FloorDiv, a, b)?]),
        "trunc" => Ok(vec![truncated(e, a, b)?]),
        other => Err(OpError::argument(format!("rounding_mode must be None, 'trunc' or 'floor', found {other:?}"))),
    }
}

/// The quotient rounded towards zero, in the promoted element type of the operands.
pub(super) fn truncated(e: &mut Emitter, a: Operand, b: Operand) -> Result<V, OpError> {
    let quotient = shared::divide(e, a, b)?;
    let whole = e.unary(UnaryOp::Trunc, quotient)?;
    let float = [a, b].into_iter().any(|o| match o {
        Operand::Tensor(v) => e.dtype(v).is_float(),
        Operand::Number(_, d) => d.is_float(),
    });
    if float { Ok(whole) } else { e.cast(whole, DType::I64) }
}
