//! Random values, uniform in [0, 1).

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::{Distribution, Prim};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "rand",
    summary: "random values, uniform in [0, 1)",
    spellings: &["torch.rand(*size: int[], dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = TensorType::new(shared::factory_dtype(call, DType::F32)?, call.sizes("size")?);
        Ok(vec![e.apply(Prim::Random { ty, distribution: Distribution::Uniform { low: 0.0, high: 1.0 } }, &[])?])
    },
    examples: &[Example { given: "", code: "torch.rand(2, 3)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};
