//! Two-dimensional maximum pooling to a given output size; `None` (-1 here) keeps the input's.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "adaptive_max_pool2d",
    summary: "maximum pooling to an output size",
    spellings: &[
        "torch.nn.functional.adaptive_max_pool2d(input: Tensor, output_size: int|int[]?, return_indices: bool = False)",
    ],
    python: r#"
class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    def forward(self, input):
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::adaptive_pool(call, e, 2, true),
    examples: &[
        Example { given: "x: f32[2, 3, 8, 8]", code: "F.adaptive_max_pool2d(x, 1)", gives: "f32[2, 3, 1, 1]" },
        Example { given: "x: f32[2, 3, 8, 8]", code: "F.adaptive_max_pool2d(x, (2, 2))", gives: "f32[2, 3, 2, 2]" },
        Example { given: "x: f32[2, 3, 8, 6]", code: "F.adaptive_max_pool2d(x, (None, 2))", gives: "f32[2, 3, 8, 2]" },
        Example {
            given: "x = [[[1.0, 5.0, 2.0], [7.0, 3.0, 4.0], [0.0, 6.0, 8.0]]]",
            code: "F.adaptive_max_pool2d(x, 2, return_indices=True)[1]",
            gives: "i64[1, 2, 2] = [[[3, 1], [3, 8]]]",
        },
    ],
    tolerance: 0.0,
};
