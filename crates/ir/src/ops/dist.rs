//! Norm of the difference of two tensors.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "dist",
    summary: "norm of a difference",
    spellings: &[
        "torch.dist(input: Tensor, other: Tensor, p: float = 2.0)",
        "Tensor.dist(input: Tensor, other: Tensor, p: float = 2.0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let gap = e.binary(BinaryOp::Sub, call.tensor("input")?, call.tensor("other")?)?;
        let dims: Vec<usize> = (0..e.rank(gap)).collect();
        Ok(vec![shared::norm(e, gap, call.float("p")?, &dims, false)?])
    },
    examples: &[Example { given: "x = [3.0, 0.0]; y = [0.0, 4.0]", code: "torch.dist(x, y)", gives: "f32[] = 5.0" }],
    tolerance: 1e-5,
};
