//! A tensor of ones.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "ones",
    summary: "a tensor of ones",
    spellings: &["torch.ones(*size: int[], dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = TensorType::new(shared::factory_dtype(call, DType::F32)?, call.sizes("size")?);
        Ok(vec![e.full(ty, 1.0)?])
    },
    examples: &[
        Example { given: "", code: "torch.ones(2)", gives: "f32[2] = [1.0, 1.0]" },
        Example { given: "", code: "torch.ones((2, 3), dtype=torch.long)", gives: "i64[2, 3]" },
    ],
    tolerance: 0.0,
};
