//! Standard deviation and average over the same dimensions.

use super::shared;
use super::var;
use crate::op::{Example, Operator, Returns};
use crate::prim::ReduceOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "std_mean",
    summary: "standard deviation and average",
    spellings: &[
        "torch.ops.std_mean(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, correction: Scalar? = 1)",
        "torch.std_mean(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, *, correction: Scalar? = 1)",
        "torch.std_mean(input: Tensor, unbiased: bool)",
    ],
    python: "",
    returns: Returns::Tuple,
    emit: |call, e| {
        let (x, y, dims) = var::variance(call, e)?;
        let y = shared::safe_sqrt(e, y)?;
        let mean = shared::reduce(e, x, ReduceOp::Mean, &dims, call.bool("keepdim")?)?;
        Ok(vec![y, mean])
    },
    examples: &[Example {
        given: "x = [1.0, 3.0]",
        code: "torch.std_mean(x, unbiased=False)[0]",
        gives: "f32[] = 1.0",
    }],
    tolerance: 1e-5,
};
