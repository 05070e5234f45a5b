//! Product over one or all dimensions.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::ReduceOp;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "prod",
    summary: "product over dimensions",
    spellings: &[
        "torch.prod(input: Tensor, dim: int? = None, keepdim: bool = False, *, dtype: dtype? = None)",
        "Tensor.prod(input: Tensor, dim: int? = None, keepdim: bool = False, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0, 6.0]", code: "x.prod()", gives: "f32[] = 12.0" },
        Example { given: "x: f32[2, 3]", code: "x.prod(1)", gives: "f32[2]" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let target = call.opt_dtype("dtype")?;
    shared::reduction(call, e, ReduceOp::Prod, |e, x| match target {
        Some(d) => e.cast(x, d),
        None if e.dtype(x).is_float() => Ok(x),
        None => e.cast(x, DType::I64),
    })
}
