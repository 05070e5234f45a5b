//! input + value·tensor1/tensor2.

use super::shared::{self, Operand};
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "addcdiv",
    summary: "input + value·tensor1/tensor2",
    spellings: &[
        "torch.addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1)",
        "Tensor.addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1)",
        "Tensor.addcdiv_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (x, a, b) = (call.tensor("input")?, call.tensor("tensor1")?, call.tensor("tensor2")?);
        let y = e.binary(BinaryOp::Div, a, b)?;
        let (value, kind) = shared::number(call, "value")?;
        let y = shared::binary(e, BinaryOp::Mul, Operand::Tensor(y), Operand::Number(value, kind))?;
        Ok(vec![e.binary(BinaryOp::Add, x, y)?])
    },
    examples: &[Example {
        given: "x = [1.0]; a = [4.0]; b = [2.0]",
        code: "torch.addcdiv(x, a, b, value=0.5)",
        gives: "f32[1] = [2.0]",
    }],
    tolerance: 1e-6,
};
