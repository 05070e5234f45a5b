//! Matrix product: vectors, matrices and broadcast batches of matrices.

use super::shared;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "matmul",
    summary: "matrix product",
    spellings: &[
        "torch.matmul(input: Tensor, other: Tensor)",
        "Tensor.matmul(input: Tensor, other: Tensor)",
        "Tensor.__matmul__(input: Tensor, other: Tensor)",
        "torch.linalg.matmul(input: Tensor, other: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let y = shared::matmul(e, call.tensor("input")?, call.tensor("other")?)?;
        Ok(vec![y])
    },
    examples: &[
        Example { given: "x = [1.0, 2.0]; y = [3.0, 4.0]", code: "x @ y", gives: "f32[] = 11.0" },
        Example { given: "x: f32[2, 1, 3, 4]; y: f32[5, 4, 6]", code: "torch.matmul(x, y)", gives: "f32[2, 5, 3, 6]" },
    ],
    tolerance: 1e-5,
};
