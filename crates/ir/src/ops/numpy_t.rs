//! All dimensions in reverse order: the attribute `T`.

use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "numpy_t",
    summary: "dimensions in reverse order",
    spellings: &["torch.ops.numpy_t(input: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let order: Vec<usize> = (0..e.rank(x)).rev().collect();
        Ok(vec![e.permute(x, &order)?])
    },
    examples: &[Example { given: "x: f32[2, 3, 4]", code: "x.T", gives: "f32[4, 3, 2]" }],
    tolerance: 0.0,
};
