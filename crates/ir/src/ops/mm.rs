//! Product of two matrices.

use super::shared;
use crate::op::{Example, OpError, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "mm",
    summary: "product of two matrices",
    spellings: &["torch.mm(input: Tensor, mat2: Tensor)", "Tensor.mm(input: Tensor, mat2: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (a, b) = (call.tensor("input")?, call.tensor("mat2")?);
        if e.rank(a) != 2 || e.rank(b) != 2 {
            return Err(OpError::shape(format!(
                "mm takes 2 and 2 dimensions, found {:?} and {:?}",
                e.shape(a),
                e.shape(b)
            )));
        }
        Ok(vec![shared::matmul(e, a, b)?])
    },
    examples: &[Example { given: "x: f32[2, 3]; y: f32[3, 4]", code: "torch.mm(x, y)", gives: "f32[2, 4]" }],
    tolerance: 1e-5,
};
