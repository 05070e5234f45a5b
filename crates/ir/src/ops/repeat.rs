//! A tensor laid side by side with itself along each dimension.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "repeat",
    summary: "copies along each dimension",
    spellings: &["Tensor.repeat(input: Tensor, *repeats: int[])"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0]", code: "x.repeat(2)", gives: "f32[4] = [1.0, 2.0, 1.0, 2.0]" },
        Example { given: "x: f32[1, 3]", code: "x.repeat(4, 1)", gives: "f32[4, 3]" },
        Example { given: "x: f32[3]", code: "x.repeat(2, 1, 2)", gives: "f32[2, 1, 6]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let repeats = call.sizes("repeats")?;
    if repeats.len() < e.rank(x) {
        return Err(OpError::argument(format!(
            "number of dimensions of repeat dims {repeats:?} can not be smaller than number of dimensions of {:?}",
            e.shape(x)
        )));
    }
    Ok(vec![tile(e, x, &repeats)?])
}

/// A tensor laid side by side with itself, `repeats` times along each dimension.
pub(super) fn tile(e: &mut Emitter, x: V, repeats: &[usize]) -> Result<V, OpError> {
    // Each dimension n becomes (1, n), is expanded to (r, n) and folded to r·n.
    let n = repeats.len();
    let old = [vec![1; n - e.rank(x).min(n)], e.shape(x).to_vec()].concat();
    let (mut split, mut wide, mut folded) = (Vec::new(), Vec::new(), Vec::new());
    for (&r, &size) in repeats.iter().zip(&old) {
        split.extend(if r == 1 { vec![size] } else { vec![1, size] });
        wide.extend(if r == 1 { vec![size] } else { vec![r, size] });
        folded.push(r.saturating_mul(size));
    }
    let x = e.reshape(x, &split)?;
    let x = e.expand(x, &wide)?;
    e.reshape(x, &folded)
}
