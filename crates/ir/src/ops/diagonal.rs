//! The diagonal of two dimensions, as a new last dimension.

use super::shared;
use crate::op::{Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "diagonal",
    summary: "diagonal of two dimensions",
    spellings: &[
        "torch.diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1)",
        "Tensor.diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let (a, b) = (shared::dim(call, e, x, "dim1")?, shared::dim(call, e, x, "dim2")?);
        Ok(vec![diagonal(e, x, call.int("offset")?, a, b)?])
    },
    examples: &[
        Example { given: "", code: "torch.eye(3).diagonal()", gives: "f32[3] = [1.0, 1.0, 1.0]" },
        Example { given: "x: f32[2, 3, 4]", code: "torch.diagonal(x, 1, 1, 2)", gives: "f32[2, 3]" },
    ],
    tolerance: 0.0,
};

/// The diagonal of two dimensions, as a new last dimension.
pub(super) fn diagonal(e: &mut Emitter, x: V, offset: i64, a: usize, b: usize) -> Result<V, OpError> {
    let rank = e.rank(x);
    if rank < 2 || a == b {
        return Err(OpError::shape(format!("diagonal dimensions cannot be identical ({a}, {b}) in {:?}", e.shape(x))));
    }
    let mut order: Vec<usize> = (0..rank).filter(|&d| d != a && d != b).collect();
    order.extend([a, b]);
    let x = e.permute(x, &order)?;
    let (rows, columns) = (e.shape(x)[rank - 2] as i64, e.shape(x)[rank - 1] as i64);
    let (row, column) = if offset >= 0 { (0, offset) } else { (-offset, 0) };
    let n = (rows - row).min(columns - column).max(0) as usize;
    let mut shape = e.shape(x)[..rank - 2].to_vec();
    shape.push((rows * columns) as usize);
    let flat = e.reshape(x, &shape)?;
    let start = (row * columns + column) as f64;
    let index = e.apply(Prim::Arange { start, step: (columns + 1) as f64, n, dtype: DType::I64 }, &[])?;
    e.apply(Prim::IndexSelect { dim: rank - 2 }, &[flat, index])
}
