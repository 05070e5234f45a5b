//! 2 to the power of each element.

use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "exp2",
    summary: "2 to the power of each element",
    spellings: &[
        "torch.exp2(input: Tensor)",
        "torch.exp2_(input: Tensor)",
        "Tensor.exp2(input: Tensor)",
        "Tensor.exp2_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let x = e.floating(x)?;
        Ok(vec![e.scalar(BinaryOp::Pow, x, 2.0, true)?])
    },
    examples: &[Example { given: "x = [0.0, 3.0]", code: "torch.exp2(x)", gives: "f32[2] = [1.0, 8.0]" }],
    tolerance: 1e-6,
};
