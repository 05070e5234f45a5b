//! As gather, with the other dimensions broadcast.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "take_along_dim",
    summary: "elements chosen by index, broadcast",
    spellings: &[
        "torch.take_along_dim(input: Tensor, indices: Tensor, dim: int)",
        "Tensor.take_along_dim(input: Tensor, indices: Tensor, dim: int)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x: f32[2, 3]",
        code: "torch.take_along_dim(x, x.argmax(1, keepdim=True), dim=1)",
        gives: "f32[2, 1]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, index) = (call.tensor("input")?, call.tensor("indices")?);
    let dim = shared::dim(call, e, x, "dim")?;
    if e.rank(index) != e.rank(x) {
        return Err(OpError::shape(format!(
            "take_along_dim: {:?} and {:?} must have equally many dimensions",
            e.shape(x),
            e.shape(index)
        )));
    }
    let (mut wide_x, mut wide_index) = (e.shape(x).to_vec(), e.shape(index).to_vec());
    for d in (0..wide_x.len()).filter(|&d| d != dim) {
        let n = if wide_x[d] == 1 { wide_index[d] } else { wide_x[d] };
        (wide_x[d], wide_index[d]) = (n, n);
    }
    let x = e.expand(x, &wide_x)?;
    let index = e.expand(index, &wide_index)?;
    let index = shared::wrapped_index(e, index, wide_x[dim])?;
    Ok(vec![e.apply(Prim::Gather { dim }, &[x, index])?])
}
