//! Running sum along a dimension.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "cumsum",
    summary: "running sum",
    spellings: &[
        "torch.cumsum(input: Tensor, dim: int, *, dtype: dtype? = None)",
        "Tensor.cumsum(input: Tensor, dim: int, *, dtype: dtype? = None)",
        "Tensor.cumsum_(input: Tensor, dim: int, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 2.0, 3.0]",
        code: "torch.cumsum(x, dim=0)",
        gives: "f32[3] = [1.0, 3.0, 6.0]",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dim = shared::dim(call, e, x, "dim")?;
    let x = match call.opt_dtype("dtype")? {
        Some(d) => e.cast(x, d)?,
        None if e.dtype(x).is_float() => x,
        None => e.cast(x, DType::I64)?,
    };
    if e.rank(x) == 0 {
        return Ok(vec![x]);
    }
    Ok(vec![e.apply(Prim::CumSum { dim }, &[x])?])
}
