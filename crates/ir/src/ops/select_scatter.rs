//! A tensor with one slice of a dimension replaced: `x[…, i] = v`.

use super::select;
use super::shared;
use super::slice_scatter;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "select_scatter",
    summary: "one slice of a dimension replaced",
    spellings: &[
        "torch.ops.select_scatter(input: Tensor, src: Tensor|Scalar, dim: int, index: int)",
        "torch.select_scatter(input: Tensor, src: Tensor, dim: int, index: int)",
        "Tensor.select_scatter(input: Tensor, src: Tensor, dim: int, index: int)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 2.0, 3.0]",
        code: "torch.ops.select_scatter(x, 9.0, 0, -1)",
        gives: "f32[3] = [1.0, 2.0, 9.0]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if e.rank(x) == 0 {
        return Err(OpError::shape("a scalar tensor has no dimension to assign to"));
    }
    let dim = shared::dim(call, e, x, "dim")?;
    let index = select::position(call.int("index")?, e.shape(x)[dim])?;
    let src = shared::as_tensor(e, shared::operand(call, "src")?)?;
    let mut shape = e.shape(x).to_vec();
    shape.remove(dim);
    let src = e.expand(src, &shape)?;
    let src = shared::unsqueeze(e, src, dim)?;
    Ok(vec![slice_scatter::replaced(e, x, src, dim, index, index + 1, 1)?])
}
