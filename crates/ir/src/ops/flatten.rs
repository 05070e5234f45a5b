//! Dimensions start_dim … end_dim folded into one.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "flatten",
    summary: "a range of dimensions folded into one",
    spellings: &[
        "torch.flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1)",
        "Tensor.flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1)",
        "torch.ravel(input: Tensor)",
        "Tensor.ravel(input: Tensor)",
    ],
    python: r#"
class Flatten(Module):
    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input):
        return input.flatten(self.start_dim, self.end_dim)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x: f32[2, 3, 4, 4]", code: "torch.flatten(x, 1)", gives: "f32[2, 48]" },
        Example { given: "x: f32[2, 3, 4, 4]", code: "x.flatten(2)", gives: "f32[2, 3, 16]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let (start, end) = (shared::dim(call, e, x, "start_dim")?, shared::dim(call, e, x, "end_dim")?);
    if start > end {
        return Err(OpError::argument("flatten() has invalid args: start_dim cannot come after end_dim"));
    }
    if e.rank(x) == 0 {
        return Ok(vec![e.reshape(x, &[1])?]);
    }
    let old = e.shape(x);
    let middle = old[start..=end].iter().product();
    let shape = [&old[..start], &[middle], &old[end + 1..]].concat();
    Ok(vec![e.apply(Prim::Reshape { shape }, &[x])?])
}
