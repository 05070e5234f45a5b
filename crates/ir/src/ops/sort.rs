//! The elements of a dimension in order, with their indices.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "sort",
    summary: "elements in order, with indices",
    spellings: &[
        "torch.sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False)",
        "Tensor.sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False)",
    ],
    python: "",
    returns: Returns::Named(&["values", "indices"]),
    emit: |call, e| sorted(call, e),
    examples: &[
        Example { given: "x = [1.0, 6.0, 2.0]", code: "torch.sort(x)[0]", gives: "f32[3] = [1.0, 2.0, 6.0]" },
        Example { given: "x = [1.0, 6.0, 2.0]", code: "x.sort(descending=True).indices", gives: "i64[3] = [1, 2, 0]" },
    ],
    tolerance: 0.0,
};

/// Values and indices in order.
pub(super) fn sorted(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dim = shared::dim(call, e, x, "dim")?;
    let largest = call.bool("descending")?;
    if e.rank(x) == 0 {
        let index = e.full(TensorType::new(DType::I64, []), 0.0)?;
        return Ok(vec![x, index]);
    }
    let k = e.shape(x)[dim];
    e.apply_all(Prim::TopK { k, dim, largest }, &[x])
}
