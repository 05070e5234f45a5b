//! A dimension cut into nearly equal parts, or at the indices listed.

use super::shared;
use crate::attr::Attr;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "tensor_split",
    summary: "a dimension cut into nearly equal parts",
    spellings: &[
        "torch.tensor_split(input: Tensor, indices_or_sections: int|int[], dim: int = 0)",
        "Tensor.tensor_split(input: Tensor, indices_or_sections: int|int[], dim: int = 0)",
    ],
    python: "",
    returns: Returns::Tuple,
    emit,
    examples: &[Example { given: "x: f32[7]", code: "torch.tensor_split(x, 3)[0]", gives: "f32[3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if e.rank(x) == 0 {
        return Err(OpError::shape("tensor_split expects at least a 1-dimensional tensor"));
    }
    let dim = shared::dim(call, e, x, "dim")?;
    let n = e.shape(x)[dim];
    let mut cuts = match call.attr("indices_or_sections")? {
        Some(Attr::Int(k)) if *k < 1 => {
            return Err(OpError::argument(format!("number of sections must be larger than 0, got {k}")));
        }
        Some(Attr::Int(k)) => {
            // The first n mod k parts are one longer.
            let k = *k as usize;
            (1..k).map(|i| i * (n / k) + i.min(n % k)).collect()
        }
        _ => call.sizes("indices_or_sections")?,
    };
    cuts.push(n);
    let mut start = 0;
    let mut out = Vec::with_capacity(cuts.len());
    for cut in cuts {
        let end = cut.min(n);
        out.push(shared::narrow(e, x, dim, start.min(end), end)?);
        start = end;
    }
    Ok(out)
}
