//! Sum over some or all dimensions, NaN counted as zero.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{Prim, ReduceOp, UnaryOp};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "nansum",
    summary: "sum over dimensions without what is not a number",
    spellings: &[
        "torch.nansum(input: Tensor, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
        "Tensor.nansum(input: Tensor, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 0.0, 3.0]", code: "torch.nansum(x / x * 2)", gives: "f32[] = 4.0" },
        Example { given: "x: f32[2, 3, 4]", code: "torch.nansum(x, dim=1)", gives: "f32[2, 4]" },
    ],
    tolerance: 1e-5,
};

/// The value with zeros where it is not a number.
pub(super) fn without_nan(e: &mut Emitter, x: V) -> Result<V, OpError> {
    let nan = e.unary(UnaryOp::IsNan, x)?;
    let zero = e.full(TensorType::new(e.dtype(x), []), 0.0)?;
    e.apply(Prim::Where, &[nan, zero, x])
}

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let target = call.opt_dtype("dtype")?;
    shared::reduction(call, e, ReduceOp::Sum, |e, x| {
        let x = if e.dtype(x).is_float() { without_nan(e, x)? } else { x };
        match target {
            Some(d) => e.cast(x, d),
            None if e.dtype(x).is_float() => Ok(x),
            None => e.cast(x, DType::I64),
        }
    })
}
