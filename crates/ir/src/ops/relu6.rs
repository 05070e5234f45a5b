//! Each element limited to 0 … 6.

use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "relu6",
    summary: "Each element limited to 0 … 6",
    spellings: &["torch.nn.functional.relu6(input: Tensor, inplace: bool = False)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        Ok(vec![e.unary(UnaryOp::Clamp { min: 0.0, max: 6.0 }, x)?])
    },
    examples: &[Example { given: "x = [-2.0, 0.5, 8.0]", code: "F.relu6(x)", gives: "f32[3] = [0.0, 0.5, 6.0]" }],
    tolerance: 0.0,
};
