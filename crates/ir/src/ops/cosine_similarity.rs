//! Cosine of the angle between vectors of a dimension; norms are limited below by eps.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V, normalize_dim};
use crate::prim::{BinaryOp, ReduceOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "cosine_similarity",
    summary: "cosine of the angle between vectors",
    spellings: &[
        "torch.nn.functional.cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8)",
        "torch.cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8)",
    ],
    python: r#"
class CosineSimilarity(Module):
    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1, x2):
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x = [3.0, 0.0]; y = [2.0, 2.0]",
            code: "F.cosine_similarity(x, y, dim=0)",
            gives: "f32[] = 0.70710677",
        },
        Example { given: "x: f32[2, 8]; y: f32[2, 8]", code: "F.cosine_similarity(x, y)", gives: "f32[2]" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, b) = (call.tensor("x1")?, call.tensor("x2")?);
    let shape = e.broadcast(a, b)?;
    let (a, b) = (e.expand(a, &shape)?, e.expand(b, &shape)?);
    let dim = normalize_dim(call.int("dim")?, shape.len())?;
    let eps = call.float("eps")?;
    let mut unit = Vec::with_capacity(2);
    for x in [a, b] {
        let x = e.floating(x)?;
        let norm = shared::norm(e, x, 2.0, &[dim], true)?;
        let norm = e.unary(UnaryOp::Clamp { min: eps, max: f64::INFINITY }, norm)?;
        unit.push(shared::join(e, BinaryOp::Div, x, norm)?);
    }
    let products = e.binary(BinaryOp::Mul, unit[0], unit[1])?;
    Ok(vec![shared::reduce(e, products, ReduceOp::Sum, &[dim], false)?])
}
