//! start, start + step, … below end.

use super::shared;
use crate::op::MAX_ELEMENTS;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "arange",
    summary: "an arithmetic sequence",
    spellings: &[
        "torch.ops.arange(start: Scalar, end: Scalar, step: Scalar = 1, dtype: dtype? = None)",
        "torch.arange(end: Scalar, *, dtype: dtype? = None, start: Scalar = 0)",
        "torch.arange(start: Scalar, end: Scalar, step: Scalar = 1, *, dtype: dtype? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "", code: "torch.arange(3)", gives: "i64[3] = [0, 1, 2]" },
        Example { given: "", code: "torch.arange(0, 1, 0.25)", gives: "f32[4] = [0.0, 0.25, 0.5, 0.75]" },
        Example { given: "", code: "torch.arange(4, dtype=torch.float32)", gives: "f32[4] = [0.0, 1.0, 2.0, 3.0]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (start, a) = shared::number(call, "start")?;
    let (end, b) = shared::number(call, "end")?;
    let (step, c) = shared::number(call, "step")?;
    if step == 0.0 || (end - start) * step < 0.0 {
        return Err(OpError::argument(format!(
            "arange({start}, {end}, {step}): upper bound and lower bound inconsistent with step sign"
        )));
    }
    let float = a.is_float() || b.is_float() || c.is_float();
    let dtype = shared::factory_dtype(call, if float { DType::F32 } else { DType::I64 })?;
    let n = ((end - start) / step).ceil();
    if n > MAX_ELEMENTS as f64 {
        return Err(OpError::argument(format!("arange of {n} elements is too large")));
    }
    Ok(vec![e.apply(Prim::Arange { start, step, n: n as usize, dtype }, &[])?])
}
