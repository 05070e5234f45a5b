//! beta·input + alpha·(mat1 @ mat2).

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "addmm",
    summary: "beta·input + alpha·(mat1 @ mat2)",
    spellings: &[
        "torch.addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1)",
        "Tensor.addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "b: f32[4]; x: f32[2, 3]; y: f32[3, 4]",
        code: "torch.addmm(b, x, y)",
        gives: "f32[2, 4]",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, b) = (call.tensor("mat1")?, call.tensor("mat2")?);
    if e.rank(a) != 2 || e.rank(b) != 2 {
        return Err(OpError::shape(format!("addmm takes 2 dimensions, found {:?} and {:?}", e.shape(a), e.shape(b))));
    }
    let product = shared::matmul(e, a, b)?;
    plus_product(call, e, product)
}

/// `beta·input + alpha·product`.
pub(super) fn plus_product(call: &Call<'_>, e: &mut Emitter, product: V) -> Result<Vec<V>, OpError> {
    let product = shared::scaled(e, product, call.float("alpha")?)?;
    let beta = call.float("beta")?;
    if beta == 0.0 {
        return Ok(vec![product]);
    }
    let x = shared::scaled(e, call.tensor("input")?, beta)?;
    let y = e.binary(BinaryOp::Add, x, product)?;
    if e.shape(y) != e.shape(product) {
        return Err(OpError::shape(format!("{:?} cannot be expanded to {:?}", e.shape(x), e.shape(product))));
    }
    Ok(vec![y])
}
