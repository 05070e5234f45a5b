//! Mean squared error.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "mse_loss",
    summary: "mean squared error",
    spellings: &[
        "torch.nn.functional.mse_loss(input: Tensor, target: Tensor, size_average: bool? = None, reduce: bool? = None, reduction: str = 'mean')",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let gap = e.binary(BinaryOp::Sub, call.tensor("input")?, call.tensor("target")?)?;
        let loss = e.binary(BinaryOp::Mul, gap, gap)?;
        Ok(vec![shared::reduced_loss(call, e, loss)?])
    },
    examples: &[Example { given: "x = [1.0, 3.0]; t = [1.0, 1.0]", code: "F.mse_loss(x, t)", gives: "f32[] = 2.0" }],
    tolerance: 1e-6,
};
