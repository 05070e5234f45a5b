//! One operand to the power of another.

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "pow",
    summary: "one operand to the power of another",
    spellings: &[
        "torch.pow(input: Tensor|Scalar, exponent: Tensor|Scalar)",
        "Tensor.pow(input: Tensor|Scalar, exponent: Tensor|Scalar)",
        "Tensor.pow_(input: Tensor|Scalar, exponent: Tensor|Scalar)",
        "torch.float_power(input: Tensor|Scalar, exponent: Tensor|Scalar)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, -3.0]", code: "x ** 2", gives: "f32[2] = [1.0, 9.0]" },
        Example { given: "x = [0.0, 3.0]", code: "2 ** x", gives: "f32[2] = [1.0, 8.0]" },
        Example { given: "x = [4.0]", code: "torch.pow(x, 0.5)", gives: "f32[1] = [2.0]" },
    ],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, b) = (shared::operand(call, "input")?, shared::operand(call, "exponent")?);
    if let (Operand::Tensor(x), Operand::Number(v, d)) = (a, b) {
        if v < 0.0 && !d.is_float() && !e.dtype(x).is_float() {
            return Err(OpError::argument("integers to negative integer powers are not allowed"));
        }
        // Exact, and with a gradient that is finite at zero.
        if v == 2.0 && e.dtype(x).is_float() {
            return Ok(vec![shared::join(e, BinaryOp::Mul, x, x)?]);
        }
    }
    Ok(vec![shared::binary(e, BinaryOp::Pow, a, b)?])
}
