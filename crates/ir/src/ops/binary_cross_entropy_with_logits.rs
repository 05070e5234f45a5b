//! Binary cross-entropy of logits, without overflow.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "binary_cross_entropy_with_logits",
    summary: "binary cross-entropy of logits",
    spellings: &[
        "torch.nn.functional.binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor? = None, size_average: bool? = None, reduce: bool? = None, reduction: str = 'mean', pos_weight: Tensor? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [0.0]; t = [1.0]",
        code: "F.binary_cross_entropy_with_logits(x, t)",
        gives: "f32[] = 0.6931472",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, t) = (call.tensor("input")?, call.tensor("target")?);
    if e.shape(x) != e.shape(t) {
        return Err(OpError::shape(format!(
            "target size {:?} must be the same as input size {:?}",
            e.shape(t),
            e.shape(x)
        )));
    }
    let t = e.cast(t, e.dtype(x))?;
    // (1 − t)·x + w·softplus(−x), with w = 1 + (pos_weight − 1)·t.
    let miss = e.scalar(BinaryOp::Sub, t, 1.0, true)?;
    let linear = e.binary(BinaryOp::Mul, miss, x)?;
    let negated = e.unary(UnaryOp::Neg, x)?;
    let mut soft = e.unary(UnaryOp::Softplus { beta: 1.0, threshold: 20.0 }, negated)?;
    if let Some(p) = call.opt_tensor("pos_weight")? {
        let extra = e.scalar(BinaryOp::Sub, p, 1.0, false)?;
        let extra = e.binary(BinaryOp::Mul, extra, t)?;
        let w = e.scalar(BinaryOp::Add, extra, 1.0, false)?;
        soft = e.binary(BinaryOp::Mul, soft, w)?;
    }
    let mut loss = e.binary(BinaryOp::Add, linear, soft)?;
    if let Some(w) = call.opt_tensor("weight")? {
        loss = e.binary(BinaryOp::Mul, loss, w)?;
    }
    Ok(vec![shared::reduced_loss(call, e, loss)?])
}
