//! Maximum over some or all dimensions; equal maxima share the gradient.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::ReduceOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "amax",
    summary: "maximum over some or all dimensions",
    spellings: &[
        "torch.amax(input: Tensor, dim: int|int[]? = None, keepdim: bool = False)",
        "Tensor.amax(input: Tensor, dim: int|int[]? = None, keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::reduction(call, e, ReduceOp::Max, |_, x| Ok(x)),
    examples: &[
        Example { given: "x = [1.0, 2.0, 6.0]", code: "x.amax()", gives: "f32[] = 6.0" },
        Example { given: "x: f32[2, 3, 4, 4]", code: "torch.amax(x, (2, 3), keepdim=True)", gives: "f32[2, 3, 1, 1]" },
    ],
    tolerance: 0.0,
};
