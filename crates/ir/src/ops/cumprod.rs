//! Running product along a dimension.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim};
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "cumprod",
    summary: "running product",
    spellings: &[
        "torch.cumprod(input: Tensor, dim: int, *, dtype: dtype? = None)",
        "Tensor.cumprod(input: Tensor, dim: int, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 2.0, 3.0]",
        code: "torch.cumprod(x, dim=0)",
        gives: "f32[3] = [1.0, 2.0, 6.0]",
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
    let n = e.shape(x).get(dim).copied().unwrap_or(0);
    if n <= 1 {
        return Ok(vec![x]);
    }
    // Doubling: after a step of d each element is the product of the 2d elements that end there.
    let (mut y, mut d) = (x, 1);
    while d < n {
        let head = shared::narrow(e, y, dim, 0, d)?;
        let tail = shared::narrow(e, y, dim, d, n)?;
        let before = shared::narrow(e, y, dim, 0, n - d)?;
        let tail = shared::join(e, BinaryOp::Mul, tail, before)?;
        y = e.apply(Prim::Concat { dim }, &[head, tail])?;
        d *= 2;
    }
    Ok(vec![y])
}
