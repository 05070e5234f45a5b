//! The upper triangle of matrices, zero below the diagonal.

use super::tril;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "triu",
    summary: "upper triangle",
    spellings: &[
        "torch.triu(input: Tensor, diagonal: int = 0)",
        "Tensor.triu(input: Tensor, diagonal: int = 0)",
        "Tensor.triu_(input: Tensor, diagonal: int = 0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| tril::triangle(call, e, false),
    examples: &[Example {
        given: "",
        code: "torch.triu(torch.ones(2, 2), diagonal=1)",
        gives: "f32[2, 2] = [[0.0, 1.0], [0.0, 0.0]]",
    }],
    tolerance: 0.0,
};
