//! Each bit inverted: logical not of truth values, −x − 1 of integers.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "bitwise_not",
    summary: "each bit inverted: logical not of truth values, −x − 1 of integers",
    spellings: &[
        "torch.bitwise_not(input: Tensor)",
        "torch.bitwise_not_(input: Tensor)",
        "Tensor.bitwise_not(input: Tensor)",
        "Tensor.bitwise_not_(input: Tensor)",
        "Tensor.__invert__(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [1.0, 0.0]", code: "~(x > 0)", gives: "bool[2] = [False, True]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    match e.dtype(x) {
        DType::Bool => Ok(vec![e.unary(UnaryOp::Not, x)?]),
        d if d.is_float() => Err(OpError::dtype(format!("bitwise_not is not implemented for {d}"))),
        _ => {
            let negated = e.unary(UnaryOp::Neg, x)?;
            Ok(vec![e.scalar(BinaryOp::Sub, negated, 1.0, false)?])
        }
    }
}
