//! beta·input + alpha·(batch1 @ batch2), for batches of matrices.

use super::addmm;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "baddbmm",
    summary: "beta·input + alpha·(batch1 @ batch2), for batches of matrices",
    spellings: &[
        "torch.baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1)",
        "Tensor.baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "b: f32[5, 1, 4]; x: f32[5, 2, 3]; y: f32[5, 3, 4]",
        code: "torch.baddbmm(b, x, y, beta=0.5)",
        gives: "f32[5, 2, 4]",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, b) = (call.tensor("batch1")?, call.tensor("batch2")?);
    if e.rank(a) != 3 || e.rank(b) != 3 {
        return Err(OpError::shape(format!("baddbmm takes 3 dimensions, found {:?} and {:?}", e.shape(a), e.shape(b))));
    }
    let product = shared::matmul(e, a, b)?;
    addmm::plus_product(call, e, product)
}
