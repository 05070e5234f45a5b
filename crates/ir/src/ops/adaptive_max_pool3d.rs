//! Three-dimensional maximum pooling to a given output size; `None` (-1 here) keeps the input's.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "adaptive_max_pool3d",
    summary: "maximum pooling to an output size",
    spellings: &[
        "torch.nn.functional.adaptive_max_pool3d(input: Tensor, output_size: int|int[]?, return_indices: bool = False)",
    ],
    python: r#"
class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    def forward(self, input):
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::adaptive_pool(call, e, 3, true),
    examples: &[
        Example { given: "x: f32[2, 3, 8, 8, 8]", code: "F.adaptive_max_pool3d(x, 1)", gives: "f32[2, 3, 1, 1, 1]" },
        Example {
            given: "x: f32[2, 3, 8, 8, 8]",
            code: "F.adaptive_max_pool3d(x, (2, 2, 2))",
            gives: "f32[2, 3, 2, 2, 2]",
        },
    ],
    tolerance: 0.0,
};
