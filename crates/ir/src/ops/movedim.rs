//! Dimensions moved to other positions; the rest keep their order.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "movedim",
    summary: "dimensions moved",
    spellings: &[
        "torch.movedim(input: Tensor, source: int|int[], destination: int|int[])",
        "Tensor.movedim(input: Tensor, source: int|int[], destination: int|int[])",
        "torch.moveaxis(input: Tensor, source: int|int[], destination: int|int[])",
        "Tensor.moveaxis(input: Tensor, source: int|int[], destination: int|int[])",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3, 4]", code: "torch.movedim(x, 0, -1)", gives: "f32[3, 4, 2]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let from = e.dims(x, Some(&call.ints("source")?))?;
    let to = e.dims(x, Some(&call.ints("destination")?))?;
    if from.len() != to.len() {
        return Err(OpError::argument("movedim: source and destination must name equally many dimensions"));
    }
    let mut rest = (0..e.rank(x)).filter(|d| !from.contains(d));
    let mut order = Vec::with_capacity(e.rank(x));
    for position in 0..e.rank(x) {
        order.extend(to.iter().position(|&t| t == position).map(|i| from[i]).or_else(|| rest.next()));
    }
    Ok(vec![e.permute(x, &order)?])
}
