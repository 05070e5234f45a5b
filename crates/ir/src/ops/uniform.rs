//! The tensor replaced by random values, uniform between two bounds.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{Distribution, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "uniform",
    summary: "the tensor replaced by random values",
    spellings: &["Tensor.uniform_(input: Tensor, from: float = 0.0, to: float = 1.0)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3]", code: "x.uniform_()", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let ty = e.ty(call.tensor("input")?).clone();
    shared::need_float_type(ty.dtype, "uniform_")?;
    let (low, high) = (call.float("from")?, call.float("to")?);
    if low > high {
        return Err(OpError::argument(format!(
            "uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
        )));
    }
    let distribution = Distribution::Uniform { low, high };
    Ok(vec![e.apply(Prim::Random { ty, distribution }, &[])?])
}
