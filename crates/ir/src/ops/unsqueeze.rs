//! A dimension of size 1 inserted.

use super::shared;
use crate::op::{Example, Operator, Returns, normalize_dim};

pub(super) const OPERATOR: Operator = Operator {
    name: "unsqueeze",
    summary: "a dimension of size 1 inserted",
    spellings: &[
        "torch.unsqueeze(input: Tensor, dim: int)",
        "Tensor.unsqueeze(input: Tensor, dim: int)",
        "Tensor.unsqueeze_(input: Tensor, dim: int)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let dim = normalize_dim(call.int("dim")?, e.rank(x) + 1)?;
        Ok(vec![shared::unsqueeze(e, x, dim)?])
    },
    examples: &[
        Example { given: "x: f32[2, 3]", code: "x.unsqueeze(-1)", gives: "f32[2, 3, 1]" },
        Example { given: "x: f32[2, 3]", code: "torch.unsqueeze(x, 0)", gives: "f32[1, 2, 3]" },
    ],
    tolerance: 0.0,
};
