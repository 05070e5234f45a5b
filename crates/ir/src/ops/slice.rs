//! A range of a dimension with a step: `x[…, a:b:s]`.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "slice",
    summary: "a range of a dimension",
    spellings: &["torch.ops.slice(input: Tensor, dim: int = 0, start: int? = None, end: int? = None, step: int = 1)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0, 3.0, 4.0]", code: "x[1::2]", gives: "f32[2] = [2.0, 4.0]" },
        Example { given: "x: f32[2, 3, 8, 8]", code: "x[:, :, ::2, -3:]", gives: "f32[2, 3, 4, 3]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if e.rank(x) == 0 {
        return Err(OpError::shape("slice() cannot be applied to a 0-dim tensor"));
    }
    let dim = shared::dim(call, e, x, "dim")?;
    let step = call.int("step")?;
    if step <= 0 {
        return Err(OpError::argument(format!("slice step must be positive, found {step}")).help("use torch.flip"));
    }
    let n = e.shape(x)[dim];
    let (start, end) = range(call.opt_int("start")?, call.opt_int("end")?, n);
    if (start, end, step) == (0, n, 1) {
        return Ok(vec![x]);
    }
    Ok(vec![e.apply(Prim::Slice { dim, start, end, step: step as usize }, &[x])?])
}

/// Python's slice of a dimension of `n`: (start, end), both within it.
pub(super) fn range(start: Option<i64>, end: Option<i64>, n: usize) -> (usize, usize) {
    let wrap = |i: i64| (if i < 0 { i.saturating_add(n as i64) } else { i }).clamp(0, n as i64) as usize;
    let start = wrap(start.unwrap_or(0));
    (start, wrap(end.unwrap_or(i64::MAX)).max(start))
}
