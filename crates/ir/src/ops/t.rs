//! A matrix transposed; fewer dimensions stay as they are.

use super::shared;
use crate::op::{Example, OpError, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "t",
    summary: "a matrix transposed",
    spellings: &["torch.t(input: Tensor)", "Tensor.t(input: Tensor)", "Tensor.t_(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        if e.rank(x) > 2 {
            return Err(OpError::shape(format!(
                "t() expects a tensor with at most 2 dimensions, found {:?}",
                e.shape(x)
            )));
        }
        Ok(vec![shared::swap(e, x, 0, 1)?])
    },
    examples: &[Example { given: "x: f32[2, 3]", code: "x.t()", gives: "f32[3, 2]" }],
    tolerance: 0.0,
};
