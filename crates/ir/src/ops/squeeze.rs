//! Dimensions of size 1 removed: all of them, or those listed.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "squeeze",
    summary: "dimensions of size 1 removed",
    spellings: &[
        "torch.squeeze(input: Tensor, dim: int|int[]? = None)",
        "Tensor.squeeze(input: Tensor, dim: int|int[]? = None)",
        "Tensor.squeeze_(input: Tensor, dim: int|int[]? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x: f32[2, 1, 4, 1]", code: "x.squeeze()", gives: "f32[2, 4]" },
        Example { given: "x: f32[2, 1, 4, 1]", code: "torch.squeeze(x, -1)", gives: "f32[2, 1, 4]" },
        Example { given: "x: f32[2, 1, 4, 1]", code: "x.squeeze(0)", gives: "f32[2, 1, 4, 1]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dims = match call.opt_ints("dim")? {
        None => (0..e.rank(x)).collect(),
        Some(list) if list.is_empty() => Vec::new(),
        Some(list) => e.dims(x, Some(&list))?,
    };
    let old = e.shape(x);
    let shape = (0..old.len()).filter(|d| !(dims.contains(d) && old[*d] == 1)).map(|d| old[d]).collect::<Vec<_>>();
    Ok(vec![e.reshape(x, &shape)?])
}
