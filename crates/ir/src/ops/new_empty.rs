//! A tensor whose values nobody has set; here zeros with the element type of another.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "new_empty",
    summary: "empty with the element type of another tensor",
    spellings: &["Tensor.new_empty(input: Tensor, *size: int[], dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let like = e.dtype(call.tensor("input")?);
        let ty = TensorType::new(shared::factory_dtype(call, like)?, call.sizes("size")?);
        Ok(vec![e.full(ty, 0.0)?])
    },
    examples: &[Example { given: "x: f32[3]", code: "x.new_empty(2)", gives: "f32[2]" }],
    tolerance: 0.0,
};
