//! Index of the first minimum along a dimension or of all elements.

use super::shared;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "argmin",
    summary: "index of the minimum",
    spellings: &[
        "torch.argmin(input: Tensor, dim: int? = None, keepdim: bool = False)",
        "Tensor.argmin(input: Tensor, dim: int? = None, keepdim: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::arg_extreme(call, e, false),
    examples: &[
        Example { given: "x = [1.0, 6.0, 2.0]", code: "x.argmin()", gives: "i64[] = 0" },
        Example { given: "x: f32[2, 3]", code: "torch.argmin(x, dim=1)", gives: "i64[2]" },
    ],
    tolerance: 0.0,
};
