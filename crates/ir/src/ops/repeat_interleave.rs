//! Each element of a dimension repeated in place.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V, normalize_dim};

pub(super) const OPERATOR: Operator = Operator {
    name: "repeat_interleave",
    summary: "each element repeated in place",
    spellings: &[
        "torch.repeat_interleave(input: Tensor, repeats: int, dim: int? = None)",
        "Tensor.repeat_interleave(input: Tensor, repeats: int, dim: int? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0]", code: "x.repeat_interleave(2)", gives: "f32[4] = [1.0, 1.0, 2.0, 2.0]" },
        Example { given: "x: f32[2, 3]", code: "torch.repeat_interleave(x, 2, dim=1)", gives: "f32[2, 6]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let repeats = call.size("repeats")?;
    let (x, dim) = match call.opt_int("dim")? {
        Some(d) => (x, normalize_dim(d, e.rank(x))?),
        None => (shared::flat(e, x)?, 0),
    };
    let mut shape = e.shape(x).to_vec();
    let x = shared::unsqueeze(e, x, dim + 1)?;
    let mut wide = e.shape(x).to_vec();
    wide[dim + 1] = repeats;
    let x = e.expand(x, &wide)?;
    shape[dim] = shape[dim].saturating_mul(repeats);
    Ok(vec![e.reshape(x, &shape)?])
}
