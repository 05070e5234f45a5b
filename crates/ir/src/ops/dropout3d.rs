//! Dropout of whole channels of 3-dimensional maps.

use super::dropout;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "dropout3d",
    summary: "dropout of whole channels",
    spellings: &[
        "torch.nn.functional.dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| dropout::channels(call, e, 5),
    examples: &[Example { given: "x: f32[2, 3, 4, 4, 4]", code: "F.dropout3d(x)", gives: "f32[2, 3, 4, 4, 4]" }],
    tolerance: 0.0,
};
