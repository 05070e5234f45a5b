//! All products of the elements of two vectors.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "outer",
    summary: "outer product",
    spellings: &[
        "torch.outer(input: Tensor, vec2: Tensor)",
        "torch.ger(input: Tensor, vec2: Tensor)",
        "Tensor.outer(input: Tensor, vec2: Tensor)",
        "Tensor.ger(input: Tensor, vec2: Tensor)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 2.0]; y = [3.0, 4.0]",
        code: "torch.outer(x, y)",
        gives: "f32[2, 2] = [[3.0, 4.0], [6.0, 8.0]]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, b) = (call.tensor("input")?, call.tensor("vec2")?);
    if e.rank(a) != 1 || e.rank(b) != 1 {
        return Err(OpError::shape(format!("outer takes two vectors, found {:?} and {:?}", e.shape(a), e.shape(b))));
    }
    let a = shared::unsqueeze(e, a, 1)?;
    Ok(vec![e.binary(BinaryOp::Mul, a, b)?])
}
