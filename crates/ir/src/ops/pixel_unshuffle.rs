//! Space moved into channels: C, H·r, W·r to C·r², H, W.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "pixel_unshuffle",
    summary: "space moved into channels",
    spellings: &[
        "torch.nn.functional.pixel_unshuffle(input: Tensor, downscale_factor: int)",
        "torch.pixel_unshuffle(input: Tensor, downscale_factor: int)",
    ],
    python: r#"
class PixelUnshuffle(Module):
    def __init__(self, downscale_factor):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input):
        return F.pixel_unshuffle(input, self.downscale_factor)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3, 8, 8]", code: "F.pixel_unshuffle(x, 2)", gives: "f32[2, 12, 4, 4]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let r = call.size("downscale_factor")?;
    let rank = e.rank(x);
    if rank < 3 || r == 0 || !e.shape(x)[rank - 2].is_multiple_of(r) || !e.shape(x)[rank - 1].is_multiple_of(r) {
        return Err(OpError::shape(format!(
            "pixel_unshuffle expects height and width to be divisible by {r}, found {:?}",
            e.shape(x)
        )));
    }
    let batch = e.shape(x)[..rank - 3].to_vec();
    let n: usize = batch.iter().product();
    let (c, h, w) = (e.shape(x)[rank - 3], e.shape(x)[rank - 2] / r, e.shape(x)[rank - 1] / r);
    let x = e.reshape(x, &[n, c, h, r, w, r])?;
    let x = e.permute(x, &[0, 1, 3, 5, 2, 4])?;
    Ok(vec![e.reshape(x, &[batch.as_slice(), &[c * r * r, h, w]].concat())?])
}
