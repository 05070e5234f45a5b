//! One value with the element type of another tensor.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "new_full",
    summary: "one value with the element type of another tensor",
    spellings: &["Tensor.new_full(input: Tensor, size: int[], fill_value: Scalar, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let like = e.dtype(call.tensor("input")?);
        let (value, _) = shared::number(call, "fill_value")?;
        let ty = TensorType::new(shared::factory_dtype(call, like)?, call.sizes("size")?);
        Ok(vec![e.full(ty, value)?])
    },
    examples: &[Example { given: "x: f32[3]", code: "x.new_full((2,), 3)", gives: "f32[2] = [3.0, 3.0]" }],
    tolerance: 0.0,
};
