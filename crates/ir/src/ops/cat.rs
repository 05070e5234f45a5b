//! Tensors joined along an existing dimension.

use crate::op::{Emitter, Example, OpError, Operator, Returns, V, normalize_dim};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "cat",
    summary: "tensors joined along a dimension",
    spellings: &[
        "torch.cat(tensors: Tensor[], dim: int = 0)",
        "torch.concat(tensors: Tensor[], dim: int = 0)",
        "torch.concatenate(tensors: Tensor[], dim: int = 0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let y = concat(e, call.tensors("tensors")?, call.int("dim")?)?;
        Ok(vec![y])
    },
    examples: &[
        Example { given: "x: f32[2, 3]; y: f32[2, 5]", code: "torch.cat([x, y], dim=1)", gives: "f32[2, 8]" },
        Example { given: "x = [1.0]; y = [2.0]", code: "torch.cat((x, y))", gives: "f32[2] = [1.0, 2.0]" },
    ],
    tolerance: 0.0,
};

/// Joins along a dimension in the promoted element type. As in PyTorch, empty one-dimensional tensors are skipped.
pub(super) fn concat(e: &mut Emitter, tensors: &[V], dim: i64) -> Result<V, OpError> {
    let kept: Vec<V> = tensors.iter().copied().filter(|&t| e.shape(t) != [0]).collect();
    let Some(&first) = kept.first().or(tensors.first()) else {
        return Err(OpError::argument("expected a non-empty list of tensors"));
    };
    if kept.iter().any(|&t| e.rank(t) == 0) {
        return Err(OpError::shape("zero-dimensional tensor cannot be concatenated").help("use torch.stack"));
    }
    let dim = normalize_dim(dim, e.rank(first))?;
    let dtype = tensors.iter().fold(e.dtype(first), |d, &t| d.promote(e.dtype(t)));
    let kept = kept.into_iter().map(|t| e.cast(t, dtype)).collect::<Result<Vec<_>, _>>()?;
    match kept.as_slice() {
        [] => Ok(first),
        [one] => Ok(*one),
        _ => e.apply(Prim::Concat { dim }, &kept),
    }
}
