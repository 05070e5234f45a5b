//! Variance and average over the same dimensions.

use super::shared;
use super::var;
use crate::op::{Example, Operator, Returns};
use crate::prim::ReduceOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "var_mean",
    summary: "variance and average",
    spellings: &[
        "torch.ops.var_mean(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, correction: Scalar? = 1)",
        "torch.var_mean(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, *, correction: Scalar? = 1)",
        "torch.var_mean(input: Tensor, unbiased: bool)",
    ],
    python: "",
    returns: Returns::Tuple,
    emit: |call, e| {
        let (x, y, dims) = var::variance(call, e)?;
        let mean = shared::reduce(e, x, ReduceOp::Mean, &dims, call.bool("keepdim")?)?;
        Ok(vec![y, mean])
    },
    examples: &[Example {
        given: "x = [1.0, 3.0]",
        code: "torch.var_mean(x, unbiased=False)[0]",
        gives: "f32[] = 1.0",
    }],
    tolerance: 1e-5,
};
