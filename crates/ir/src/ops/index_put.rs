//! A tensor with values written or added where integer tensors index it: `x[:, i, j] = v`.

use super::index;
use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "index_put",
    summary: "values written where tensors index",
    spellings: &[
        "torch.ops.index_put(input: Tensor, indices: Tensor[], dims: int[], values: Tensor|Scalar, accumulate: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [1.0, 6.0, 2.0]; i: i64[2]",
        code: "torch.ops.index_put(x, [i], [0], 0.0)",
        gives: "f32[3]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let i = index::indexed(call, e)?;
    let dtype = e.dtype(i.folded);
    let shape = e.shape(i.index).to_vec();
    let rest = e.shape(i.folded)[1..].to_vec();
    let count: usize = shape.iter().product();
    let row: usize = rest.iter().product();
    // The values have the shape of the indexing result; the new dimensions move to the front.
    let wide = [&rest[..i.place], shape.as_slice(), &rest[i.place..]].concat();
    let values = match shared::operand(call, "values")? {
        Operand::Number(v, _) => e.full(TensorType::new(dtype, []), v)?,
        Operand::Tensor(v) => e.cast(v, dtype)?,
    };
    let values = e.expand(values, &wide).map_err(|_| {
        OpError::shape(format!(
            "shape mismatch: value tensor of shape {:?} cannot be broadcast to indexing result of shape {wide:?}",
            e.shape(values)
        ))
    })?;
    let new = shape.len();
    let order: Vec<usize> = (i.place..i.place + new).chain(0..i.place).chain(i.place + new..wide.len()).collect();
    let values = e.permute(values, &order)?;
    let values = e.reshape(values, &[count, row])?;
    let index = e.reshape(i.index, &[count, 1])?;
    let index = e.expand(index, &[count, row])?;
    let n = e.shape(i.folded)[0];
    let target = e.reshape(i.folded, &[n, row])?;
    let y = e.apply(Prim::Scatter { dim: 0, add: call.bool("accumulate")? }, &[target, index, values])?;
    let x = e.shape(call.tensor("input")?).to_vec();
    let moved: Vec<usize> = i.order.iter().map(|&d| x[d]).collect();
    let y = e.reshape(y, &moved)?;
    let mut back = vec![0; i.order.len()];
    for (position, &d) in i.order.iter().enumerate() {
        back[d] = position;
    }
    Ok(vec![e.permute(y, &back)?])
}
