//! Whether each element is a finite number.

use crate::op::{Example, Operator, Returns};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "isfinite",
    summary: "whether each element is a finite number",
    spellings: &["torch.isfinite(input: Tensor)", "Tensor.isfinite(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let nan = e.unary(UnaryOp::IsNan, x)?;
        let infinite = e.unary(UnaryOp::IsInf, x)?;
        let either = e.binary(BinaryOp::Or, nan, infinite)?;
        Ok(vec![e.unary(UnaryOp::Not, either)?])
    },
    examples: &[Example { given: "x = [1.0, 2.0]", code: "torch.isfinite(x)", gives: "bool[2] = [True, True]" }],
    tolerance: 0.0,
};
