//! 1 − erf(x) for each element.

use crate::op::{Example, Operator, Returns};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "erfc",
    summary: "1 − erf(x) for each element",
    spellings: &[
        "torch.erfc(input: Tensor)",
        "torch.erfc_(input: Tensor)",
        "Tensor.erfc(input: Tensor)",
        "Tensor.erfc_(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let x = e.floating(x)?;
        let y = e.unary(UnaryOp::Erf, x)?;
        Ok(vec![e.scalar(BinaryOp::Sub, y, 1.0, true)?])
    },
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.erfc(x)", gives: "f32[2] = [1.0, 0.1572992]" }],
    tolerance: 1e-5,
};
