//! Norm of vectors, `torch.linalg.vector_norm`.

use super::shared;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "vector_norm",
    summary: "norm of vectors",
    spellings: &[
        "torch.linalg.vector_norm(input: Tensor, ord: float = 2.0, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let x = call.opt_dtype("dtype")?.map_or(Ok(x), |d| e.cast(x, d))?;
        let dims = shared::dims(call, e, x, "dim")?;
        Ok(vec![shared::norm(e, x, call.float("ord")?, &dims, call.bool("keepdim")?)?])
    },
    examples: &[Example { given: "x = [3.0, -4.0]", code: "torch.linalg.vector_norm(x)", gives: "f32[] = 5.0" }],
    tolerance: 1e-5,
};
