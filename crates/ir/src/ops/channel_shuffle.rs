//! Channels of several groups interleaved.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "channel_shuffle",
    summary: "channels interleaved",
    spellings: &[
        "torch.nn.functional.channel_shuffle(input: Tensor, groups: int)",
        "torch.channel_shuffle(input: Tensor, groups: int)",
    ],
    python: r#"
class ChannelShuffle(Module):
    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, input):
        return F.channel_shuffle(input, self.groups)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 6, 4, 4]", code: "F.channel_shuffle(x, 3)", gives: "f32[2, 6, 4, 4]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let groups = call.size("groups")?;
    let shape = e.shape(x).to_vec();
    if shape.len() < 3 || groups == 0 || !shape[1].is_multiple_of(groups) {
        return Err(OpError::shape(format!(
            "channel_shuffle: the channels of {shape:?} cannot be divided into {groups} groups"
        )));
    }
    let rest: usize = shape[2..].iter().product();
    let x = e.reshape(x, &[shape[0], groups, shape[1] / groups, rest])?;
    let x = e.permute(x, &[0, 2, 1, 3])?;
    Ok(vec![e.reshape(x, &shape)?])
}
