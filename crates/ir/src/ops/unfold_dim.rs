//! Sliding windows of one dimension as a new last dimension: the method `unfold`.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "unfold_dim",
    summary: "sliding windows of a dimension",
    spellings: &["Tensor.unfold(input: Tensor, dimension: int, size: int, step: int)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x = [1.0, 2.0, 3.0]",
            code: "x.unfold(0, 2, 1)",
            gives: "f32[2, 2] = [[1.0, 2.0], [2.0, 3.0]]",
        },
        Example { given: "x: f32[2, 3, 8, 8]", code: "x.unfold(2, 4, 4)", gives: "f32[2, 3, 2, 8, 4]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dim = shared::dim(call, e, x, "dimension")?;
    let (size, step) = (call.size("size")?, call.size("step")?);
    let n = e.shape(x).get(dim).copied().unwrap_or(1);
    if size > n || step == 0 || e.rank(x) == 0 {
        return Err(OpError::argument(format!(
            "unfold: maximum size for {:?} at dimension {dim} is {n} but size is {size}, step {step}",
            e.shape(x)
        )));
    }
    let count = (n - size) / step + 1;
    // One index of windows × positions, then the window dimension moves to the end.
    let values = (0..count * size).map(|i| (i / size * step + i % size) as f64).collect();
    let index = e.apply(Prim::Literal { ty: TensorType::new(DType::I64, [count * size]), values }, &[])?;
    let y = e.apply(Prim::IndexSelect { dim }, &[x, index])?;
    let old = e.shape(x).to_vec();
    let y = e.reshape(y, &[&old[..dim], &[count, size], &old[dim + 1..]].concat())?;
    let mut order: Vec<usize> = (0..=old.len()).filter(|&d| d != dim + 1).collect();
    order.push(dim + 1);
    Ok(vec![e.permute(y, &order)?])
}
