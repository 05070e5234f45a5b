//! 1 with the probability that each element gives, else 0.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Distribution, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "bernoulli",
    summary: "random zeros and ones",
    spellings: &["torch.bernoulli(input: Tensor)", "Tensor.bernoulli(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3]", code: "torch.bernoulli(x)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let p = call.tensor("input")?;
    shared::need_float(e, p, "bernoulli")?;
    let ty = e.ty(p).clone();
    let dtype = ty.dtype;
    let u = e.apply(Prim::Random { ty, distribution: Distribution::Uniform { low: 0.0, high: 1.0 } }, &[])?;
    let hit = e.binary(BinaryOp::Lt, u, p)?;
    Ok(vec![e.cast(hit, dtype)?])
}
