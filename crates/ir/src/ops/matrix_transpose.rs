//! The last two dimensions exchanged: the attribute `mT`.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "matrix_transpose",
    summary: "the last two dimensions exchanged",
    spellings: &[
        "torch.ops.matrix_transpose(input: Tensor)",
        "torch.adjoint(input: Tensor)",
        "Tensor.adjoint(input: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 3, 4]", code: "x.mT", gives: "f32[2, 4, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let rank = e.rank(x);
    if rank < 2 {
        return Err(OpError::shape(format!(
            "tensor.mT is only supported on matrices or batches of matrices, got {:?}",
            e.shape(x)
        )));
    }
    Ok(vec![shared::swap(e, x, rank - 2, rank - 1)?])
}
