//! Gated linear unit: one half of a dimension times the sigmoid of the other.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "glu",
    summary: "Gated linear unit: one half of a dimension times the sigmoid of the other",
    spellings: &["torch.nn.functional.glu(input: Tensor, dim: int = -1)"],
    python: r#"
class GLU(Module):
    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.glu(input, self.dim)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [3.0, 0.0]", code: "F.glu(x)", gives: "f32[1] = [1.5]" },
        Example { given: "x: f32[2, 8, 4]", code: "F.glu(x, dim=1)", gives: "f32[2, 4, 4]" },
    ],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dim = shared::dim(call, e, x, "dim")?;
    let n = e.shape(x).get(dim).copied().unwrap_or(1);
    if n % 2 != 0 {
        return Err(OpError::shape(format!("halving dimension must be even, but dimension {dim} is size {n}")));
    }
    let value = shared::narrow(e, x, dim, 0, n / 2)?;
    let gate = shared::narrow(e, x, dim, n / 2, n)?;
    let gate = e.unary(UnaryOp::Sigmoid, gate)?;
    Ok(vec![e.binary(BinaryOp::Mul, value, gate)?])
}
