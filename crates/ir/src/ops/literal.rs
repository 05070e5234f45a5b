//! A tensor of given values: what `torch.tensor` makes of nested lists.

use crate::op::{Example, Operator, Returns};
use crate::prim::Prim;
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "literal",
    summary: "a tensor of given values",
    spellings: &["torch.ops.literal(values: float[], shape: int[], dtype: dtype = torch.float32)"],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let ty = TensorType::new(call.opt_dtype("dtype")?.unwrap_or(DType::F32), call.sizes("shape")?);
        Ok(vec![e.apply(Prim::Literal { ty, values: call.floats("values")? }, &[])?])
    },
    examples: &[
        Example { given: "", code: "torch.tensor([[1.0], [2.0]])", gives: "f32[2, 1] = [[1.0], [2.0]]" },
        Example { given: "", code: "torch.tensor(3)", gives: "i64[] = 3" },
    ],
    tolerance: 0.0,
};
