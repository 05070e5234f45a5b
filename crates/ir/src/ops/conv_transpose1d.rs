//! One-dimensional transposed convolution.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "conv_transpose1d",
    summary: "one-dimensional transposed convolution",
    spellings: &[
        "torch.nn.functional.conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[1] = 1, padding: int[1] = 0, output_padding: int[1] = 0, groups: int = 1, dilation: int[1] = 1)",
        "torch.conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[1] = 1, padding: int[1] = 0, output_padding: int[1] = 0, groups: int = 1, dilation: int[1] = 1)",
    ],
    python: r#"
class _ConvTransposeNd(_ConvNd):
    def _output_padding(self, input, output_size):
        n = len(self.kernel_size)
        if output_size is None:
            return self.output_padding
        output_size = list(output_size)[-n:]
        result = []
        for d in range(n):
            least = (input.size(input.dim() - n + d) - 1) * self.stride[d] - 2 * self.padding[d] + self.dilation[d] * (self.kernel_size[d] - 1) + 1
            extra = output_size[d] - least
            if extra < 0 or extra >= self.stride[d]:
                raise ValueError(f'requested an output size of {output_size}, but valid sizes range from {least} to {least + self.stride[d] - 1}')
            result.append(extra)
        return tuple(result)


class ConvTranspose1d(_ConvTransposeNd):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode='zeros', device=None, dtype=None):
        if padding_mode != 'zeros':
            raise ValueError('Only "zeros" padding mode is supported for ConvTranspose1d')
        super().__init__(in_channels, out_channels, _ntuple(kernel_size, 1), _ntuple(stride, 1), _ntuple(padding, 1), _ntuple(dilation, 1), True, _ntuple(output_padding, 1), groups, bias, padding_mode)

    def forward(self, input, output_size=None):
        output_padding = self._output_padding(input, output_size)
        return F.conv_transpose1d(input, self.weight, self.bias, self.stride, self.padding, output_padding, self.groups, self.dilation)
"#,
    returns: Returns::Tensor,
    emit: |call, e| transposed(call, e, 1),
    examples: &[Example {
        given: "x: f32[2, 6, 8]; w: f32[6, 4, 2]",
        code: "F.conv_transpose1d(x, w, stride=2)",
        gives: "f32[2, 4, 16]",
    }],
    tolerance: 1e-5,
};

/// A transposed convolution over `spatial` dimensions.
pub(super) fn transposed(call: &Call<'_>, e: &mut Emitter, spatial: usize) -> Result<Vec<V>, OpError> {
    let (x, w) = (call.tensor("input")?, call.tensor("weight")?);
    if e.rank(w) != spatial + 2 {
        return Err(OpError::shape(format!(
            "conv_transpose{spatial}d takes a weight of {} dimensions, found {:?}",
            spatial + 2,
            e.shape(w)
        )));
    }
    let (stride, dilation) = (call.sizes("stride")?, call.sizes("dilation")?);
    if stride.contains(&0) || dilation.contains(&0) {
        return Err(OpError::argument("stride and dilation must be greater than zero"));
    }
    let prim = Prim::ConvTranspose {
        stride,
        padding: call.sizes("padding")?,
        output_padding: call.sizes("output_padding")?,
        dilation,
        groups: call.size("groups")?,
    };
    let bias = call.opt_tensor("bias")?;
    shared::batched(e, x, spatial + 2, call.signature.path, |e, x| {
        let mut inputs = vec![x, w];
        inputs.extend(bias);
        e.apply(prim, &inputs)
    })
}
