//! Another element type, as `Tensor.to` converts.

use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "cast",
    summary: "another element type",
    spellings: &["torch.ops.cast(input: Tensor, dtype: dtype)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let to = call.opt_dtype("dtype")?.unwrap_or(e.dtype(x));
        Ok(vec![e.cast(x, to)?])
    },
    examples: &[
        Example { given: "x = [1.5, 0.0]", code: "x.bool()", gives: "bool[2] = [True, False]" },
        Example { given: "x = [1.5, -2.5]", code: "x.long()", gives: "i64[2] = [1, -2]" },
    ],
    tolerance: 0.0,
};
