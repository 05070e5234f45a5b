//! Elements in reverse order along the second dimension.

use crate::op::{Example, OpError, Operator, Returns};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "fliplr",
    summary: "reversed along dimension 1",
    spellings: &["torch.fliplr(input: Tensor)", "Tensor.fliplr(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        if e.rank(x) < 2 {
            return Err(OpError::shape(format!("input must be >= 2-d, found {:?}", e.shape(x))));
        }
        Ok(vec![e.apply(Prim::Flip { dims: vec![1] }, &[x])?])
    },
    examples: &[Example { given: "x: f32[2, 3]", code: "torch.fliplr(x)", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};
