//! Three-dimensional average pooling.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "avg_pool3d",
    summary: "three-dimensional average pooling",
    spellings: &[
        "torch.nn.functional.avg_pool3d(input: Tensor, kernel_size: int[3], stride: int[3]? = None, padding: int[3] = 0, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int? = None)",
    ],
    python: r#"
class AvgPool3d(Module):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input):
        return F.avg_pool3d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::avg_pool(call, e, 3),
    examples: &[Example { given: "x: f32[2, 3, 8, 8, 8]", code: "F.avg_pool3d(x, 2)", gives: "f32[2, 3, 4, 4, 4]" }],
    tolerance: 1e-6,
};
