//! Integral along a dimension by the trapezoidal rule: the sum of (x₊ − x)·(y₊ + y)/2 over neighbouring samples.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, ReduceOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "trapezoid",
    summary: "integral by the trapezoidal rule",
    spellings: &[
        "torch.trapezoid(y: Tensor, x: Tensor? = None, *, dx: float = 1, dim: int = -1)",
        "torch.trapz(y: Tensor, x: Tensor? = None, *, dx: float = 1, dim: int = -1)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "y = [1.0, 5.0, 10.0]", code: "torch.trapezoid(y)", gives: "f32[] = 10.5" },
        Example { given: "y = [1.0, 5.0, 10.0]; x = [1.0, 3.0, 6.0]", code: "torch.trapezoid(y, x)", gives: "f32[] = 28.5" },
        Example { given: "y: f32[2, 3, 8]", code: "torch.trapezoid(y, dx=0.5, dim=1)", gives: "f32[2, 8]" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let y = call.tensor("y")?;
    let y = e.floating(y)?;
    let dim = shared::dim(call, e, y, "dim")?;
    let heights = shift(e, y, dim, BinaryOp::Add)?;
    let areas = match call.opt_tensor("x")? {
        None => shared::scaled(e, heights, call.float("dx")? / 2.0)?,
        Some(x) => {
            let mut x = e.floating(x)?;
            if e.rank(x) == 1 {
                if e.shape(x)[0] != e.shape(y)[dim] {
                    return Err(OpError::shape(format!(
                        "trapezoid: there are {} places for {} values along dimension {dim}",
                        e.shape(x)[0],
                        e.shape(y)[dim]
                    )));
                }
                let mut shape = vec![1; e.rank(y)];
                shape[dim] = e.shape(x)[0];
                x = e.reshape(x, &shape)?;
            } else if e.rank(x) != e.rank(y) {
                return Err(OpError::shape(format!(
                    "trapezoid takes places of one dimension or of as many as the values, found {:?} and {:?}",
                    e.shape(x),
                    e.shape(y)
                )));
            }
            let widths = shift(e, x, dim, BinaryOp::Sub)?;
            let areas = e.binary(BinaryOp::Mul, heights, widths)?;
            shared::scaled(e, areas, 0.5)?
        }
    };
    Ok(vec![shared::reduce(e, areas, ReduceOp::Sum, &[dim], false)?])
}

/// Each sample but the first, added to or less the one before.
fn shift(e: &mut Emitter, x: V, dim: usize, op: BinaryOp) -> Result<V, OpError> {
    let n = e.shape(x).get(dim).copied().unwrap_or(0);
    if n == 0 {
        return Err(OpError::shape("trapezoid needs at least one sample"));
    }
    let (after, before) = (shared::narrow(e, x, dim, 1, n)?, shared::narrow(e, x, dim, 0, n - 1)?);
    e.binary(op, after, before)
}
