//! Indexing by integer tensors in one or several dimensions: `x[:, i, j]`. Boolean masks give a shape that depends on values and
//! are refused.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim};
use crate::types::broadcast;

pub(super) const OPERATOR: Operator = Operator {
    name: "index",
    summary: "indexing by integer tensors",
    spellings: &["torch.ops.index(input: Tensor, indices: Tensor[], dims: int[])"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 6.0, 2.0]", code: "x[torch.tensor([2, 0])]", gives: "f32[2] = [2.0, 1.0]" },
        Example { given: "x: f32[5, 4, 3]", code: "x[:, torch.tensor([0, 2])]", gives: "f32[5, 2, 3]" },
        Example { given: "x = [1.0, 6.0, 2.0]", code: "x[torch.tensor([-1])]", gives: "f32[1] = [2.0]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let i = indexed(call, e)?;
    let shape = e.shape(i.index).to_vec();
    let flat = shared::flat(e, i.index)?;
    let chosen = e.apply(Prim::IndexSelect { dim: 0 }, &[i.folded, flat])?;
    let rest = e.shape(i.folded)[1..].to_vec();
    let y = e.reshape(chosen, &[shape.as_slice(), rest.as_slice()].concat())?;
    // The new dimensions go behind the `place` leading ones that were not indexed.
    let (new, rank) = (shape.len(), shape.len() + rest.len());
    let order: Vec<usize> = (new..new + i.place).chain(0..new).chain(new + i.place..rank).collect();
    Ok(vec![e.permute(y, &order)?])
}

/// Tensor indices brought to one linear index: `x` with the indexed dimensions first and folded into one.
pub(super) struct Indexed {
    /// `[product of the indexed sizes, rest…]`.
    pub(super) folded: V,
    /// i64, the broadcast shape of the indices.
    pub(super) index: V,
    /// The order that brought the indexed dimensions to the front.
    pub(super) order: Vec<usize>,
    /// Where the broadcast dimensions stand in the result: the first indexed dimension when all are neighbours, else 0.
    pub(super) place: usize,
}

/// Reads the arguments `input`, `indices` and `dims`.
pub(super) fn indexed(call: &Call<'_>, e: &mut Emitter) -> Result<Indexed, OpError> {
    let x = call.tensor("input")?;
    let indices = call.tensors("indices")?;
    let dims = e.dims(x, Some(&call.ints("dims")?))?;
    if indices.is_empty() || indices.len() != dims.len() || e.rank(x) == 0 {
        return Err(OpError::argument(format!(
            "{} index tensors for dimensions {dims:?} of {:?}",
            indices.len(),
            e.shape(x)
        )));
    }
    let mut shape: Vec<usize> = Vec::new();
    for &i in indices {
        shape = broadcast(&shape, e.shape(i)).ok_or_else(|| {
            OpError::shape(format!(
                "shape mismatch: indexing tensors {shape:?} and {:?} could not be broadcast together",
                e.shape(i)
            ))
        })?;
    }
    let mut order = dims.clone();
    order.extend((0..e.rank(x)).filter(|d| !dims.contains(d)));
    let moved = e.permute(x, &order)?;
    let sizes = e.shape(moved)[..dims.len()].to_vec();
    let rest = e.shape(moved)[dims.len()..].to_vec();
    let folded = e.reshape(moved, &[&[sizes.iter().product()], rest.as_slice()].concat())?;
    let mut linear: Option<V> = None;
    for (&i, &n) in indices.iter().zip(&sizes) {
        let i = shared::wrapped_index(e, i, n)?;
        linear = Some(match linear {
            None => i,
            Some(l) => {
                let l = e.scalar(BinaryOp::Mul, l, n as f64, false)?;
                e.binary(BinaryOp::Add, l, i)?
            }
        });
    }
    let index = linear.ok_or_else(|| OpError::argument("no index"))?;
    let index = e.expand(index, &shape)?;
    let neighbours = dims.windows(2).all(|w| w[1] == w[0] + 1);
    let place = if neighbours { dims[0] } else { 0 };
    Ok(Indexed { folded, index, order, place })
}
