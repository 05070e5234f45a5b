//! Whether each element is not a number.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "isnan",
    summary: "whether each element is not a number",
    spellings: &["torch.isnan(input: Tensor)", "Tensor.isnan(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| shared::unary(call, e, UnaryOp::IsNan),
    examples: &[Example { given: "x = [1.0, 2.0]", code: "torch.isnan(x)", gives: "bool[2] = [False, False]" }],
    tolerance: 0.0,
};
