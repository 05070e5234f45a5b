//! Products of two equally long batches of matrices.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "bmm",
    summary: "products of two equally long batches of matrices",
    spellings: &["torch.bmm(input: Tensor, mat2: Tensor)", "Tensor.bmm(input: Tensor, mat2: Tensor)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[5, 2, 3]; y: f32[5, 3, 4]", code: "torch.bmm(x, y)", gives: "f32[5, 2, 4]" }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, b) = (call.tensor("input")?, call.tensor("mat2")?);
    if e.rank(a) != 3 || e.rank(b) != 3 {
        return Err(OpError::shape(format!(
            "bmm takes 3 and 3 dimensions, found {:?} and {:?}",
            e.shape(a),
            e.shape(b)
        )));
    }
    if e.shape(a)[0] != e.shape(b)[0] {
        return Err(OpError::shape(format!("batches of {:?} and {:?} differ", e.shape(a), e.shape(b))));
    }
    Ok(vec![shared::matmul(e, a, b)?])
}
