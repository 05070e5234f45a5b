//! Random values of the standard normal distribution.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::{Distribution, Prim};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "randn",
    summary: "random values of the standard normal distribution",
    spellings: &["torch.randn(*size: int[], dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = TensorType::new(shared::factory_dtype(call, DType::F32)?, call.sizes("size")?);
        Ok(vec![e.apply(Prim::Random { ty, distribution: Distribution::Normal { mean: 0.0, std: 1.0 } }, &[])?])
    },
    examples: &[Example { given: "", code: "torch.randn(2, 3)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};
