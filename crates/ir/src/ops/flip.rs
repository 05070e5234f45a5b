//! Elements in reverse order along some dimensions.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "flip",
    summary: "reversed along dimensions",
    spellings: &["torch.flip(input: Tensor, dims: int[])", "Tensor.flip(input: Tensor, *dims: int[])"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 2.0, 3.0]",
        code: "torch.flip(x, [0])",
        gives: "f32[3] = [3.0, 2.0, 1.0]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let given = call.ints("dims")?;
    if given.is_empty() || e.rank(x) == 0 {
        return Ok(vec![x]);
    }
    let dims = e.dims(x, Some(&given))?;
    Ok(vec![e.apply(Prim::Flip { dims }, &[x])?])
}
