//! Broadcast to a shape.

use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "broadcast_to",
    summary: "broadcast to a shape",
    spellings: &["torch.broadcast_to(input: Tensor, size: int[])", "Tensor.broadcast_to(input: Tensor, *size: int[])"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let shape = call.sizes("size")?;
        Ok(vec![e.expand(x, &shape)?])
    },
    examples: &[Example { given: "x: f32[2, 1]", code: "torch.broadcast_to(x, (2, 3))", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};
