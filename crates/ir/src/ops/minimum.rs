//! The smaller of two tensors, element by element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "minimum",
    summary: "the smaller of two tensors, element by element",
    spellings: &[
        "torch.minimum(input: Tensor|Scalar, other: Tensor|Scalar)",
        "Tensor.minimum(input: Tensor|Scalar, other: Tensor|Scalar)",
        "torch.min(input: Tensor, other: Tensor)",
        "Tensor.min(input: Tensor, other: Tensor)",
        "torch.fmin(input: Tensor, other: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::elementwise(call, e, BinaryOp::Minimum),
    examples: &[
        Example { given: "x = [1.0, 5.0]; y = [3.0, 4.0]", code: "torch.minimum(x, y)", gives: "f32[2] = [1.0, 4.0]" },
        Example { given: "x = [1.0, 5.0]; y = [3.0, 4.0]", code: "torch.min(x, y)", gives: "f32[2] = [1.0, 4.0]" },
    ],
    tolerance: 0.0,
};
