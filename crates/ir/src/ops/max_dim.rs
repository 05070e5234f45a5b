//! Maximum along a dimension, with its index.

use super::shared;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "max_dim",
    summary: "maximum along a dimension, with its index",
    spellings: &[
        "torch.max(input: Tensor, dim: int, keepdim: bool = False)",
        "Tensor.max(input: Tensor, dim: int, keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Named(&["values", "indices"]),
    emit: |call, e| shared::extreme_along(call, e, true),
    examples: &[
        Example { given: "x: f32[2, 3]", code: "torch.max(x, 1)[0]", gives: "f32[2]" },
        Example { given: "x: f32[2, 3]", code: "x.max(dim=1, keepdim=True).indices", gives: "i64[2, 1]" },
    ],
    tolerance: 0.0,
};
