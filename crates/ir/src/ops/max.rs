//! Maximum of all elements.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::ReduceOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "max",
    summary: "maximum of all elements",
    spellings: &["torch.max(input: Tensor)", "Tensor.max(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let dims: Vec<usize> = (0..e.rank(x)).collect();
        Ok(vec![shared::reduce(e, x, ReduceOp::Max, &dims, false)?])
    },
    examples: &[Example { given: "x = [1.0, 2.0, 6.0]", code: "torch.max(x)", gives: "f32[] = 6.0" }],
    tolerance: 0.0,
};
