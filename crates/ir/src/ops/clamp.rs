//! Each element limited to an interval; either end may be left out, and may be a tensor.

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "clamp",
    summary: "each element limited to an interval",
    spellings: &[
        "torch.clamp(input: Tensor, min: Tensor|Scalar? = None, max: Tensor|Scalar? = None)",
        "torch.clamp_(input: Tensor, min: Tensor|Scalar? = None, max: Tensor|Scalar? = None)",
        "torch.clip(input: Tensor, min: Tensor|Scalar? = None, max: Tensor|Scalar? = None)",
        "Tensor.clamp(input: Tensor, min: Tensor|Scalar? = None, max: Tensor|Scalar? = None)",
        "Tensor.clamp_(input: Tensor, min: Tensor|Scalar? = None, max: Tensor|Scalar? = None)",
        "Tensor.clip(input: Tensor, min: Tensor|Scalar? = None, max: Tensor|Scalar? = None)",
        "Tensor.clip_(input: Tensor, min: Tensor|Scalar? = None, max: Tensor|Scalar? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x = [-2.0, 0.5, 3.0]",
            code: "torch.clamp(x, -1.0, 1.0)",
            gives: "f32[3] = [-1.0, 0.5, 1.0]",
        },
        Example { given: "x = [-2.0, 3.0]", code: "x.clamp(min=0)", gives: "f32[2] = [0.0, 3.0]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let (min, max) = (bound(call, "min")?, bound(call, "max")?);
    match (min, max) {
        (None, None) => Err(OpError::argument("at least one of 'min' or 'max' must not be None")),
        (Some(Operand::Tensor(_)), _) | (_, Some(Operand::Tensor(_))) => {
            let mut y = Operand::Tensor(x);
            for (op, bound) in [(BinaryOp::Maximum, min), (BinaryOp::Minimum, max)] {
                if let Some(bound) = bound {
                    y = Operand::Tensor(shared::binary(e, op, y, bound)?);
                }
            }
            Ok(vec![shared::as_tensor(e, y)?])
        }
        _ => {
            let mut x = x;
            let mut ends = [f64::NEG_INFINITY, f64::INFINITY];
            for (end, bound) in ends.iter_mut().zip([min, max]) {
                if let Some(Operand::Number(v, d)) = bound {
                    *end = v;
                    x = shared::beside(e, x, d)?;
                }
            }
            let [min, max] = ends;
            // Where the ends cross, PyTorch gives the maximum everywhere.
            Ok(vec![e.unary(UnaryOp::Clamp { min: min.min(max), max }, x)?])
        }
    }
}

fn bound(call: &Call<'_>, name: &str) -> Result<Option<Operand>, OpError> {
    if call.is_none(name) { Ok(None) } else { shared::operand(call, name).map(Some) }
}
