//! The tensor replaced by another, broadcast to its shape and converted to its element type.

use super::shared;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "copy",
    summary: "values of another tensor",
    spellings: &["Tensor.copy_(input: Tensor, src: Tensor|Scalar)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = e.ty(call.tensor("input")?).clone();
        let src = shared::as_tensor(e, shared::operand(call, "src")?)?;
        let src = e.cast(src, ty.dtype)?;
        Ok(vec![e.expand(src, &ty.shape)?])
    },
    examples: &[Example { given: "x: f32[2]; y = [1.0]", code: "x.copy_(y)", gives: "f32[2] = [1.0, 1.0]" }],
    tolerance: 0.0,
};
