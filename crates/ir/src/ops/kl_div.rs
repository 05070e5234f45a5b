//! Kullback-Leibler divergence: t·(ln t − x), where x holds log-probabilities.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, ReduceOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "kl_div",
    summary: "Kullback-Leibler divergence",
    spellings: &[
        "torch.nn.functional.kl_div(input: Tensor, target: Tensor, size_average: bool? = None, reduce: bool? = None, reduction: str = 'mean', log_target: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x: f32[4, 10]; t: f32[4, 10]",
        code: "F.kl_div(x, t, reduction='batchmean')",
        gives: "f32[]",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, t) = (call.tensor("input")?, call.tensor("target")?);
    let loss = if call.bool("log_target")? {
        let p = e.unary(UnaryOp::Exp, t)?;
        let gap = e.binary(BinaryOp::Sub, t, x)?;
        e.binary(BinaryOp::Mul, p, gap)?
    } else {
        // 0·ln 0 counts as 0.
        let positive = e.unary(UnaryOp::Clamp { min: f64::from(f32::MIN_POSITIVE), max: f64::INFINITY }, t)?;
        let log = e.unary(UnaryOp::Log, positive)?;
        let gap = e.binary(BinaryOp::Sub, log, x)?;
        e.binary(BinaryOp::Mul, t, gap)?
    };
    if call.str("reduction")? == "batchmean" {
        let batch = e.shape(x).first().copied().unwrap_or(1).max(1);
        let all: Vec<usize> = (0..e.rank(loss)).collect();
        let sum = shared::reduce(e, loss, ReduceOp::Sum, &all, false)?;
        return Ok(vec![e.scalar(BinaryOp::Div, sum, batch as f64, false)?]);
    }
    Ok(vec![shared::reduced_loss(call, e, loss)?])
}
