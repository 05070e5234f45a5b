//! Elements in reverse order along the first dimension.

use crate::op::{Example, OpError, Operator, Returns};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "flipud",
    summary: "reversed along dimension 0",
    spellings: &["torch.flipud(input: Tensor)", "Tensor.flipud(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        if e.rank(x) < 1 {
            return Err(OpError::shape(format!("input must be >= 1-d, found {:?}", e.shape(x))));
        }
        Ok(vec![e.apply(Prim::Flip { dims: vec![0] }, &[x])?])
    },
    examples: &[Example { given: "x: f32[2, 3]", code: "torch.flipud(x)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};
