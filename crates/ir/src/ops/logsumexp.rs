//! ln Σ exp(x) over some dimensions, with the maximum taken out first.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim, ReduceOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "logsumexp",
    summary: "logarithm of a sum of exponentials",
    spellings: &[
        "torch.logsumexp(input: Tensor, dim: int|int[], keepdim: bool = False)",
        "Tensor.logsumexp(input: Tensor, dim: int|int[], keepdim: bool = False)",
        "torch.special.logsumexp(input: Tensor, dim: int|int[], keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [0.0, 0.0]", code: "torch.logsumexp(x, 0)", gives: "f32[] = 0.6931472" },
        Example { given: "x: f32[2, 3]", code: "x.logsumexp(1, keepdim=True)", gives: "f32[2, 1]" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let x = e.floating(x)?;
    let dims = shared::dims(call, e, x, "dim")?;
    let peak = shared::reduce(e, x, ReduceOp::Max, &dims, true)?;
    // The maximum cancels out: it needs no gradient.
    let peak = e.apply(Prim::Detach, &[peak])?;
    let below = e.binary(BinaryOp::Sub, x, peak)?;
    let powers = e.unary(UnaryOp::Exp, below)?;
    let sum = shared::reduce(e, powers, ReduceOp::Sum, &dims, true)?;
    let log = e.unary(UnaryOp::Log, sum)?;
    let y = e.binary(BinaryOp::Add, log, peak)?;
    if call.bool("keepdim")? {
        return Ok(vec![y]);
    }
    let shape: Vec<usize> = (0..e.rank(x)).filter(|d| !dims.contains(d)).map(|d| e.shape(x)[d]).collect();
    Ok(vec![e.reshape(y, &shape)?])
}
