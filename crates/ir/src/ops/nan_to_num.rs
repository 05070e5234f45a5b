//! NaN and infinities replaced by numbers.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim, UnaryOp};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "nan_to_num",
    summary: "NaN and infinities replaced",
    spellings: &[
        "torch.nan_to_num(input: Tensor, nan: float? = None, posinf: float? = None, neginf: float? = None)",
        "Tensor.nan_to_num(input: Tensor, nan: float? = None, posinf: float? = None, neginf: float? = None)",
        "Tensor.nan_to_num_(input: Tensor, nan: float? = None, posinf: float? = None, neginf: float? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [1.0, 2.0]", code: "torch.nan_to_num(x)", gives: "f32[2] = [1.0, 2.0]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if !e.dtype(x).is_float() {
        return Ok(vec![x]);
    }
    let ty = e.ty(x).clone();
    let largest = match ty.dtype {
        DType::F16 => 65504.0,
        DType::F64 => f64::MAX,
        _ => f64::from(f32::MAX),
    };
    let replacements = [
        (None, call.opt_float("nan")?.unwrap_or(0.0)),
        (Some(f64::INFINITY), call.opt_float("posinf")?.unwrap_or(largest)),
        (Some(f64::NEG_INFINITY), call.opt_float("neginf")?.unwrap_or(-largest)),
    ];
    let mut y = x;
    for (found, value) in replacements {
        let mask = match found {
            None => e.unary(UnaryOp::IsNan, x)?,
            Some(v) => e.scalar(BinaryOp::Eq, x, v, false)?,
        };
        let value = e.full(TensorType::new(ty.dtype, []), value)?;
        y = e.apply(Prim::Where, &[mask, value, y])?;
    }
    Ok(vec![y])
}
