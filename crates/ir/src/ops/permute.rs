//! Dimensions in another order.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "permute",
    summary: "dimensions in another order",
    spellings: &["torch.permute(input: Tensor, dims: int[])", "Tensor.permute(input: Tensor, *dims: int[])"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x: f32[2, 3, 4, 5]", code: "x.permute(0, 2, 3, 1)", gives: "f32[2, 4, 5, 3]" },
        Example { given: "x: f32[2, 3, 4]", code: "torch.permute(x, (2, 0, 1))", gives: "f32[4, 2, 3]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let given = call.ints("dims")?;
    if given.len() != e.rank(x) {
        return Err(OpError::argument(format!(
            "permute: the number of dimensions of the tensor ({}) does not match the length of dims {given:?}",
            e.rank(x)
        )));
    }
    let order = if given.is_empty() { Vec::new() } else { e.dims(x, Some(&given))? };
    Ok(vec![e.permute(x, &order)?])
}
