//! Each element multiplied by itself.

use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "square",
    summary: "each element multiplied by itself",
    spellings: &[
        "torch.square(input: Tensor)",
        "torch.square_(input: Tensor)",
        "Tensor.square(input: Tensor)",
        "Tensor.square_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        Ok(vec![e.binary(BinaryOp::Mul, x, x)?])
    },
    examples: &[Example { given: "x = [-3.0, 2.0]", code: "torch.square(x)", gives: "f32[2] = [9.0, 4.0]" }],
    tolerance: 0.0,
};
