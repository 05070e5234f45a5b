//! Random integers, uniform in low … high − 1.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{Distribution, Prim, UnaryOp};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "randint",
    summary: "random integers",
    spellings: &[
        "torch.randint(low: int, high: int, size: int[], *, dtype: dtype? = None)",
        "torch.randint(high: int, size: int[], *, dtype: dtype? = None, low: int = 0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "", code: "torch.randint(0, 10, (2, 3))", gives: "i64[2, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (low, high) = (call.int("low")?, call.int("high")?);
    if low >= high {
        return Err(OpError::argument(format!(
            "random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )));
    }
    let ty = TensorType::f32(call.sizes("size")?);
    let distribution = Distribution::Uniform { low: low as f64, high: high as f64 };
    let x = e.apply(Prim::Random { ty, distribution }, &[])?;
    let x = e.unary(UnaryOp::Floor, x)?;
    Ok(vec![e.cast(x, shared::factory_dtype(call, DType::I64)?)?])
}
