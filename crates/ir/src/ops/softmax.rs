//! exp(x) normalised to the sum 1 along a dimension.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V, normalize_dim};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "softmax",
    summary: "normalised exponential along a dimension",
    spellings: &[
        "torch.nn.functional.softmax(input: Tensor, dim: int? = None, _stacklevel: int = 3, dtype: dtype? = None)",
        "torch.softmax(input: Tensor, dim: int, dtype: dtype? = None)",
        "torch.special.softmax(input: Tensor, dim: int, dtype: dtype? = None)",
        "Tensor.softmax(input: Tensor, dim: int, dtype: dtype? = None)",
    ],
    python: r#"
class Softmax(Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.softmax(input, self.dim)


class Softmax2d(Module):
    def forward(self, input):
        if input.dim() not in (3, 4):
            raise ValueError(f'Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead')
        return F.softmax(input, -3)
"#,
    returns: Returns::Tensor,
    emit: |call, e| softmax(call, e, false, 1.0),
    examples: &[
        Example {
            given: "x = [0.0, 0.6931472]",
            code: "F.softmax(x, dim=0)",
            gives: "f32[2] = [0.33333334, 0.6666667]",
        },
        Example { given: "x: f32[2, 10]", code: "F.softmax(x, dim=1)", gives: "f32[2, 10]" },
    ],
    tolerance: 1e-6,
};

/// The dimension, by PyTorch's old rule where it is left out: 0 for 0, 1 or 3 dimensions, else 1.
pub(super) fn dimension(call: &Call<'_>, e: &Emitter, x: V) -> Result<usize, OpError> {
    match call.opt_int("dim")? {
        Some(d) => normalize_dim(d, e.rank(x)),
        None => Ok(usize::from(!matches!(e.rank(x), 0 | 1 | 3))),
    }
}

/// Softmax or its logarithm, in the element type that the argument `dtype` asks for. A scalar is alone in its dimension.
pub(super) fn softmax(call: &Call<'_>, e: &mut Emitter, log: bool, sign: f64) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dim = dimension(call, e, x)?;
    let x = match call.opt_dtype("dtype")? {
        Some(d) => e.cast(x, d)?,
        None => x,
    };
    shared::need_float(e, x, "softmax")?;
    let x = shared::scaled(e, x, sign)?;
    if e.rank(x) == 0 {
        let one = e.reshape(x, &[1])?;
        let y = e.apply(Prim::Softmax { dim: 0, log }, &[one])?;
        return Ok(vec![e.reshape(y, &[])?]);
    }
    Ok(vec![e.apply(Prim::Softmax { dim, log }, &[x])?])
}
