//! A sample of a relaxed categorical distribution: softmax((x + g)/tau) with Gumbel noise g; `hard` gives its
//! one-hot form forward and the soft gradient backward.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Distribution, Prim, ReduceOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "gumbel_softmax",
    summary: "sample of a relaxed categorical distribution",
    spellings: &[
        "torch.nn.functional.gumbel_softmax(logits: Tensor, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, dim: int = -1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 10]", code: "F.gumbel_softmax(x, hard=True)", gives: "f32[2, 10]" }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("logits")?;
    shared::need_float(e, x, "gumbel_softmax")?;
    let dim = shared::dim(call, e, x, "dim")?;
    let ty = e.ty(x).clone();
    // −ln(−ln u) with u kept away from 0 and 1, where the noise would be infinite.
    let low = f64::from(f32::MIN_POSITIVE);
    let uniform = Distribution::Uniform { low, high: 1.0 - f64::from(f32::EPSILON) };
    let u = e.apply(Prim::Random { ty, distribution: uniform }, &[])?;
    let mut noise = u;
    for _ in 0..2 {
        noise = e.unary(UnaryOp::Log, noise)?;
        noise = e.unary(UnaryOp::Neg, noise)?;
    }
    let sum = e.binary(BinaryOp::Add, x, noise)?;
    let sum = e.scalar(BinaryOp::Div, sum, call.float("tau")?, false)?;
    let soft = e.apply(Prim::Softmax { dim, log: false }, &[sum])?;
    if !call.bool("hard")? {
        return Ok(vec![soft]);
    }
    let best = shared::reduce(e, soft, ReduceOp::Max, &[dim], true)?;
    let hard = e.binary(BinaryOp::Eq, soft, best)?;
    let hard = e.cast(hard, e.dtype(x))?;
    let fixed = e.apply(Prim::Detach, &[soft])?;
    let gap = e.binary(BinaryOp::Sub, hard, fixed)?;
    Ok(vec![e.binary(BinaryOp::Add, gap, soft)?])
}
