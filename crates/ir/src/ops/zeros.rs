//! A tensor of zeros.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "zeros",
    summary: "a tensor of zeros",
    spellings: &["torch.zeros(*size: int[], dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = TensorType::new(shared::factory_dtype(call, DType::F32)?, call.sizes("size")?);
        Ok(vec![e.full(ty, 0.0)?])
    },
    examples: &[
        Example { given: "", code: "torch.zeros(2)", gives: "f32[2] = [0.0, 0.0]" },
        Example { given: "", code: "torch.zeros((2, 3), dtype=torch.long)", gives: "i64[2, 3]" },
    ],
    tolerance: 0.0,
};
