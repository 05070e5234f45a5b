//! One value with the type of another tensor.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "full_like",
    summary: "one value with the type of another tensor",
    spellings: &["torch.full_like(input: Tensor, fill_value: Scalar, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = e.ty(call.tensor("input")?).clone();
        let (value, _) = shared::number(call, "fill_value")?;
        let ty = TensorType::new(shared::factory_dtype(call, ty.dtype)?, ty.shape);
        Ok(vec![e.full(ty, value)?])
    },
    examples: &[Example { given: "x = [5.0, 6.0]", code: "torch.full_like(x, 2)", gives: "f32[2] = [2.0, 2.0]" }],
    tolerance: 0.0,
};
