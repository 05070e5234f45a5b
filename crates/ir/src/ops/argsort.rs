//! The indices that put a dimension in order.

use super::sort;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "argsort",
    summary: "indices that sort",
    spellings: &[
        "torch.argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False)",
        "Tensor.argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let both = sort::sorted(call, e)?;
        Ok(both.into_iter().skip(1).collect())
    },
    examples: &[Example { given: "x = [1.0, 6.0, 2.0]", code: "torch.argsort(x)", gives: "i64[3] = [0, 2, 1]" }],
    tolerance: 0.0,
};
