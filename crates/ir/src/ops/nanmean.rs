//! Average over some or all dimensions of what is a number.

use super::{nansum, shared};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, ReduceOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "nanmean",
    summary: "average over dimensions without what is not a number",
    spellings: &[
        "torch.nanmean(input: Tensor, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
        "Tensor.nanmean(input: Tensor, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 0.0, 3.0]", code: "torch.nanmean(x / x * x)", gives: "f32[] = 2.0" },
        Example { given: "x: f32[2, 3, 4]", code: "torch.nanmean(x, 1, keepdim=True)", gives: "f32[2, 1, 4]" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let target = call.opt_dtype("dtype")?;
    let x = call.tensor("input")?;
    let dims = shared::dims(call, e, x, "dim")?;
    let keepdim = call.bool("keepdim")?;
    let x = target.map_or(Ok(x), |d| e.cast(x, d))?;
    shared::need_float(e, x, "nanmean")?;
    let nan = e.unary(UnaryOp::IsNan, x)?;
    let number = e.unary(UnaryOp::Not, nan)?;
    let number = e.cast(number, e.dtype(x))?;
    let count = shared::reduce(e, number, ReduceOp::Sum, &dims, keepdim)?;
    let kept = nansum::without_nan(e, x)?;
    let sum = shared::reduce(e, kept, ReduceOp::Sum, &dims, keepdim)?;
    Ok(vec![e.binary(BinaryOp::Div, sum, count)?])
}
