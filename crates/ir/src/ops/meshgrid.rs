//! Coordinates of a grid: each vector broadcast along its own dimension.

use crate::attr::Attr;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "meshgrid",
    summary: "coordinates of a grid",
    spellings: &["torch.meshgrid(*tensors: Tensor[], indexing: str? = None)"],
    python: "",
    returns: Returns::Tuple,
    emit,
    examples: &[
        Example { given: "x: f32[2]; y: f32[3]", code: "torch.meshgrid(x, y, indexing='ij')[0]", gives: "f32[2, 3]" },
        Example { given: "x: f32[2]; y: f32[3]", code: "torch.meshgrid([x, y], indexing='xy')[0]", gives: "f32[3, 2]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let tensors = call.tensors("tensors")?;
    let swapped = match call.attr("indexing")? {
        Some(Attr::Str(s)) if s == "xy" => true,
        Some(Attr::Str(s)) if s != "ij" => {
            return Err(OpError::argument(format!(
                "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: {s}"
            )));
        }
        _ => false,
    };
    let n = tensors.len();
    // "xy" exchanges the roles of the first two dimensions.
    let place = |i: usize| if swapped && n >= 2 && i < 2 { 1 - i } else { i };
    let mut shape = vec![1; n];
    for (i, &t) in tensors.iter().enumerate() {
        if e.rank(t) > 1 {
            return Err(OpError::shape(format!("torch.meshgrid: expected vectors, found {:?}", e.shape(t))));
        }
        shape[place(i)] = e.ty(t).numel();
    }
    let mut out = Vec::with_capacity(n);
    for (i, &t) in tensors.iter().enumerate() {
        let mut own = vec![1; n];
        own[place(i)] = e.ty(t).numel();
        let t = e.reshape(t, &own)?;
        out.push(e.expand(t, &shape)?);
    }
    Ok(out)
}
