//! A matrix with ones on the diagonal.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::BinaryOp;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "eye",
    summary: "identity matrix",
    spellings: &["torch.eye(n: int, m: int? = None, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "", code: "torch.eye(2)", gives: "f32[2, 2] = [[1.0, 0.0], [0.0, 1.0]]" },
        Example { given: "", code: "torch.eye(2, 3)", gives: "f32[2, 3]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let n = call.size("n")?;
    let m = if call.is_none("m") { n } else { call.size("m")? };
    let row = shared::iota(e, n)?;
    let row = e.reshape(row, &[n, 1])?;
    let column = shared::iota(e, m)?;
    let on = e.binary(BinaryOp::Eq, row, column)?;
    Ok(vec![e.cast(on, shared::factory_dtype(call, DType::F32)?)?])
}
