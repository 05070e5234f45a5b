//! Dimensions of size 1 repeated without copying; -1 keeps a size.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};

pub(super) const OPERATOR: Operator = Operator {
    name: "expand",
    summary: "dimensions of size 1 repeated",
    spellings: &["Tensor.expand(input: Tensor, *size: int[], implicit: bool = False)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x: f32[2, 1, 4]", code: "x.expand(-1, 3, -1)", gives: "f32[2, 3, 4]" },
        Example { given: "x: f32[1, 4]", code: "x.expand(5, 2, 4)", gives: "f32[5, 2, 4]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let given = call.ints("size")?;
    let old = e.shape(x);
    if given.len() < old.len() {
        return Err(OpError::shape(format!(
            "expand({given:?}): the number of sizes provided must be at least the number of dimensions of {old:?}"
        )));
    }
    let new = given.len() - old.len();
    let mut shape = Vec::with_capacity(given.len());
    for (i, &n) in given.iter().enumerate() {
        shape.push(match n {
            -1 if i >= new => old[i - new],
            _ => usize::try_from(n).map_err(|_| {
                OpError::argument(format!("expand({given:?}): {n} isn't allowed in a leading, non-existing dimension"))
            })?,
        });
    }
    Ok(vec![e.expand(x, &shape)?])
}
