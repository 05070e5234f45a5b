//! Random values, uniform in [0, 1), with the type of another tensor.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::{Distribution, Prim};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "rand_like",
    summary: "random values, uniform in [0, 1), like another tensor",
    spellings: &["torch.rand_like(input: Tensor, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = e.ty(call.tensor("input")?).clone();
        let ty = TensorType::new(shared::factory_dtype(call, ty.dtype)?, ty.shape);
        Ok(vec![e.apply(Prim::Random { ty, distribution: Distribution::Uniform { low: 0.0, high: 1.0 } }, &[])?])
    },
    examples: &[Example { given: "x: f32[2, 3]", code: "torch.rand_like(x)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};
