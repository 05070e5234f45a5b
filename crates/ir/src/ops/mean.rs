//! Average over some or all dimensions.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::ReduceOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "mean",
    summary: "average over dimensions",
    spellings: &[
        "torch.mean(input: Tensor, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
        "Tensor.mean(input: Tensor, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0, 6.0]", code: "x.mean()", gives: "f32[] = 3.0" },
        Example { given: "x: f32[2, 3, 4, 4]", code: "x.mean([2, 3])", gives: "f32[2, 3]" },
        Example { given: "x: f32[2, 3, 4, 4]", code: "x.mean(-1, keepdim=True)", gives: "f32[2, 3, 4, 1]" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let target = call.opt_dtype("dtype")?;
    shared::reduction(call, e, ReduceOp::Mean, |e, x| {
        let x = target.map_or(Ok(x), |d| e.cast(x, d))?;
        if e.dtype(x).is_float() {
            return Ok(x);
        }
        Err(OpError::dtype(format!(
            "mean(): could not infer output dtype. Input dtype must be a floating point, but got {}",
            e.dtype(x)
        ))
        .help("convert the input with .float() first"))
    })
}
