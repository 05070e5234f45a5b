//! Two-dimensional power-average pooling: the p-norm of each window.

use super::pooling;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "lp_pool2d",
    summary: "two-dimensional power-average pooling",
    spellings: &[
        "torch.nn.functional.lp_pool2d(input: Tensor, norm_type: float, kernel_size: int[2], stride: int[2]? = None, ceil_mode: bool = False)",
    ],
    python: r#"
class LPPool2d(Module):
    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input):
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)
"#,
    returns: Returns::Tensor,
    emit: |call, e| pooling::lp_pool(call, e, 2),
    examples: &[Example { given: "x: f32[2, 3, 8, 8]", code: "F.lp_pool2d(x, 2.0, 2)", gives: "f32[2, 3, 4, 4]" }],
    tolerance: 1e-5,
};
