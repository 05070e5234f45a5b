//! Minimum over some or all dimensions; equal minima share the gradient.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::ReduceOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "amin",
    summary: "minimum over some or all dimensions",
    spellings: &[
        "torch.amin(input: Tensor, dim: int|int[]? = None, keepdim: bool = False)",
        "Tensor.amin(input: Tensor, dim: int|int[]? = None, keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::reduction(call, e, ReduceOp::Min, |_, x| Ok(x)),
    examples: &[
        Example { given: "x = [1.0, 2.0, 6.0]", code: "x.amin()", gives: "f32[] = 1.0" },
        Example { given: "x: f32[2, 3, 4, 4]", code: "torch.amin(x, (2, 3), keepdim=True)", gives: "f32[2, 3, 1, 1]" },
    ],
    tolerance: 0.0,
};
