//! Random values of the standard normal distribution, with the type of another tensor.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::{Distribution, Prim};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "randn_like",
    summary: "random values of the standard normal distribution, like another tensor",
    spellings: &["torch.randn_like(input: Tensor, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = e.ty(call.tensor("input")?).clone();
        let ty = TensorType::new(shared::factory_dtype(call, ty.dtype)?, ty.shape);
        Ok(vec![e.apply(Prim::Random { ty, distribution: Distribution::Normal { mean: 0.0, std: 1.0 } }, &[])?])
    },
    examples: &[Example { given: "x: f32[2, 3]", code: "torch.randn_like(x)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};
