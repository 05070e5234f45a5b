//! A random order of 0 … n − 1.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::{Distribution, Prim};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "randperm",
    summary: "a random order",
    spellings: &["torch.randperm(n: int, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = TensorType::new(DType::I64, [call.size("n")?]);
        let x = e.apply(Prim::Random { ty, distribution: Distribution::Permutation }, &[])?;
        Ok(vec![e.cast(x, shared::factory_dtype(call, DType::I64)?)?])
    },
    examples: &[Example { given: "", code: "torch.randperm(5)", gives: "i64[5]" }],
    tolerance: 0.0,
};
