//! A tensor whose values nobody has set; here zeros.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "empty",
    summary: "a tensor whose values nobody has set",
    spellings: &["torch.empty(*size: int[], dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = TensorType::new(shared::factory_dtype(call, DType::F32)?, call.sizes("size")?);
        Ok(vec![e.full(ty, 0.0)?])
    },
    examples: &[
        Example { given: "", code: "torch.empty(2)", gives: "f32[2]" },
        Example { given: "", code: "torch.empty((2, 3), dtype=torch.long)", gives: "i64[2, 3]" },
    ],
    tolerance: 0.0,
};
