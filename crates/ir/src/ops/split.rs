//! A dimension cut into pieces of one size, or of the sizes listed.

use super::shared;
use crate::attr::Attr;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "split",
    summary: "a dimension cut into pieces",
    spellings: &[
        "torch.split(input: Tensor, split_size_or_sections: int|int[], dim: int = 0)",
        "Tensor.split(input: Tensor, split_size_or_sections: int|int[], dim: int = 0)",
        "torch.split_with_sizes(input: Tensor, split_size_or_sections: int[], dim: int = 0)",
        "Tensor.split_with_sizes(input: Tensor, split_size_or_sections: int[], dim: int = 0)",
    ],
    python: "",
    returns: Returns::Tuple,
    emit,
    examples: &[
        Example { given: "x: f32[2, 7]", code: "torch.split(x, 3, dim=1)[2]", gives: "f32[2, 1]" },
        Example { given: "x: f32[2, 7]", code: "x.split([2, 5], dim=1)[1]", gives: "f32[2, 5]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if e.rank(x) == 0 {
        return Err(OpError::shape("split expects at least a 1-dimensional tensor"));
    }
    let dim = shared::dim(call, e, x, "dim")?;
    let n = e.shape(x)[dim];
    if let Some(Attr::Int(_)) = call.attr("split_size_or_sections")? {
        let size = call.size("split_size_or_sections")?;
        if size == 0 && n > 0 {
            return Err(OpError::argument("split_size can only be 0 if the dimension size is 0"));
        }
        return pieces(e, x, dim, size.max(1));
    }
    let sizes = call.sizes("split_size_or_sections")?;
    if sizes.iter().sum::<usize>() != n {
        return Err(OpError::shape(format!(
            "split sizes {sizes:?} must sum to {n}, the size of dimension {dim} of {:?}",
            e.shape(x)
        )));
    }
    let mut start = 0;
    let mut out = Vec::with_capacity(sizes.len());
    for size in sizes {
        out.push(shared::narrow(e, x, dim, start, start + size)?);
        start += size;
    }
    Ok(out)
}

/// Consecutive pieces of `size` elements; the last may be smaller.
pub(super) fn pieces(e: &mut Emitter, x: V, dim: usize, size: usize) -> Result<Vec<V>, OpError> {
    let n = e.shape(x)[dim];
    (0..n.div_ceil(size).max(1)).map(|i| shared::narrow(e, x, dim, i * size, ((i + 1) * size).min(n))).collect()
}
