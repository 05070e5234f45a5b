//! Dropout that keeps mean and variance of SELU's outputs.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "alpha_dropout",
    summary: "dropout for SELU networks",
    spellings: &[
        "torch.nn.functional.alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let mask = e.shape(call.tensor("input")?).to_vec();
        alpha(call, e, mask)
    },
    examples: &[Example { given: "x: f32[2, 3]", code: "F.alpha_dropout(x, training=True)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};

/// Keeps mean and variance of SELU's outputs: dropped elements become SELU's lower limit, and the whole is rescaled
/// (Klambauer et al., 2017).
pub(super) fn alpha(call: &Call<'_>, e: &mut Emitter, mask: Vec<usize>) -> Result<Vec<V>, OpError> {
    const ALPHA: f64 = 1.758_099_340_847_376_6;
    let x = call.tensor("input")?;
    let p = shared::probability(call)?;
    if !call.bool("training")? || p == 0.0 {
        return Ok(vec![x]);
    }
    if p == 1.0 {
        return Ok(vec![shared::scaled(e, x, 0.0)?]);
    }
    let a = ((ALPHA * ALPHA * p + 1.0) * (1.0 - p)).sqrt().recip();
    let ty = TensorType::new(e.dtype(x), mask);
    // 0 where an element is dropped, else 1/(1−p); a source that drops nothing leaves 1, and then x stays as it is.
    let ones = e.full(ty, 1.0)?;
    let drawn = e.apply(Prim::Dropout { p, mask: e.shape(ones).to_vec() }, &[ones])?;
    let untouched = e.scalar(BinaryOp::Eq, drawn, 1.0, false)?;
    let kept = e.scalar(BinaryOp::Ne, drawn, 0.0, false)?;
    let kept = e.cast(kept, e.dtype(x))?;
    let dropped = e.scalar(BinaryOp::Sub, kept, 1.0, false)?;
    let shift = e.scalar(BinaryOp::Mul, dropped, a * ALPHA, false)?;
    let shift = e.scalar(BinaryOp::Add, shift, a * ALPHA * p, false)?;
    let scaled = e.scalar(BinaryOp::Mul, x, a, false)?;
    let scaled = e.binary(BinaryOp::Mul, scaled, kept)?;
    let y = e.binary(BinaryOp::Add, scaled, shift)?;
    Ok(vec![e.apply(Prim::Where, &[untouched, x, y])?])
}
