//! The lower of the middle elements of all.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "median",
    summary: "median of all elements",
    spellings: &["torch.median(input: Tensor)", "Tensor.median(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [1.0, 6.0, 2.0, 3.0]", code: "torch.median(x)", gives: "f32[] = 2.0" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let x = shared::flat(e, x)?;
    let n = e.shape(x)[0];
    if n == 0 {
        return Err(OpError::shape("the median of no elements"));
    }
    let k = n.div_ceil(2);
    let y = e.apply_all(Prim::TopK { k, dim: 0, largest: false }, &[x])?[0];
    let y = shared::narrow(e, y, 0, k - 1, k)?;
    Ok(vec![e.reshape(y, &[])?])
}
