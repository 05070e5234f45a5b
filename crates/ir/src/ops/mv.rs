//! Product of a matrix and a vector.

use super::shared;
use crate::op::{Example, OpError, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "mv",
    summary: "product of a matrix and a vector",
    spellings: &["torch.mv(input: Tensor, vec: Tensor)", "Tensor.mv(input: Tensor, vec: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (a, b) = (call.tensor("input")?, call.tensor("vec")?);
        if e.rank(a) != 2 || e.rank(b) != 1 {
            return Err(OpError::shape(format!(
                "mv takes 2 and 1 dimensions, found {:?} and {:?}",
                e.shape(a),
                e.shape(b)
            )));
        }
        Ok(vec![shared::matmul(e, a, b)?])
    },
    examples: &[Example { given: "x: f32[2, 3]; y: f32[3]", code: "torch.mv(x, y)", gives: "f32[2]" }],
    tolerance: 1e-5,
};
