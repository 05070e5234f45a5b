//! One-dimensional maximum pooling to a given output size; `None` (-1 here) keeps the input's.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "adaptive_max_pool1d",
    summary: "maximum pooling to an output size",
    spellings: &[
        "torch.nn.functional.adaptive_max_pool1d(input: Tensor, output_size: int|int[]?, return_indices: bool = False)",
    ],
    python: r#"
class _AdaptiveMaxPoolNd(Module):
    def __init__(self, output_size, return_indices=False):
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices



class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    def forward(self, input):
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::adaptive_pool(call, e, 1, true),
    examples: &[
        Example { given: "x: f32[2, 3, 8]", code: "F.adaptive_max_pool1d(x, 1)", gives: "f32[2, 3, 1]" },
        Example { given: "x: f32[2, 3, 8]", code: "F.adaptive_max_pool1d(x, 2)", gives: "f32[2, 3, 2]" },
    ],
    tolerance: 0.0,
};
