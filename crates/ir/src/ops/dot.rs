//! Inner product of two vectors.

use super::shared;
use crate::op::{Example, OpError, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "dot",
    summary: "inner product of two vectors",
    spellings: &[
        "torch.dot(input: Tensor, other: Tensor)",
        "Tensor.dot(input: Tensor, other: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let (a, b) = (call.tensor("input")?, call.tensor("other")?);
        if e.rank(a) != 1 || e.rank(b) != 1 {
            return Err(OpError::shape(format!(
                "dot takes 1 and 1 dimensions, found {:?} and {:?}",
                e.shape(a),
                e.shape(b)
            )));
        }
        Ok(vec![shared::matmul(e, a, b)?])
    },
    examples: &[Example { given: "x = [1.0, 2.0]; y = [3.0, 4.0]", code: "torch.dot(x, y)", gives: "f32[] = 11.0" }],
    tolerance: 1e-5,
};
