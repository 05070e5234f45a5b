//! Norm of vectors or matrices, `torch.linalg.norm`. Of the matrix norms only Frobenius is made.

use super::shared;
use crate::attr::Attr;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "linalg_norm",
    summary: "norm of vectors or matrices",
    spellings: &[
        "torch.linalg.norm(input: Tensor, ord: float|str? = None, dim: int|int[]? = None, keepdim: bool = False, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [3.0, -4.0]", code: "torch.linalg.norm(x)", gives: "f32[] = 5.0" }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let x = call.opt_dtype("dtype")?.map_or(Ok(x), |d| e.cast(x, d))?;
    let dims = shared::dims(call, e, x, "dim")?;
    let p = match call.attr("ord")? {
        Some(Attr::None) => 2.0,
        Some(Attr::Str(s)) if s == "fro" => 2.0,
        _ if dims.len() == 2 => return Err(OpError::unsupported("matrix norms other than 'fro'")),
        _ => call.float("ord")?,
    };
    Ok(vec![shared::norm(e, x, p, &dims, call.bool("keepdim")?)?])
}
