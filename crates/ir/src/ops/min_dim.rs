//! Minimum along a dimension, with its index.

use super::shared;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "min_dim",
    summary: "minimum along a dimension, with its index",
    spellings: &[
        "torch.min(input: Tensor, dim: int, keepdim: bool = False)",
        "Tensor.min(input: Tensor, dim: int, keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Named(&["values", "indices"]),
    emit: |call, e| shared::extreme_along(call, e, false),
    examples: &[
        Example { given: "x: f32[2, 3]", code: "torch.min(x, 1)[0]", gives: "f32[2]" },
        Example { given: "x: f32[2, 3]", code: "x.min(dim=1, keepdim=True).indices", gives: "i64[2, 1]" },
    ],
    tolerance: 0.0,
};
