//! One-dimensional average pooling.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "avg_pool1d",
    summary: "one-dimensional average pooling",
    spellings: &[
        "torch.nn.functional.avg_pool1d(input: Tensor, kernel_size: int[1], stride: int[1]? = None, padding: int[1] = 0, ceil_mode: bool = False, count_include_pad: bool = True)",
        "torch.avg_pool1d(input: Tensor, kernel_size: int[1], stride: int[1]? = None, padding: int[1] = 0, ceil_mode: bool = False, count_include_pad: bool = True)",
    ],
    python: r#"
class AvgPool1d(Module):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input):
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::avg_pool(call, e, 1),
    examples: &[Example { given: "x: f32[2, 3, 8]", code: "F.avg_pool1d(x, 2)", gives: "f32[2, 3, 4]" }],
    tolerance: 1e-6,
};
