//! Whether each element is infinite.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "isinf",
    summary: "whether each element is infinite",
    spellings: &["torch.isinf(input: Tensor)", "Tensor.isinf(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::unary(call, e, UnaryOp::IsInf),
    examples: &[Example { given: "x = [1.0, 2.0]", code: "torch.isinf(x)", gives: "bool[2] = [False, False]" }],
    tolerance: 0.0,
};
