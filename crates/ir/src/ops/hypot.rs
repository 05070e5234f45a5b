//! The length of the vector (input, other).

use crate::op::{Example, Operator, Returns};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "hypot",
    summary: "length of a vector of two",
    spellings: &["torch.hypot(input: Tensor, other: Tensor)", "Tensor.hypot(input: Tensor, other: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (a, b) = (call.tensor("input")?, call.tensor("other")?);
        let (a, b) = (e.binary(BinaryOp::Mul, a, a)?, e.binary(BinaryOp::Mul, b, b)?);
        let sum = e.binary(BinaryOp::Add, a, b)?;
        Ok(vec![e.unary(UnaryOp::Sqrt, sum)?])
    },
    examples: &[Example { given: "x = [3.0]; y = [4.0]", code: "torch.hypot(x, y)", gives: "f32[1] = [5.0]" }],
    tolerance: 1e-6,
};
