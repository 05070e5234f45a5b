//! Whether any element is non-zero, over some or all dimensions.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::ReduceOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "any",
    summary: "whether any element is non-zero",
    spellings: &[
        "torch.any(input: Tensor, dim: int|int[]? = None, keepdim: bool = False)",
        "Tensor.any(input: Tensor, dim: int|int[]? = None, keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::reduction(call, e, ReduceOp::Any, shared::truth),
    examples: &[
        Example { given: "x = [1.0, 0.0]", code: "torch.any(x > 0)", gives: "bool[] = True" },
        Example { given: "x: f32[2, 3]", code: "(x > 0).any(dim=1)", gives: "bool[2]" },
    ],
    tolerance: 0.0,
};
