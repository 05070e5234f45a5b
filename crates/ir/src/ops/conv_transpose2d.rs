//! Two-dimensional transposed convolution.

use super::conv_transpose1d;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "conv_transpose2d",
    summary: "two-dimensional transposed convolution",
    spellings: &[
        "torch.nn.functional.conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[2] = 1, padding: int[2] = 0, output_padding: int[2] = 0, groups: int = 1, dilation: int[2] = 1)",
        "torch.conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[2] = 1, padding: int[2] = 0, output_padding: int[2] = 0, groups: int = 1, dilation: int[2] = 1)",
    ],
    python: r#"
class ConvTranspose2d(_ConvTransposeNd):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode='zeros', device=None, dtype=None):
        if padding_mode != 'zeros':
            raise ValueError('Only "zeros" padding mode is supported for ConvTranspose2d')
        super().__init__(in_channels, out_channels, _ntuple(kernel_size, 2), _ntuple(stride, 2), _ntuple(padding, 2), _ntuple(dilation, 2), True, _ntuple(output_padding, 2), groups, bias, padding_mode)

    def forward(self, input, output_size=None):
        output_padding = self._output_padding(input, output_size)
        return F.conv_transpose2d(input, self.weight, self.bias, self.stride, self.padding, output_padding, self.groups, self.dilation)
"#,
    returns: Returns::Tensor,
    emit: |call, e| conv_transpose1d::transposed(call, e, 2),
    examples: &[Example {
        given: "x: f32[2, 6, 8, 8]; w: f32[6, 4, 2, 2]",
        code: "F.conv_transpose2d(x, w, stride=2)",
        gives: "f32[2, 4, 16, 16]",
    }],
    tolerance: 1e-5,
};
