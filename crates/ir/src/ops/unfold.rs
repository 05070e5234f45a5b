//! Sliding windows of an image as columns: N, C, H, W to N, C·kh·kw, L.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{PadMode, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "unfold",
    summary: "sliding windows as columns",
    spellings: &[
        "torch.nn.functional.unfold(input: Tensor, kernel_size: int[2], dilation: int[2] = 1, padding: int[2] = 0, stride: int[2] = 1)",
    ],
    python: r#"
class Unfold(Module):
    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Module):
    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x: f32[2, 3, 8, 8]", code: "F.unfold(x, 3, padding=1)", gives: "f32[2, 27, 64]" },
        Example {
            given: "x = [[[[1.0, 2.0], [3.0, 4.0]]]]",
            code: "F.unfold(x, (1, 2))",
            gives: "f32[1, 2, 2] = [[[1.0, 3.0], [2.0, 4.0]]]",
        },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let w = Windows::read(call)?;
    shared::batched(e, x, 4, "unfold", |e, x| {
        let shape = e.shape(x).to_vec();
        let out = w.counts([shape[2], shape[3]])?;
        let p = w.padding.map(|p| (p as i64, p as i64));
        let x = e.apply(Prim::Pad { mode: PadMode::Constant(0.0), pads: vec![(0, 0), (0, 0), p[0], p[1]] }, &[x])?;
        let mut taps = Vec::with_capacity(w.kernel[0] * w.kernel[1]);
        for i in 0..w.kernel[0] {
            for j in 0..w.kernel[1] {
                let mut tap = x;
                for (axis, k) in [i, j].into_iter().enumerate() {
                    let start = k * w.dilation[axis];
                    let end = start + (out[axis] - 1) * w.stride[axis] + 1;
                    tap = e.apply(Prim::Slice { dim: 2 + axis, start, end, step: w.stride[axis] }, &[tap])?;
                }
                taps.push(e.reshape(tap, &[shape[0], shape[1], 1, out[0] * out[1]])?);
            }
        }
        let columns = e.apply(Prim::Concat { dim: 2 }, &taps)?;
        e.reshape(columns, &[shape[0], shape[1] * taps.len(), out[0] * out[1]])
    })
}

/// The sliding window of `unfold` and `fold`.
pub(super) struct Windows {
    pub(super) kernel: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) stride: [usize; 2],
}

impl Windows {
    pub(super) fn read(call: &Call<'_>) -> Result<Windows, OpError> {
        let two = |name: &str| match call.sizes(name)?[..] {
            [n] => Ok([n, n]),
            [a, b] => Ok([a, b]),
            ref other => Err(OpError::argument(format!("{name} must have 1 or 2 elements, found {other:?}"))),
        };
        let w = Windows {
            kernel: two("kernel_size")?,
            dilation: two("dilation")?,
            padding: two("padding")?,
            stride: two("stride")?,
        };
        if [w.kernel, w.dilation, w.stride].concat().contains(&0) {
            return Err(OpError::argument("kernel_size, dilation and stride must be greater than zero"));
        }
        Ok(w)
    }

    /// Number of windows along each axis of an image.
    pub(super) fn counts(&self, size: [usize; 2]) -> Result<[usize; 2], OpError> {
        let mut out = [0; 2];
        for axis in 0..2 {
            let reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            let free = (size[axis] + 2 * self.padding[axis]).checked_sub(reach).ok_or_else(|| {
                OpError::shape(format!("the window {:?} is larger than the padded image {size:?}", self.kernel))
            })?;
            out[axis] = free / self.stride[axis] + 1;
        }
        Ok(out)
    }
}
