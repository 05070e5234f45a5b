//! `steps` evenly spaced values from start to end, both included.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "linspace",
    summary: "evenly spaced values",
    spellings: &["torch.linspace(start: Scalar, end: Scalar, steps: int, *, dtype: dtype? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "", code: "torch.linspace(0, 1, 5)", gives: "f32[5] = [0.0, 0.25, 0.5, 0.75, 1.0]" },
        Example { given: "", code: "torch.linspace(-1, 1, 1)", gives: "f32[1] = [-1.0]" },
    ],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (start, _) = shared::number(call, "start")?;
    let (end, _) = shared::number(call, "end")?;
    let n = call.size("steps")?;
    let dtype = shared::factory_dtype(call, DType::F32)?;
    let step = if n > 1 { (end - start) / (n - 1) as f64 } else { 0.0 };
    Ok(vec![e.apply(Prim::Arange { start, step, n, dtype }, &[])?])
}
