//! Three-dimensional maximum pooling.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "max_pool3d",
    summary: "three-dimensional maximum pooling",
    spellings: &[
        "torch.nn.functional.max_pool3d(input: Tensor, kernel_size: int[3], stride: int[3]? = None, padding: int[3] = 0, dilation: int[3] = 1, ceil_mode: bool = False, return_indices: bool = False)",
        "torch.max_pool3d(input: Tensor, kernel_size: int[3], stride: int[3]? = None, padding: int[3] = 0, dilation: int[3] = 1, ceil_mode: bool = False)",
    ],
    python: r#"
class MaxPool3d(_MaxPoolNd):
    def forward(self, input):
        return F.max_pool3d(input, self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode, return_indices=self.return_indices)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::max_pool(call, e, 3),
    examples: &[
        Example { given: "x: f32[2, 3, 8, 8, 8]", code: "F.max_pool3d(x, 2)", gives: "f32[2, 3, 4, 4, 4]" },
        Example {
            given: "x: f32[2, 3, 8, 8, 8]",
            code: "F.max_pool3d(x, 3, stride=2, padding=1)",
            gives: "f32[2, 3, 4, 4, 4]",
        },
    ],
    tolerance: 0.0,
};
