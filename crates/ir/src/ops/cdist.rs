//! p-norm distances between all rows of two batches.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "cdist",
    summary: "distances between all rows",
    spellings: &[
        "torch.cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = 'use_mm_for_euclid_dist_if_necessary')",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x: f32[2, 3, 8]; y: f32[2, 5, 8]",
        code: "torch.cdist(x, y)",
        gives: "f32[2, 3, 5]",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, b) = (call.tensor("x1")?, call.tensor("x2")?);
    let (ra, rb) = (e.rank(a), e.rank(b));
    if ra < 2 || rb < 2 || e.shape(a)[ra - 1] != e.shape(b)[rb - 1] {
        return Err(OpError::shape(format!(
            "cdist: rows of {:?} and {:?} must have equally many columns",
            e.shape(a),
            e.shape(b)
        )));
    }
    let a = shared::unsqueeze(e, a, ra - 1)?;
    let b = shared::unsqueeze(e, b, rb - 2)?;
    let gap = e.binary(BinaryOp::Sub, a, b)?;
    let last = e.rank(gap) - 1;
    Ok(vec![shared::norm(e, gap, call.float("p")?, &[last], false)?])
}
