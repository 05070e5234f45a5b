//! Whether each element is zero.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "logical_not",
    summary: "whether each element is zero",
    spellings: &[
        "torch.logical_not(input: Tensor)",
        "torch.logical_not_(input: Tensor)",
        "Tensor.logical_not(input: Tensor)",
        "Tensor.logical_not_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let truth = shared::truth(e, x)?;
        Ok(vec![e.unary(UnaryOp::Not, truth)?])
    },
    examples: &[Example { given: "x = [1.0, 0.0]", code: "torch.logical_not(x)", gives: "bool[2] = [False, True]" }],
    tolerance: 0.0,
};
