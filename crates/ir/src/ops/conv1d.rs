//! One-dimensional cross-correlation, `torch.nn.functional.conv1d`. Its Python holds what the classes of all convolutions
//! share.

use super::conv2d;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "conv1d",
    summary: "one-dimensional convolution, NCL",
    spellings: &[
        "torch.nn.functional.conv1d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[1] = 1, padding: str|int[1] = 0, dilation: int[1] = 1, groups: int = 1)",
        "torch.conv1d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[1] = 1, padding: str|int[1] = 0, dilation: int[1] = 1, groups: int = 1)",
    ],
    python: r#"
def _ntuple(value, n):
    if isinstance(value, (tuple, list)):
        return tuple(value)
    return (value,) * n


class _ConvNd(Module):
    _spatial = 2

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, dilation, transposed, output_padding, groups, bias, padding_mode, device=None, dtype=None):
        super().__init__()
        if groups <= 0:
            raise ValueError('groups must be a positive integer')
        if in_channels % groups != 0:
            raise ValueError(f'in_channels must be divisible by groups: {in_channels} channels, {groups} groups')
        if out_channels % groups != 0:
            raise ValueError(f'out_channels must be divisible by groups: {out_channels} channels, {groups} groups')
        if isinstance(padding, str):
            if padding not in ('same', 'valid'):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of 'same', 'valid'")
            if padding == 'same' and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in ('zeros', 'reflect', 'replicate', 'circular'):
            raise ValueError(f"padding_mode must be one of {{'zeros', 'reflect', 'replicate', 'circular'}}, but got padding_mode='{padding_mode}'")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._pad_amounts()
        if transposed:
            shape = (in_channels, out_channels // groups, *kernel_size)
        else:
            shape = (out_channels, in_channels // groups, *kernel_size)
        self.weight = Parameter(torch.empty(shape))
        if bias:
            self.bias = Parameter(torch.empty(out_channels))
        else:
            self.register_parameter('bias', None)
        self.reset_parameters()

    def _pad_amounts(self):
        padding = self.padding
        if isinstance(padding, tuple) and len(padding) == 2 and len(self.kernel_size) == 2:
            return [padding[1], padding[1], padding[0], padding[0]]
        amounts = []
        for i in range(len(self.kernel_size) - 1, -1, -1):
            if self.padding == 'valid':
                before, after = 0, 0
            elif self.padding == 'same':
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                before, after = total // 2, total - total // 2
            else:
                before, after = self.padding[i], self.padding[i]
            amounts += [before, after]
        return amounts

    def reset_parameters(self):
        if _reset_affine(self.weight, self.bias):
            return
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def _padded(self, input):
        return F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)


class Conv1d(_ConvNd):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros', device=None, dtype=None):
        padding = padding if isinstance(padding, str) else _ntuple(padding, 1)
        super().__init__(in_channels, out_channels, _ntuple(kernel_size, 1), _ntuple(stride, 1), padding, _ntuple(dilation, 1), False, (0,) * 1, groups, bias, padding_mode)

    def _conv_forward(self, input, weight, bias):
        if self.padding_mode != 'zeros':
            return F.conv1d(self._padded(input), weight, bias, self.stride, 0, self.dilation, self.groups)
        return F.conv1d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)
"#,
    returns: Returns::Tensor,
    emit: |call, e| conv2d::conv(call, e, 1),
    examples: &[Example {
        given: "x: f32[2, 3, 32]; w: f32[8, 3, 5]",
        code: "F.conv1d(x, w, padding=2)",
        gives: "f32[2, 8, 32]",
    }],
    tolerance: 1e-5,
};
