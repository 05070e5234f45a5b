//! Two-dimensional cross-correlation, `torch.nn.functional.conv2d`.

use crate::attr::Attr;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "conv2d",
    summary: "two-dimensional convolution, NCHW",
    spellings: &[
        "torch.nn.functional.conv2d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[2] = 1, padding: str|int[2] = 0, dilation: int[2] = 1, groups: int = 1)",
        "torch.conv2d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[2] = 1, padding: str|int[2] = 0, dilation: int[2] = 1, groups: int = 1)",
    ],
    python: r#"
class Conv2d(_ConvNd):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros', device=None, dtype=None):
        padding = padding if isinstance(padding, str) else _ntuple(padding, 2)
        super().__init__(in_channels, out_channels, _ntuple(kernel_size, 2), _ntuple(stride, 2), padding, _ntuple(dilation, 2), False, (0,) * 2, groups, bias, padding_mode)

    def _conv_forward(self, input, weight, bias):
        if self.padding_mode != 'zeros':
            return F.conv2d(self._padded(input), weight, bias, self.stride, 0, self.dilation, self.groups)
        return F.conv2d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x: f32[2, 3, 32, 32]; w: f32[8, 3, 3, 3]",
            code: "F.conv2d(x, w, padding=1)",
            gives: "f32[2, 8, 32, 32]",
        },
        Example {
            given: "x: f32[2, 3, 32, 32]; w: f32[8, 3, 3, 3]",
            code: "F.conv2d(x, w, stride=2)",
            gives: "f32[2, 8, 15, 15]",
        },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    conv(call, e, 2)
}

/// A convolution over `spatial` dimensions. An input without a batch dimension gets one and loses it again.
pub(super) fn conv(call: &Call<'_>, e: &mut Emitter, spatial: usize) -> Result<Vec<V>, OpError> {
    let (mut x, w) = (call.tensor("input")?, call.tensor("weight")?);
    let unbatched = e.rank(x) == spatial + 1;
    if unbatched {
        let shape = [&[1], e.shape(x)].concat();
        x = e.reshape(x, &shape)?;
    }
    if e.rank(x) != spatial + 2 || e.rank(w) != spatial + 2 {
        return Err(OpError::shape(format!(
            "conv{spatial}d expects an input of {} (unbatched) or {} dimensions, found {:?}",
            spatial + 1,
            spatial + 2,
            e.shape(x)
        )));
    }
    let (stride, dilation) = (call.sizes("stride")?, call.sizes("dilation")?);
    if stride.contains(&0) || dilation.contains(&0) {
        return Err(OpError::argument("stride and dilation must be greater than zero"));
    }
    let padding = match call.attr("padding")? {
        Some(Attr::Str(s)) if s == "valid" => vec![(0, 0); spatial],
        Some(Attr::Str(s)) if s == "same" => {
            if stride.iter().any(|&s| s != 1) {
                return Err(OpError::argument("padding='same' is not supported for strided convolutions"));
            }
            // An odd remainder goes to the right, as in PyTorch.
            (0..spatial)
                .map(|i| {
                    let total = dilation[i] * (e.shape(w)[2 + i].max(1) - 1);
                    (total / 2, total - total / 2)
                })
                .collect()
        }
        Some(Attr::Str(s)) => {
            return Err(OpError::argument(format!("padding must be 'valid', 'same' or integers, found {s:?}")));
        }
        _ => call.sizes("padding")?.into_iter().map(|p| (p, p)).collect(),
    };
    let prim = Prim::Conv { stride, padding, dilation, groups: call.size("groups")? };
    let mut inputs = vec![x, w];
    inputs.extend(call.opt_tensor("bias")?);
    let y = e.apply(prim, &inputs)?;
    if unbatched {
        let shape = e.shape(y)[1..].to_vec();
        return Ok(vec![e.reshape(y, &shape)?]);
    }
    Ok(vec![y])
}
