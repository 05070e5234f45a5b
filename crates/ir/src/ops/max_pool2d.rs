//! Two-dimensional maximum pooling.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "max_pool2d",
    summary: "two-dimensional maximum pooling",
    spellings: &[
        "torch.nn.functional.max_pool2d(input: Tensor, kernel_size: int[2], stride: int[2]? = None, padding: int[2] = 0, dilation: int[2] = 1, ceil_mode: bool = False, return_indices: bool = False)",
        "torch.max_pool2d(input: Tensor, kernel_size: int[2], stride: int[2]? = None, padding: int[2] = 0, dilation: int[2] = 1, ceil_mode: bool = False)",
    ],
    python: r#"
class MaxPool2d(_MaxPoolNd):
    def forward(self, input):
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode, return_indices=self.return_indices)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::max_pool(call, e, 2),
    examples: &[
        Example { given: "x: f32[2, 3, 8, 8]", code: "F.max_pool2d(x, 2)", gives: "f32[2, 3, 4, 4]" },
        Example {
            given: "x: f32[2, 3, 8, 8]",
            code: "F.max_pool2d(x, 3, stride=2, padding=1)",
            gives: "f32[2, 3, 4, 4]",
        },
        Example {
            given: "x = [[[1.0, 5.0, 2.0], [7.0, 3.0, 4.0], [0.0, 6.0, 8.0]]]",
            code: "F.max_pool2d(x, 2, stride=1, return_indices=True)[1]",
            gives: "i64[1, 2, 2] = [[[3, 1], [3, 8]]]",
        },
    ],
    tolerance: 0.0,
};
