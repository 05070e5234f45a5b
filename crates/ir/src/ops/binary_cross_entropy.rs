//! −(t·ln x + (1 − t)·ln(1 − x)) of probabilities, the logarithms not below −100.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "binary_cross_entropy",
    summary: "binary cross-entropy of probabilities",
    spellings: &[
        "torch.nn.functional.binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor? = None, size_average: bool? = None, reduce: bool? = None, reduction: str = 'mean')",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [0.5]; t = [1.0]",
        code: "F.binary_cross_entropy(x, t)",
        gives: "f32[] = 0.6931472",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, t) = (call.tensor("input")?, call.tensor("target")?);
    if e.shape(x) != e.shape(t) {
        return Err(OpError::shape(format!("target size {:?} differs from input size {:?}", e.shape(t), e.shape(x))));
    }
    let floor = UnaryOp::Clamp { min: -100.0, max: f64::INFINITY };
    let log = e.unary(UnaryOp::Log, x)?;
    let log = e.unary(floor, log)?;
    let rest = e.scalar(BinaryOp::Sub, x, 1.0, true)?;
    let log_rest = e.unary(UnaryOp::Log, rest)?;
    let log_rest = e.unary(floor, log_rest)?;
    let miss = e.scalar(BinaryOp::Sub, t, 1.0, true)?;
    let a = e.binary(BinaryOp::Mul, t, log)?;
    let b = e.binary(BinaryOp::Mul, miss, log_rest)?;
    let sum = e.binary(BinaryOp::Add, a, b)?;
    let mut loss = e.unary(UnaryOp::Neg, sum)?;
    if let Some(w) = call.opt_tensor("weight")? {
        loss = e.binary(BinaryOp::Mul, loss, w)?;
    }
    Ok(vec![shared::reduced_loss(call, e, loss)?])
}
