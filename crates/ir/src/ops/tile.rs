//! As `repeat`, where missing leading repeats count as 1.

use super::repeat;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "tile",
    summary: "copies along each dimension",
    spellings: &["torch.tile(input: Tensor, dims: int[])", "Tensor.tile(input: Tensor, *dims: int[])"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let given = call.sizes("dims")?;
        let repeats = [vec![1; e.rank(x).saturating_sub(given.len())], given].concat();
        Ok(vec![repeat::tile(e, x, &repeats)?])
    },
    examples: &[Example { given: "x: f32[2, 3]", code: "torch.tile(x, (2,))", gives: "f32[2, 6]" }],
    tolerance: 0.0,
};
