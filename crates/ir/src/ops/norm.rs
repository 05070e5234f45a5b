//! Norm of vectors: the p-th root of the sum of p-th powers of magnitudes. `fro` and 2 are the Euclidean norm.

use super::shared;
use crate::attr::Attr;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "norm",
    summary: "p-norm over dimensions",
    spellings: &[
        "torch.norm(input: Tensor, p: float|str? = 'fro', dim: int|int[]? = None, keepdim: bool = False, dtype: dtype? = None)",
        "Tensor.norm(input: Tensor, p: float|str? = 'fro', dim: int|int[]? = None, keepdim: bool = False, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [3.0, -4.0]", code: "x.norm()", gives: "f32[] = 5.0" },
        Example { given: "x = [3.0, -4.0]", code: "torch.norm(x, p=1)", gives: "f32[] = 7.0" },
        Example { given: "x: f32[2, 3, 4]", code: "x.norm(dim=-1, keepdim=True)", gives: "f32[2, 3, 1]" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let x = call.opt_dtype("dtype")?.map_or(Ok(x), |d| e.cast(x, d))?;
    let dims = shared::dims(call, e, x, "dim")?;
    let p = match call.attr("p")? {
        Some(Attr::None) => 2.0,
        Some(Attr::Str(s)) if s == "fro" => 2.0,
        Some(Attr::Str(s)) if s == "nuc" => return Err(OpError::unsupported("the nuclear norm")),
        _ => call.float("p")?,
    };
    Ok(vec![shared::norm(e, x, p, &dims, call.bool("keepdim")?)?])
}
