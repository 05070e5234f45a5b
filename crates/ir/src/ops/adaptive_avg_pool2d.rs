//! Two-dimensional average pooling to a given output size; `None` (-1 here) keeps the input's.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "adaptive_avg_pool2d",
    summary: "average pooling to an output size",
    spellings: &["torch.nn.functional.adaptive_avg_pool2d(input: Tensor, output_size: int|int[]?)"],
    python: r#"
class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    def forward(self, input):
        return F.adaptive_avg_pool2d(input, self.output_size)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::adaptive_pool(call, e, 2, false),
    examples: &[
        Example { given: "x: f32[2, 3, 8, 8]", code: "F.adaptive_avg_pool2d(x, 1)", gives: "f32[2, 3, 1, 1]" },
        Example { given: "x: f32[2, 3, 8, 8]", code: "F.adaptive_avg_pool2d(x, (2, 2))", gives: "f32[2, 3, 2, 2]" },
        Example { given: "x: f32[2, 3, 8, 6]", code: "F.adaptive_avg_pool2d(x, (None, 2))", gives: "f32[2, 3, 8, 2]" },
    ],
    tolerance: 1e-6,
};
