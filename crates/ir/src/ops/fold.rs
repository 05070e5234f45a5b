//! The transpose of unfold: columns added up where their windows overlap.

use super::shared;
use super::unfold::Windows;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{PadMode, Prim};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "fold",
    summary: "columns added into an image",
    spellings: &[
        "torch.nn.functional.fold(input: Tensor, output_size: int[2], kernel_size: int[2], dilation: int[2] = 1, padding: int[2] = 0, stride: int[2] = 1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x: f32[2, 27, 64]",
        code: "F.fold(x, (8, 8), 3, padding=1)",
        gives: "f32[2, 3, 8, 8]",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let w = Windows::read(call)?;
    let [height, width] = call.sizes("output_size")?[..] else {
        return Err(OpError::argument("output_size must have 2 elements"));
    };
    shared::batched(e, x, 3, "fold", |e, x| {
        let [n, rows, columns] = e.shape(x)[..] else {
            return Err(OpError::shape(format!("fold takes 3 dimensions, found {:?}", e.shape(x))));
        };
        let out = w.counts([height, width])?;
        let taps = w.kernel[0] * w.kernel[1];
        if rows % taps != 0 || columns != out[0] * out[1] {
            return Err(OpError::shape(format!(
                "fold to [{height}, {width}] takes rows divisible by {taps} and {} columns, found {:?}",
                out[0] * out[1],
                e.shape(x)
            )));
        }
        // A transposed convolution with one-hot kernels puts each row at its tap.
        let channels = rows / taps;
        let ty = TensorType::new(e.dtype(x), [taps, 1, w.kernel[0], w.kernel[1]]);
        let values = (0..taps * taps).map(|i| if i / taps == i % taps { 1.0 } else { 0.0 }).collect();
        let kernel = e.apply(Prim::Literal { ty, values }, &[])?;
        let x = e.reshape(x, &[n * channels, taps, out[0], out[1]])?;
        let left = |axis: usize, size: usize| {
            size + 2 * w.padding[axis]
                - ((out[axis] - 1) * w.stride[axis] + w.dilation[axis] * (w.kernel[axis] - 1) + 1)
        };
        let prim = Prim::ConvTranspose {
            stride: w.stride.to_vec(),
            padding: vec![0, 0],
            output_padding: vec![0, 0],
            dilation: w.dilation.to_vec(),
            groups: 1,
        };
        let y = e.apply(prim, &[x, kernel])?;
        let mut pads = vec![(0, 0), (0, 0)];
        for (axis, size) in [height, width].into_iter().enumerate() {
            let p = w.padding[axis] as i64;
            pads.push((-p, left(axis, size) as i64 - p));
        }
        let y = e.apply(Prim::Pad { mode: PadMode::Constant(0.0), pads }, &[y])?;
        e.reshape(y, &[n, channels, height, width])
    })
}
