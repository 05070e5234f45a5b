//! One-dimensional maximum pooling.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "max_pool1d",
    summary: "one-dimensional maximum pooling",
    spellings: &[
        "torch.nn.functional.max_pool1d(input: Tensor, kernel_size: int[1], stride: int[1]? = None, padding: int[1] = 0, dilation: int[1] = 1, ceil_mode: bool = False, return_indices: bool = False)",
        "torch.max_pool1d(input: Tensor, kernel_size: int[1], stride: int[1]? = None, padding: int[1] = 0, dilation: int[1] = 1, ceil_mode: bool = False)",
    ],
    python: r#"
class _MaxPoolNd(Module):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode



class MaxPool1d(_MaxPoolNd):
    def forward(self, input):
        return F.max_pool1d(input, self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode, return_indices=self.return_indices)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::max_pool(call, e, 1),
    examples: &[
        Example { given: "x: f32[2, 3, 8]", code: "F.max_pool1d(x, 2)", gives: "f32[2, 3, 4]" },
        Example { given: "x: f32[2, 3, 8]", code: "F.max_pool1d(x, 3, stride=2, padding=1)", gives: "f32[2, 3, 4]" },
    ],
    tolerance: 0.0,
};
