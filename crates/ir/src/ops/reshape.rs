//! The same elements in row-major order under another shape; one size may be -1.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "reshape",
    summary: "the same elements under another shape",
    spellings: &["torch.reshape(input: Tensor, shape: int[])", "Tensor.reshape(input: Tensor, *shape: int[])"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let shape = shared::infer_shape(&call.ints("shape")?, e.ty(x).numel())?;
        Ok(vec![e.apply(Prim::Reshape { shape }, &[x])?])
    },
    examples: &[
        Example { given: "x: f32[2, 3, 4]", code: "x.reshape(2, -1)", gives: "f32[2, 12]" },
        Example { given: "x: f32[2, 3, 4]", code: "x.reshape([6, 4])", gives: "f32[6, 4]" },
    ],
    tolerance: 0.0,
};
