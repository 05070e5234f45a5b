//! A tensor with values written at indices along a dimension.

use super::shared::{self, Operand};
use crate::attr::Attr;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "scatter",
    summary: "values written at indices",
    spellings: &[
        "torch.scatter(input: Tensor, dim: int, index: Tensor, src: Tensor|Scalar, *, reduce: str? = None)",
        "Tensor.scatter(input: Tensor, dim: int, index: Tensor, src: Tensor|Scalar, *, reduce: str? = None)",
        "Tensor.scatter_(input: Tensor, dim: int, index: Tensor, src: Tensor|Scalar, *, reduce: str? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x = [0.0, 0.0, 0.0]",
            code: "x.scatter_(0, torch.tensor([1]), 5.0)",
            gives: "f32[3] = [0.0, 5.0, 0.0]",
        },
        Example {
            given: "x: f32[2, 4]",
            code: "torch.zeros_like(x).scatter_(1, x.topk(2, dim=1).indices, x)",
            gives: "f32[2, 4]",
        },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let add = match call.attr("reduce")? {
        Some(Attr::None) => false,
        Some(Attr::Str(s)) if s == "add" || s == "sum" => true,
        _ => return Err(OpError::unsupported("scatter with a reduction other than 'add'")),
    };
    let src = shared::operand(call, "src")?;
    scatter(call, e, src, add)
}

/// `input` with `src` (a tensor or a number) written or added at `index` along `dim`.
pub(super) fn scatter(call: &Call<'_>, e: &mut Emitter, src: Operand, add: bool) -> Result<Vec<V>, OpError> {
    let (x, index) = (call.tensor("input")?, call.tensor("index")?);
    let dim = shared::dim(call, e, x, "dim")?;
    let src = match src {
        Operand::Tensor(v) => v,
        Operand::Number(v, _) => e.full(TensorType::new(e.dtype(x), e.shape(index)), v)?,
    };
    Ok(vec![e.apply(Prim::Scatter { dim, add }, &[x, index, src])?])
}
