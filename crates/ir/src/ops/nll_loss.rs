//! Negative log-likelihood of class indices, given log-probabilities.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim, ReduceOp, UnaryOp};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "nll_loss",
    summary: "negative log-likelihood",
    spellings: &[
        "torch.nn.functional.nll_loss(input: Tensor, target: Tensor, weight: Tensor? = None, size_average: bool? = None, ignore_index: int = -100, reduce: bool? = None, reduction: str = 'mean')",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let log = call.tensor("input")?;
        if e.rank(log) == 0 {
            return Err(OpError::shape("nll_loss takes at least 1 dimension"));
        }
        Ok(vec![negative_log_likelihood(call, e, log, 0.0)?])
    },
    examples: &[Example { given: "x: f32[4, 10]; t: i64[4]", code: "F.nll_loss(x, t)", gives: "f32[]" }],
    tolerance: 1e-5,
};

/// −log-probability of the target class, weighted and without the ignored targets; optionally mixed with the average over
/// classes (`smoothing`). `log` is `[N, C, *]` or `[C]`, `target` i64 without the class dimension.
pub(super) fn negative_log_likelihood(call: &Call<'_>, e: &mut Emitter, log: V, smoothing: f64) -> Result<V, OpError> {
    let target = call.tensor("target")?;
    let dim = usize::from(e.rank(log) > 1);
    let mut expected = e.shape(log).to_vec();
    let classes = expected.remove(dim);
    if e.dtype(target) != DType::I64 {
        return Err(OpError::dtype(format!("expected class indices of int64, found {}", e.dtype(target))));
    }
    if e.shape(target) != expected {
        return Err(OpError::shape(format!(
            "expected target of shape {expected:?} for input {:?}, found {:?}",
            e.shape(log),
            e.shape(target)
        )));
    }
    let dtype = e.dtype(log);
    let ignored = e.scalar(BinaryOp::Eq, target, call.int("ignore_index")? as f64, false)?;
    // An ignored index may lie outside the classes: read class 0 there, with weight 0.
    let zero = e.full(TensorType::new(DType::I64, []), 0.0)?;
    let safe = e.apply(Prim::Where, &[ignored, zero, target])?;
    let kept = e.unary(UnaryOp::Not, ignored)?;
    let mut weight = e.cast(kept, dtype)?;
    let index = shared::unsqueeze(e, safe, dim)?;
    let picked = e.apply(Prim::Gather { dim }, &[log, index])?;
    let picked = e.reshape(picked, &expected)?;
    let class_weight = call.opt_tensor("weight")?;
    if let Some(w) = class_weight {
        if e.shape(w) != [classes] {
            return Err(OpError::shape(format!(
                "weight tensor should be defined either for all {classes} classes or no classes, found {:?}",
                e.shape(w)
            )));
        }
        let flat = shared::flat(e, safe)?;
        let of_target = e.apply(Prim::IndexSelect { dim: 0 }, &[w, flat])?;
        let of_target = e.reshape(of_target, &expected)?;
        weight = e.binary(BinaryOp::Mul, weight, of_target)?;
    }
    let weighted = e.binary(BinaryOp::Mul, picked, weight)?;
    let mut loss = e.unary(UnaryOp::Neg, weighted)?;
    if smoothing > 0.0 {
        let mut spread = log;
        if let Some(w) = class_weight {
            let mut shape = vec![1; e.rank(log)];
            shape[dim] = classes;
            let w = e.reshape(w, &shape)?;
            spread = e.binary(BinaryOp::Mul, spread, w)?;
        }
        let sum = shared::reduce(e, spread, ReduceOp::Sum, &[dim], false)?;
        let kept = e.cast(kept, dtype)?;
        let sum = e.binary(BinaryOp::Mul, sum, kept)?;
        let uniform = e.scalar(BinaryOp::Mul, sum, -smoothing / classes as f64, false)?;
        let sharp = e.scalar(BinaryOp::Mul, loss, 1.0 - smoothing, false)?;
        loss = e.binary(BinaryOp::Add, sharp, uniform)?;
    }
    let all: Vec<usize> = (0..e.rank(loss)).collect();
    match call.str("reduction")? {
        "mean" => {
            let sum = shared::reduce(e, loss, ReduceOp::Sum, &all, false)?;
            let total = shared::reduce(e, weight, ReduceOp::Sum, &all, false)?;
            e.binary(BinaryOp::Div, sum, total)
        }
        _ => shared::reduced_loss(call, e, loss),
    }
}
