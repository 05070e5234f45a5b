//! A tensor of ones with the type of another.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "ones_like",
    summary: "ones with the type of another tensor",
    spellings: &["torch.ones_like(input: Tensor, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = e.ty(call.tensor("input")?).clone();
        let ty = TensorType::new(shared::factory_dtype(call, ty.dtype)?, ty.shape);
        Ok(vec![e.full(ty, 1.0)?])
    },
    examples: &[Example { given: "x = [5.0, 6.0]", code: "torch.ones_like(x)", gives: "f32[2] = [1.0, 1.0]" }],
    tolerance: 0.0,
};
