//! Channels moved into space: C·r², H, W to C, H·r, W·r.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "pixel_shuffle",
    summary: "channels moved into space",
    spellings: &[
        "torch.nn.functional.pixel_shuffle(input: Tensor, upscale_factor: int)",
        "torch.pixel_shuffle(input: Tensor, upscale_factor: int)",
    ],
    python: r#"
class PixelShuffle(Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input):
        return F.pixel_shuffle(input, self.upscale_factor)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 12, 4, 4]", code: "F.pixel_shuffle(x, 2)", gives: "f32[2, 3, 8, 8]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let r = call.size("upscale_factor")?;
    let rank = e.rank(x);
    if rank < 3 || r == 0 || !e.shape(x)[rank - 3].is_multiple_of(r * r) {
        return Err(OpError::shape(format!(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by {r}², found {:?}",
            e.shape(x)
        )));
    }
    let batch = e.shape(x)[..rank - 3].to_vec();
    let n: usize = batch.iter().product();
    let (c, h, w) = (e.shape(x)[rank - 3] / (r * r), e.shape(x)[rank - 2], e.shape(x)[rank - 1]);
    let x = e.reshape(x, &[n, c, r, r, h, w])?;
    let x = e.permute(x, &[0, 1, 4, 2, 5, 3])?;
    Ok(vec![e.reshape(x, &[batch.as_slice(), &[c, h * r, w * r]].concat())?])
}
