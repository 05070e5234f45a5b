//! Vectors of a dimension divided by their p-norm, which is limited below by eps.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "normalize",
    summary: "vectors divided by their norm",
    spellings: &[
        "torch.nn.functional.normalize(input: Tensor, p: float = 2.0, dim: int|int[] = 1, eps: float = 1e-12)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let dims = shared::dims(call, e, x, "dim")?;
        let norm = shared::norm(e, x, call.float("p")?, &dims, true)?;
        let norm = e.unary(UnaryOp::Clamp { min: call.float("eps")?, max: f64::INFINITY }, norm)?;
        Ok(vec![e.binary(BinaryOp::Div, x, norm)?])
    },
    examples: &[
        Example { given: "x = [3.0, 4.0]", code: "F.normalize(x, dim=0)", gives: "f32[2] = [0.6, 0.8]" },
        Example { given: "x: f32[2, 8]", code: "F.normalize(x)", gives: "f32[2, 8]" },
    ],
    tolerance: 1e-5,
};
