//! Variance over some or all dimensions, with n − correction in the denominator.

use super::shared;
use crate::attr::Attr;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::ReduceOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "var",
    summary: "variance over dimensions",
    spellings: &[
        "torch.ops.var(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, correction: Scalar? = 1)",
        "torch.var(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, *, correction: Scalar? = 1)",
        "Tensor.var(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, *, correction: Scalar? = 1)",
        "torch.var(input: Tensor, unbiased: bool)",
        "Tensor.var(input: Tensor, unbiased: bool)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| Ok(vec![variance(call, e)?.1]),
    examples: &[
        Example { given: "x = [1.0, 2.0, 6.0]", code: "x.var()", gives: "f32[] = 7.0" },
        Example { given: "x = [1.0, 2.0, 6.0]", code: "x.var(unbiased=False)", gives: "f32[] = 4.6666665" },
        Example { given: "x: f32[2, 3, 4]", code: "x.var(dim=(1, 2), keepdim=True)", gives: "f32[2, 1, 1]" },
    ],
    tolerance: 1e-5,
};

/// The variance and the dimensions it is taken over: `correction`, or PyTorch's older truth value `unbiased`.
pub(super) fn variance(call: &Call<'_>, e: &mut Emitter) -> Result<(V, V, Vec<usize>), OpError> {
    let x = call.tensor("input")?;
    shared::need_float(e, x, "variance")?;
    let dims = shared::dims(call, e, x, "dim")?;
    let correction = match call.attr("unbiased")? {
        Some(Attr::None) => call.opt_float("correction")?.unwrap_or(1.0),
        _ => f64::from(u8::from(call.bool("unbiased")?)),
    };
    let y = shared::reduce(e, x, ReduceOp::Var { correction }, &dims, call.bool("keepdim")?)?;
    Ok((x, y, dims))
}
