//! Dropout of whole channels of 1-dimensional maps.

use super::dropout;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "dropout1d",
    summary: "dropout of whole channels",
    spellings: &[
        "torch.nn.functional.dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| dropout::channels(call, e, 3),
    examples: &[Example { given: "x: f32[2, 3, 4]", code: "F.dropout1d(x)", gives: "f32[2, 3, 4]" }],
    tolerance: 0.0,
};
