//! The larger of two tensors, element by element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "maximum",
    summary: "the larger of two tensors, element by element",
    spellings: &[
        "torch.maximum(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.maximum(input: Tensor|Scalar, other: Tensor|Scalar)",
        "torch.max(input: Tensor, other: Tensor)",
        "Tensor.max(input: Tensor, other: Tensor)",
        "torch.fmax(input: Tensor, other: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Maximum),
    examples: &[
        Example { given: "x = [1.0, 5.0]; y = [3.0, 4.0]", code: "torch.maximum(x, y)", gives: "f32[2] = [3.0, 5.0]" },
        Example { given: "x = [1.0, 5.0]; y = [3.0, 4.0]", code: "torch.max(x, y)", gives: "f32[2] = [3.0, 5.0]" },
    ],
    tolerance: 0.0,
};
