//! Elements moved along dimensions, those pushed out coming in at the other end.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V, normalize_dim};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "roll",
    summary: "elements moved cyclically",
    spellings: &[
        "torch.roll(input: Tensor, shifts: int|int[], dims: int|int[]? = None)",
        "Tensor.roll(input: Tensor, shifts: int|int[], dims: int|int[]? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0, 3.0]", code: "torch.roll(x, 1)", gives: "f32[3] = [3.0, 1.0, 2.0]" },
        Example {
            given: "x: f32[2, 8, 8, 3]",
            code: "torch.roll(x, shifts=(-2, -2), dims=(1, 2))",
            gives: "f32[2, 8, 8, 3]",
        },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let shifts = call.ints("shifts")?;
    let (dims, old) = match call.opt_ints("dims")? {
        Some(d) if !d.is_empty() => (d, None),
        _ => (vec![0; shifts.len()], Some(e.shape(x).to_vec())),
    };
    if shifts.len() != dims.len() {
        return Err(OpError::argument(format!("shifts and dimensions must align: shifts {shifts:?}, dims {dims:?}")));
    }
    let mut y = if old.is_some() { shared::flat(e, x)? } else { x };
    for (shift, dim) in shifts.into_iter().zip(dims) {
        let dim = normalize_dim(dim, e.rank(y))?;
        let n = e.shape(y).get(dim).copied().unwrap_or(0);
        let by = if n == 0 { 0 } else { shift.rem_euclid(n as i64) as usize };
        if by != 0 {
            let tail = shared::narrow(e, y, dim, n - by, n)?;
            let head = shared::narrow(e, y, dim, 0, n - by)?;
            y = e.apply(Prim::Concat { dim }, &[tail, head])?;
        }
    }
    Ok(vec![match old {
        Some(shape) => e.reshape(y, &shape)?,
        None => y,
    }])
}
