//! The lower of the middle elements of a dimension, with its index.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "median_dim",
    summary: "median along a dimension, with its index",
    spellings: &[
        "torch.median(input: Tensor, dim: int, keepdim: bool = False)",
        "Tensor.median(input: Tensor, dim: int, keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Named(&["values", "indices"]),
    emit,
    examples: &[Example { given: "x: f32[2, 3]", code: "torch.median(x, 1).values", gives: "f32[2]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dim = shared::dim(call, e, x, "dim")?;
    let n = e.shape(x).get(dim).copied().unwrap_or(0);
    if n == 0 {
        return Err(OpError::shape(format!("the median of no elements: {:?}", e.shape(x))));
    }
    let k = n.div_ceil(2);
    let mut out = Vec::with_capacity(2);
    for y in e.apply_all(Prim::TopK { k, dim, largest: false }, &[x])? {
        let mut y = shared::narrow(e, y, dim, k - 1, k)?;
        if !call.bool("keepdim")? {
            let mut shape = e.shape(y).to_vec();
            shape.remove(dim);
            y = e.reshape(y, &shape)?;
        }
        out.push(y);
    }
    Ok(out)
}
