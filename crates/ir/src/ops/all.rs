//! Whether all elements are non-zero, over some or all dimensions.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::ReduceOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "all",
    summary: "whether all elements are non-zero",
    spellings: &[
        "torch.all(input: Tensor, dim: int|int[]? = None, keepdim: bool = False)",
        "Tensor.all(input: Tensor, dim: int|int[]? = None, keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::reduction(call, e, ReduceOp::All, shared::truth),
    examples: &[
        Example { given: "x = [1.0, 0.0]", code: "torch.all(x > 0)", gives: "bool[] = False" },
        Example { given: "x: f32[2, 3]", code: "(x > 0).all(dim=1)", gives: "bool[2]" },
    ],
    tolerance: 0.0,
};
