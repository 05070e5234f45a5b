//! Sum over some or all dimensions; integers and truth values are summed as i64.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::ReduceOp;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "sum",
    summary: "sum over dimensions",
    spellings: &[
        "torch.sum(input: Tensor, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
        "Tensor.sum(input: Tensor, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0, 3.0]", code: "x.sum()", gives: "f32[] = 6.0" },
        Example { given: "x: f32[2, 3, 4]", code: "x.sum(dim=[1, 2], keepdim=True)", gives: "f32[2, 1, 1]" },
        Example { given: "x = [1.0, 2.0, 3.0]", code: "(x > 1).sum()", gives: "i64[] = 2" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let target = call.opt_dtype("dtype")?;
    shared::reduction(call, e, ReduceOp::Sum, |e, x| match target {
        Some(d) => e.cast(x, d),
        None if e.dtype(x).is_float() => Ok(x),
        None => e.cast(x, DType::I64),
    })
}
