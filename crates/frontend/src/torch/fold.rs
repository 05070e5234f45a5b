//! Values of tensors that are known already: constants of `__init__`, tensors made of shapes and numbers.

use super::Tensor;
use super::trace::BodyKind;
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use archsmith_ir::DType;
use archsmith_ir::reference::{HostTensor, fold};

/// Larger tensors are not folded.
const MAX_ELEMENTS: usize = 1 << 20;

/// The elements of a tensor, where they depend on no input, parameter or random number.
pub(crate) fn constant(i: &mut Interp, t: &Tensor) -> Eval<Option<HostTensor>> {
    let n = t.ty().numel();
    if n > MAX_ELEMENTS || t.parameter {
        return Ok(None);
    }
    i.allocate(n)?;
    let storage = t.storage();
    // A tensor of `__init__` is read where it was made: a state tensor has no value in a forward pass.
    let (kind, value) = if t.view.is_none() && storage.body.get() == BodyKind::Init && !storage.stale.get() {
        (BodyKind::Init, storage.value.get())
    } else {
        let value = i.value_of(t)?;
        (i.torch.current, value)
    };
    let body = i.torch.body(kind);
    Ok(fold(body.program(), body.program_value(value), MAX_ELEMENTS))
}

/// One element as a Python number.
fn number(dtype: DType, v: f64) -> Value {
    match dtype {
        DType::Bool => Value::Bool(v != 0.0),
        d if d.is_float() => Value::Float(v),
        _ => Value::Int(v as i64),
    }
}

/// The value of a tensor with one element, where it is known.
pub(crate) fn scalar(i: &mut Interp, t: &Tensor) -> Eval<Option<Value>> {
    if t.ty().numel() != 1 {
        return Ok(None);
    }
    let dtype = t.dtype();
    Ok(constant(i, t)?.and_then(|h| h.to_f64().first().map(|v| number(dtype, *v))))
}

/// `t.item()`.
pub(crate) fn item(i: &mut Interp, t: &Tensor) -> Eval<Value> {
    let n = t.ty().numel();
    if n != 1 {
        let text = format!("a Tensor with {n} elements cannot be converted to Scalar");
        return Err(i.raise(Exc::RuntimeError, text));
    }
    match scalar(i, t)? {
        Some(v) => Ok(v),
        None if i.torch.current == BodyKind::Recipe => Ok(number(t.dtype(), 0.0)),
        None => Err(unknown(i, "a tensor's value is turned into a Python number")),
    }
}

/// `bool(t)`.
pub(crate) fn truth(i: &mut Interp, t: &Tensor) -> Eval<bool> {
    let n = t.ty().numel();
    if n == 0 {
        return Ok(false);
    }
    if n > 1 {
        return Err(i.raise(Exc::RuntimeError, "Boolean value of Tensor with more than one value is ambiguous"));
    }
    match scalar(i, t)? {
        Some(v) => Ok(v.as_float().is_some_and(|v| v != 0.0)),
        // `learn` guards against losses that are not finite: they are taken to be.
        None if i.torch.current == BodyKind::Recipe => Ok(is_finite_test(i, t)),
        None => Err(unknown(i, "a branch depends on a tensor's value")),
    }
}

/// Whether a truth value comes of `isfinite`.
fn is_finite_test(i: &Interp, t: &Tensor) -> bool {
    let body = i.torch.body(BodyKind::Recipe).body();
    let mut at = t.storage().value.get();
    for _ in 0..8 {
        let Some(archsmith_ir::ValueDef::Node { node, .. }) = body.values.get(at.index()) else { return false };
        let node = &body.nodes[node.index()];
        match node.op.get().name {
            "isfinite" => return true,
            "all" | "reshape" | "logical_and" => {}
            _ => return false,
        }
        let Some(next) = node.inputs().next() else { return false };
        at = next;
    }
    false
}

/// `t.tolist()`.
pub(crate) fn tolist(i: &mut Interp, t: &Tensor) -> Eval<Value> {
    let Some(host) = constant(i, t)? else {
        return Err(unknown(i, "a tensor's elements are turned into a Python list"));
    };
    let values: Vec<Value> = host.to_f64().iter().map(|v| number(t.dtype(), *v)).collect();
    Ok(nested(&t.shape(), &values))
}

fn nested(shape: &[usize], values: &[Value]) -> Value {
    match shape {
        [] => values.first().cloned().unwrap_or_default(),
        [_] => Value::list(values.to_vec()),
        [n, rest @ ..] => {
            let size = values.len() / (*n).max(1);
            Value::list((0..*n).map(|k| nested(rest, &values[k * size..(k + 1) * size])).collect())
        }
    }
}

fn unknown(i: &Interp, what: &str) -> crate::eval::Raise {
    i.abort("data-dependent-control-flow", format!("{what}, which is known only when the network runs"))
}
