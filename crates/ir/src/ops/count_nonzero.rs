//! Number of non-zero elements over some or all dimensions.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::ReduceOp;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "count_nonzero",
    summary: "number of non-zero elements",
    spellings: &[
        "torch.count_nonzero(input: Tensor, dim: int|int[]? = None)",
        "Tensor.count_nonzero(input: Tensor, dim: int|int[]? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let dims = shared::dims(call, e, x, "dim")?;
        let truth = shared::truth(e, x)?;
        let ones = e.cast(truth, DType::I64)?;
        Ok(vec![shared::reduce(e, ones, ReduceOp::Sum, &dims, false)?])
    },
    examples: &[Example { given: "x = [1.0, 0.0, 3.0]", code: "torch.count_nonzero(x)", gives: "i64[] = 2" }],
    tolerance: 0.0,
};
