//! Standard deviation over some or all dimensions, with n − correction in the denominator.

use super::shared;
use super::var;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "std",
    summary: "standard deviation over dimensions",
    spellings: &[
        "torch.ops.std(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, correction: Scalar? = 1)",
        "torch.std(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, *, correction: Scalar? = 1)",
        "Tensor.std(input: Tensor, dim: int|int[]? = None, unbiased: bool? = None, keepdim: bool = False, *, correction: Scalar? = 1)",
        "torch.std(input: Tensor, unbiased: bool)",
        "Tensor.std(input: Tensor, unbiased: bool)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (_, y, _) = var::variance(call, e)?;
        Ok(vec![shared::safe_sqrt(e, y)?])
    },
    examples: &[
        Example { given: "x = [1.0, 3.0]", code: "x.std(unbiased=False)", gives: "f32[] = 1.0" },
        Example { given: "x: f32[2, 3]", code: "x.std(dim=1, keepdim=True)", gives: "f32[2, 1]" },
    ],
    tolerance: 1e-5,
};
