//! Two dimensions exchanged.

use super::shared;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "transpose",
    summary: "two dimensions exchanged",
    spellings: &[
        "torch.transpose(input: Tensor, dim0: int, dim1: int)",
        "Tensor.transpose(input: Tensor, dim0: int, dim1: int)",
        "Tensor.transpose_(input: Tensor, dim0: int, dim1: int)",
        "torch.swapaxes(input: Tensor, dim0: int, dim1: int)",
        "torch.swapdims(input: Tensor, dim0: int, dim1: int)",
        "Tensor.swapaxes(input: Tensor, dim0: int, dim1: int)",
        "Tensor.swapdims(input: Tensor, dim0: int, dim1: int)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let (a, b) = (shared::dim(call, e, x, "dim0")?, shared::dim(call, e, x, "dim1")?);
        Ok(vec![shared::swap(e, x, a, b)?])
    },
    examples: &[
        Example { given: "x: f32[2, 3, 4]", code: "x.transpose(1, 2)", gives: "f32[2, 4, 3]" },
        Example { given: "x: f32[2, 3, 4]", code: "torch.transpose(x, -1, 0)", gives: "f32[4, 3, 2]" },
    ],
    tolerance: 0.0,
};
