//! Alpha dropout of whole channels.

use super::alpha_dropout;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "feature_alpha_dropout",
    summary: "alpha dropout of whole channels",
    spellings: &[
        "torch.nn.functional.feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let shape = e.shape(call.tensor("input")?);
        let mask = shape.iter().enumerate().map(|(i, &n)| if i < 2 { n } else { 1 }).collect();
        alpha_dropout::alpha(call, e, mask)
    },
    examples: &[Example {
        given: "x: f32[2, 3, 4]",
        code: "F.feature_alpha_dropout(x, training=True)",
        gives: "f32[2, 3, 4]",
    }],
    tolerance: 0.0,
};
