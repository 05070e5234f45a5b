//! Selection and placement by index.

use super::exec::Operands;
use super::value::{INT, Place, Value};
use crate::kernels::Kernels;
use archsmith_ir::prim::Prim;
use burn::tensor::ops::IntTensor;

/// Executes a primitive of this family.
pub(super) fn execute<B: Kernels>(prim: &Prim, operands: &mut Operands<'_, B>, place: &Place<B>) -> Vec<Value<B>> {
    match prim {
        Prim::IndexSelect { dim } => {
            let index = place.to_int(operands.take(1));
            let index = wrap(index, operands.shape(0)[*dim], place);
            vec![operands.take(0).select(*dim, index)]
        }
        Prim::Gather { dim } => {
            let index_shape = operands.shape(1).to_vec();
            let shape = operands.shape(0).to_vec();
            let mut x = operands.take(0);
            for d in (0..shape.len()).filter(|d| d != dim && index_shape[*d] != shape[*d]) {
                x = x.narrow(shape.len(), d, 0..index_shape[d]);
            }
            let index = place.to_int(operands.take(1));
            vec![gather(x, *dim, index)]
        }
        Prim::Scatter { dim, add } => {
            let (index_shape, source_shape) = (operands.shape(1).to_vec(), operands.shape(2).to_vec());
            let x = operands.take(0);
            let index = place.to_int(operands.take(1));
            let mut source = operands.take(2);
            for d in (0..source_shape.len()).filter(|&d| index_shape[d] != source_shape[d]) {
                source = source.narrow(source_shape.len(), d, 0..index_shape[d]);
            }
            vec![scatter(x, operands.shape(0), *dim, index, source, &index_shape, *add, place)]
        }
        Prim::TopK { k, dim, largest } => top_k(operands.take(0), operands.shape(0), *k, *dim, *largest, place),
        _ => Vec::new(),
    }
}

/// Negative indices count from the end, as PyTorch's advanced indexing has it.
fn wrap<B: Kernels>(index: IntTensor<B>, size: usize, place: &Place<B>) -> IntTensor<B> {
    let negative = B::int_lower_elem(index.clone(), 0.into(), place.bool_store);
    let wrapped = B::int_add_scalar(index.clone(), (size as i64).into());
    B::int_mask_where(index, negative, wrapped)
}

fn gather<B: Kernels>(x: Value<B>, dim: usize, index: IntTensor<B>) -> Value<B> {
    match x {
        Value::Float(x) => Value::Float(B::float_gather(dim, x, index)),
        Value::Int(x) => Value::Int(B::int_gather(dim, x, index)),
        Value::Bool(x) => Value::Bool(B::bool_gather(dim, x, index)),
    }
}

#[allow(clippy::too_many_arguments, reason = "the operands of one primitive")]
fn scatter<B: Kernels>(
    x: Value<B>,
    shape: &[usize],
    dim: usize,
    index: IntTensor<B>,
    source: Value<B>,
    index_shape: &[usize],
    add: bool,
    place: &Place<B>,
) -> Value<B> {
    let zeros = |value: &Value<B>| place.full(&archsmith_ir::TensorType::new(element(value), shape), 0.0);
    let written = (!add).then(|| {
        let ones = B::int_ones(index_shape.to_vec().into(), &place.device, INT);
        let none = B::int_zeros(shape.to_vec().into(), &place.device, INT);
        B::int_greater_elem(B::int_scatter_add(dim, none, index.clone(), ones), 0.into(), place.bool_store)
    });
    let base = match written {
        None => x,
        Some(mask) => {
            let empty = zeros(&x);
            x.mask_where(mask, empty, place)
        }
    };
    match (base, source) {
        (Value::Float(x), s) => Value::Float(B::float_scatter_add(dim, x, index, s.float(place))),
        (Value::Int(x), s) => Value::Int(B::int_scatter_add(dim, x, index, place.to_int(s))),
        (Value::Bool(x), s) => Value::Bool(B::bool_scatter_or(dim, x, index, place.to_bool(s))),
    }
}

fn element<B: Kernels>(value: &Value<B>) -> archsmith_ir::DType {
    use burn::tensor::TensorMetadata;
    match value {
        Value::Float(x) if x.dtype() == burn::tensor::DType::F64 => archsmith_ir::DType::F64,
        Value::Float(_) => archsmith_ir::DType::F32,
        Value::Int(_) => archsmith_ir::DType::I64,
        Value::Bool(_) => archsmith_ir::DType::Bool,
    }
}

/// Values and indices of the extremes, in order. The values are gathered, so that the gradient reaches them.
fn top_k<B: Kernels>(
    x: Value<B>,
    shape: &[usize],
    k: usize,
    dim: usize,
    largest: bool,
    place: &Place<B>,
) -> Vec<Value<B>> {
    let rank = shape.len().max(1);
    let order = match &x {
        Value::Float(x) => B::float_argsort(B::float_set_require_grad(x.clone(), false), dim, largest, INT),
        other => B::int_argsort(place.to_int(other.clone()), dim, largest),
    };
    let index = place.to_int(Value::Int(order).narrow(rank, dim, 0..k));
    vec![gather(x, dim, index.clone()), Value::Int(index)]
}
