//! A tensor with values added at indices along a dimension.

use super::scatter;
use super::shared::Operand;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "scatter_add",
    summary: "values added at indices",
    spellings: &[
        "torch.scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor)",
        "Tensor.scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor)",
        "Tensor.scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let src = Operand::Tensor(call.tensor("src")?);
        scatter::scatter(call, e, src, true)
    },
    examples: &[Example {
        given: "x = [1.0, 0.0]; y = [2.0, 3.0]",
        code: "x.scatter_add(0, torch.tensor([0, 0]), y)",
        gives: "f32[2] = [6.0, 0.0]",
    }],
    tolerance: 0.0,
};
