//! Three-dimensional cross-correlation, `torch.nn.functional.conv3d`.

use super::conv2d;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "conv3d",
    summary: "three-dimensional convolution, NCDHW",
    spellings: &[
        "torch.nn.functional.conv3d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[3] = 1, padding: str|int[3] = 0, dilation: int[3] = 1, groups: int = 1)",
        "torch.conv3d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[3] = 1, padding: str|int[3] = 0, dilation: int[3] = 1, groups: int = 1)",
    ],
    python: r#"
class Conv3d(_ConvNd):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros', device=None, dtype=None):
        padding = padding if isinstance(padding, str) else _ntuple(padding, 3)
        super().__init__(in_channels, out_channels, _ntuple(kernel_size, 3), _ntuple(stride, 3), padding, _ntuple(dilation, 3), False, (0,) * 3, groups, bias, padding_mode)

    def _conv_forward(self, input, weight, bias):
        if self.padding_mode != 'zeros':
            return F.conv3d(self._padded(input), weight, bias, self.stride, 0, self.dilation, self.groups)
        return F.conv3d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)
"#,
    returns: Returns::Tensor,
    emit: |call, e| conv2d::conv(call, e, 3),
    examples: &[Example {
        given: "x: f32[2, 3, 4, 8, 8]; w: f32[8, 3, 3, 3, 3]",
        code: "F.conv3d(x, w, padding=1)",
        gives: "f32[2, 8, 4, 8, 8]",
    }],
    tolerance: 1e-5,
};
