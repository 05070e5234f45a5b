//! A tensor filled with one value; its kind decides the element type.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "full",
    summary: "a tensor filled with one value",
    spellings: &["torch.full(size: int[], fill_value: Scalar, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (value, kind) = shared::number(call, "fill_value")?;
        let ty = TensorType::new(shared::factory_dtype(call, kind)?, call.sizes("size")?);
        Ok(vec![e.full(ty, value)?])
    },
    examples: &[
        Example { given: "", code: "torch.full((2,), 1.5)", gives: "f32[2] = [1.5, 1.5]" },
        Example { given: "", code: "torch.full((2, 3), 7)", gives: "i64[2, 3]" },
    ],
    tolerance: 0.0,
};
