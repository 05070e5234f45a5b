//! Dropout of whole channels of 2-dimensional maps. As in PyTorch, three dimensions are read as N, C, L.

use super::dropout;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "dropout2d",
    summary: "dropout of whole channels",
    spellings: &[
        "torch.nn.functional.dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False)",
        "torch.feature_dropout(input: Tensor, p: float, training: bool)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        // Whatever the rank, the mask spans the first two dimensions.
        let mask = e.shape(x).iter().enumerate().map(|(i, &n)| if i < 2 { n } else { 1 }).collect();
        Ok(vec![dropout::masked(call, e, x, mask)?])
    },
    examples: &[Example { given: "x: f32[2, 3, 4, 4]", code: "F.dropout2d(x)", gives: "f32[2, 3, 4, 4]" }],
    tolerance: 0.0,
};
