//! A tensor with a range of a dimension replaced: `x[…, a:b:s] = v`.

use super::shared;
use super::slice;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "slice_scatter",
    summary: "a range of a dimension replaced",
    spellings: &[
        "torch.ops.slice_scatter(input: Tensor, src: Tensor|Scalar, dim: int = 0, start: int? = None, end: int? = None, step: int = 1)",
        "torch.slice_scatter(input: Tensor, src: Tensor, dim: int = 0, start: int? = None, end: int? = None, step: int = 1)",
        "Tensor.slice_scatter(input: Tensor, src: Tensor, dim: int = 0, start: int? = None, end: int? = None, step: int = 1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 2.0, 3.0, 4.0]; y = [8.0, 9.0]",
        code: "torch.slice_scatter(x, y, 0, 0, 4, 2)",
        gives: "f32[4] = [8.0, 2.0, 9.0, 4.0]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if e.rank(x) == 0 {
        return Err(OpError::shape("a scalar tensor has no dimension to assign to"));
    }
    let dim = shared::dim(call, e, x, "dim")?;
    let step = call.size("step")?.max(1);
    let (start, end) = slice::range(call.opt_int("start")?, call.opt_int("end")?, e.shape(x)[dim]);
    let src = shared::as_tensor(e, shared::operand(call, "src")?)?;
    Ok(vec![replaced(e, x, src, dim, start, end, step)?])
}

/// `x` with the elements `start, start + step, …` of `dim` replaced by `src`, which is broadcast to them.
pub(super) fn replaced(
    e: &mut Emitter,
    x: V,
    src: V,
    dim: usize,
    start: usize,
    end: usize,
    step: usize,
) -> Result<V, OpError> {
    let n = e.shape(x)[dim];
    let taken = end.saturating_sub(start).div_ceil(step);
    let mut shape = e.shape(x).to_vec();
    shape[dim] = taken;
    let src = e.cast(src, e.dtype(x))?;
    let src = e.expand(src, &shape).map_err(|_| {
        OpError::shape(format!(
            "the expanded size of the tensor {:?} must match {shape:?}, the part that is assigned to",
            e.shape(src)
        ))
    })?;
    if taken == n {
        return Ok(src);
    }
    if taken == 0 {
        return Ok(x);
    }
    if step == 1 {
        let mut parts = Vec::with_capacity(3);
        if start > 0 {
            parts.push(shared::narrow(e, x, dim, 0, start)?);
        }
        parts.push(src);
        if end < n {
            parts.push(shared::narrow(e, x, dim, end, n)?);
        }
        return e.apply(Prim::Concat { dim }, &parts);
    }
    // Choose each element from the old ones or, behind them, the new ones.
    let both = e.apply(Prim::Concat { dim }, &[x, src])?;
    let mut choice: Vec<f64> = (0..n).map(|i| i as f64).collect();
    for k in 0..taken {
        choice[start + k * step] = (n + k) as f64;
    }
    let index = e.apply(Prim::Literal { ty: TensorType::new(DType::I64, [n]), values: choice }, &[])?;
    e.apply(Prim::IndexSelect { dim }, &[both, index])
}
