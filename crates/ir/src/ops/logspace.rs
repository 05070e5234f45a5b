//! base to the power of evenly spaced values.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim};
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "logspace",
    summary: "powers of a base, evenly spaced",
    spellings: &["torch.logspace(start: Scalar, end: Scalar, steps: int, base: float = 10.0, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "", code: "torch.logspace(0, 2, 3)", gives: "f32[3] = [1.0, 10.0, 100.0]" }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (start, _) = shared::number(call, "start")?;
    let (end, _) = shared::number(call, "end")?;
    let n = call.size("steps")?;
    let dtype = shared::factory_dtype(call, DType::F32)?;
    let step = if n > 1 { (end - start) / (n - 1) as f64 } else { 0.0 };
    let exponents = e.apply(Prim::Arange { start, step, n, dtype }, &[])?;
    Ok(vec![e.scalar(BinaryOp::Pow, exponents, call.float("base")?, true)?])
}
