//! `scatter` with the value named `value`.

use super::scatter;
use super::shared;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "scatter_value",
    summary: "one value written at indices",
    spellings: &[
        "torch.scatter(input: Tensor, dim: int, index: Tensor, value: Scalar, *, reduce: str? = None)",
        "Tensor.scatter(input: Tensor, dim: int, index: Tensor, value: Scalar, *, reduce: str? = None)",
        "Tensor.scatter_(input: Tensor, dim: int, index: Tensor, value: Scalar, *, reduce: str? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let add = !call.is_none("reduce") && call.str("reduce")? == "add";
        let value = shared::operand(call, "value")?;
        scatter::scatter(call, e, value, add)
    },
    examples: &[Example {
        given: "x = [0.0, 0.0, 0.0]",
        code: "x.scatter(0, torch.tensor([1]), value=5.0)",
        gives: "f32[3] = [0.0, 5.0, 0.0]",
    }],
    tolerance: 0.0,
};
