//! Integers as vectors with a single one. The number of classes must be given: it would depend on the values otherwise.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::BinaryOp;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "one_hot",
    summary: "integers as one-hot vectors",
    spellings: &["torch.nn.functional.one_hot(input: Tensor, num_classes: int = -1)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "", code: "F.one_hot(torch.tensor([1]), 3)", gives: "i64[1, 3] = [[0, 1, 0]]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    if e.dtype(x) != DType::I64 {
        return Err(OpError::dtype(format!(
            "one_hot is only applicable to index tensors of type int64, found {}",
            e.dtype(x)
        )));
    }
    let n = call.int("num_classes")?;
    if n < 1 {
        return Err(
            OpError::unsupported("one_hot without num_classes, whose shape depends on values").help("pass num_classes")
        );
    }
    let x = shared::unsqueeze(e, x, e.rank(x))?;
    let classes = shared::iota(e, n as usize)?;
    let hot = e.binary(BinaryOp::Eq, x, classes)?;
    Ok(vec![e.cast(hot, DType::I64)?])
}
