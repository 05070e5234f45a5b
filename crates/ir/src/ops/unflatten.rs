//! One dimension divided into several; one size may be -1.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "unflatten",
    summary: "one dimension divided into several",
    spellings: &[
        "torch.unflatten(input: Tensor, dim: int, sizes: int[])",
        "Tensor.unflatten(input: Tensor, dim: int, sizes: int[])",
    ],
    python: r#"
class Unflatten(Module):
    def __init__(self, dim, unflattened_size):
        super().__init__()
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input):
        return input.unflatten(self.dim, self.unflattened_size)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 12]", code: "x.unflatten(1, (3, -1))", gives: "f32[2, 3, 4]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dim = shared::dim(call, e, x, "dim")?;
    let old = e.shape(x);
    let n = old.get(dim).copied().unwrap_or(1);
    let sizes = shared::infer_shape(&call.ints("sizes")?, n)?;
    let shape = [&old[..dim], sizes.as_slice(), &old[(dim + 1).min(old.len())..]].concat();
    Ok(vec![e.apply(Prim::Reshape { shape }, &[x])?])
}
