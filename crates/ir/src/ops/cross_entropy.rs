//! Cross-entropy of logits with class indices or class probabilities.

use super::nll_loss;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim, ReduceOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "cross_entropy",
    summary: "cross-entropy of logits",
    spellings: &[
        "torch.nn.functional.cross_entropy(input: Tensor, target: Tensor, weight: Tensor? = None, size_average: bool? = None, ignore_index: int = -100, reduce: bool? = None, reduction: str = 'mean', label_smoothing: float = 0.0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x: f32[4, 10]; t: i64[4]",
            code: "F.cross_entropy(x, t, label_smoothing=0.1)",
            gives: "f32[]",
        },
        Example {
            given: "x = [[0.0, 0.0]]",
            code: "F.cross_entropy(x, torch.tensor([1]))",
            gives: "f32[] = 0.6931472",
        },
        Example {
            given: "x: f32[4, 10]; t: f32[4, 10]",
            code: "F.cross_entropy(x, t, reduction='none')",
            gives: "f32[4]",
        },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, target) = (call.tensor("input")?, call.tensor("target")?);
    let smoothing = call.float("label_smoothing")?;
    if e.rank(x) == 0 || !(0.0..=1.0).contains(&smoothing) {
        return Err(OpError::argument(format!("cross_entropy of {:?} with label_smoothing {smoothing}", e.shape(x))));
    }
    let dim = usize::from(e.rank(x) > 1);
    let log = e.apply(Prim::Softmax { dim, log: true }, &[x])?;
    if e.shape(target) != e.shape(x) {
        return Ok(vec![nll_loss::negative_log_likelihood(call, e, log, smoothing)?]);
    }
    // Probabilities: the mean is over samples, not over weights.
    shared::need_float(e, target, "cross_entropy with a target of the input's shape")?;
    let classes = e.shape(x)[dim];
    let sharp = shared::scaled(e, target, 1.0 - smoothing)?;
    let target =
        if smoothing > 0.0 { e.scalar(BinaryOp::Add, sharp, smoothing / classes as f64, false)? } else { sharp };
    let mut product = e.binary(BinaryOp::Mul, log, target)?;
    if let Some(w) = call.opt_tensor("weight")? {
        let mut shape = vec![1; e.rank(x)];
        shape[dim] = classes;
        let w = e.reshape(w, &shape)?;
        product = e.binary(BinaryOp::Mul, product, w)?;
    }
    let sum = shared::reduce(e, product, ReduceOp::Sum, &[dim], false)?;
    let loss = e.unary(UnaryOp::Neg, sum)?;
    Ok(vec![shared::reduced_loss(call, e, loss)?])
}
