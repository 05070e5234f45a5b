//! The k largest (or smallest) elements of a dimension, in order, with their indices.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "topk",
    summary: "k extremes of a dimension, with indices",
    spellings: &[
        "torch.topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True)",
        "Tensor.topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True)",
    ],
    python: "",
    returns: Returns::Named(&["values", "indices"]),
    emit,
    examples: &[
        Example { given: "x = [1.0, 6.0, 2.0]", code: "torch.topk(x, 2)[0]", gives: "f32[2] = [6.0, 2.0]" },
        Example { given: "x = [1.0, 6.0, 2.0]", code: "x.topk(2, largest=False).indices", gives: "i64[2] = [0, 2]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dim = shared::dim(call, e, x, "dim")?;
    let k = call.size("k")?;
    let n = e.shape(x).get(dim).copied().unwrap_or(1);
    if k > n {
        return Err(OpError::argument(format!(
            "selected index k out of range: k = {k}, but dimension {dim} has size {n}"
        )));
    }
    e.apply_all(Prim::TopK { k, dim, largest: call.bool("largest")? }, &[x])
}
