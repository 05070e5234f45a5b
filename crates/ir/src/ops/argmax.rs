//! Index of the first maximum along a dimension or of all elements.

use super::shared;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "argmax",
    summary: "index of the maximum",
    spellings: &[
        "torch.argmax(input: Tensor, dim: int? = None, keepdim: bool = False)",
        "Tensor.argmax(input: Tensor, dim: int? = None, keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::arg_extreme(call, e, true),
    examples: &[
        Example { given: "x = [1.0, 6.0, 2.0]", code: "x.argmax()", gives: "i64[] = 1" },
        Example { given: "x: f32[2, 3]", code: "torch.argmax(x, dim=1)", gives: "i64[2]" },
    ],
    tolerance: 0.0,
};
