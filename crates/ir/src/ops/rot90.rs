//! A plane of two dimensions turned by quarter turns, from the first dimension towards the second.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "rot90",
    summary: "a plane turned by quarter turns",
    spellings: &[
        "torch.rot90(input: Tensor, k: int = 1, dims: int[] = [0, 1])",
        "Tensor.rot90(input: Tensor, k: int = 1, dims: int[] = [0, 1])",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3]", code: "torch.rot90(x)", gives: "f32[3, 2]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dims = e.dims(x, Some(&call.ints("dims")?))?;
    let [a, b] = dims[..] else {
        return Err(OpError::argument(format!("rotation needs 2 dimensions, found {}", dims.len())));
    };
    let flipped = |e: &mut Emitter, x: V, dims: Vec<usize>| e.apply(Prim::Flip { dims }, &[x]);
    Ok(vec![match call.int("k")?.rem_euclid(4) {
        0 => x,
        1 => {
            let y = flipped(e, x, vec![b])?;
            shared::swap(e, y, a, b)?
        }
        2 => flipped(e, x, vec![a, b])?,
        _ => {
            let y = flipped(e, x, vec![a])?;
            shared::swap(e, y, a, b)?
        }
    }])
}
