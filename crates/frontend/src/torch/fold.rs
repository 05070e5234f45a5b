//! Values of tensors that are known already: constants of `__init__`, tensors made of shapes and numbers.

use super::Tensor;
use super::trace::BodyKind;
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use archsmith_ir::reference::{HostTensor, fold, fold_random};
use archsmith_ir::seed::Seed;
use archsmith_ir::{Arg, Attr, DType, Node, ValueDef, ValueId};

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
    if let Some(known) = fold(body.program(), body.program_value(value), MAX_ELEMENTS) {
        return Ok(Some(known));
    }
    if kind == BodyKind::Init || kind == BodyKind::Recipe || !of_constants(i, kind, value) {
        return Ok(None);
    }
    // Made of buffers that hold constants: computed where those are.
    let span = i.span;
    let value = i.hoist(kind, value, span)?;
    let body = i.torch.body(BodyKind::Init);
    Ok(fold(body.program(), body.program_value(value), MAX_ELEMENTS))
}

/// Whether a value depends on nothing but tensors of `__init__` that are no parameters and that this trace has not written.
fn of_constants(i: &Interp, kind: BodyKind, value: ValueId) -> bool {
    let body = i.torch.body(kind).body();
    let (mut pending, mut seen) = (vec![value], rustc_hash::FxHashSet::default());
    while let Some(v) = pending.pop() {
        if !seen.insert(v) {
            continue;
        }
        match body.values.get(v.index()) {
            Some(ValueDef::Node { node, .. }) => pending.extend(body.nodes[node.index()].inputs()),
            Some(ValueDef::State(id)) => {
                let storage = &i.torch.states[id.index()].storage;
                if i.torch.is_parameter(storage) || i.torch.is_written(kind, storage) {
                    return false;
                }
            }
            _ => return false,
        }
    }
    true
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
        None => match drawn(i, t)? {
            Some(v) => Ok(v),
            None => Err(unknown(i, "a tensor's value is turned into a Python number")),
        },
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
        None if i.torch.current == BodyKind::Recipe => Ok(guess(i, t) == Some(true)),
        None => {
            if let Some(v) = drawn(i, t)? {
                return Ok(v.as_float().is_some_and(|v| v != 0.0));
            }
            let Some(v) = guess(i, t) else { return Err(unknown(i, "a branch depends on a tensor's value")) };
            let way = if v { "holds" } else { "does not hold" };
            let text = format!("a branch depends on a tensor's value: its condition is taken to be one that {way}");
            i.note_once(crate::code::ASSUMED_BRANCH, &text);
            Ok(v)
        }
    }
}

/// A random number that the source turns into a Python number: drawn once, while the network is read.
fn drawn(i: &mut Interp, t: &Tensor) -> Eval<Option<Value>> {
    if t.ty().numel() != 1 || t.parameter {
        return Ok(None);
    }
    let value = i.value_of(t)?;
    let body = i.torch.body(i.torch.current);
    // How far the body has come tells one draw from the next.
    let seed = Seed::from_u64(0).derive("random number of the source", &[body.len() as u64]);
    let Some(host) = fold_random(body.program(), body.program_value(value), MAX_ELEMENTS, &seed) else {
        return Ok(None);
    };
    i.note_once(
        crate::code::RANDOM_CHOICE,
        "a random number decides what the network does: it is drawn once, when the network is read",
    );
    Ok(host.to_f64().first().map(|v| number(t.dtype(), *v)))
}

/// What a test of tensors is expected to give: values are finite, a selection selects something.
fn guess(i: &mut Interp, t: &Tensor) -> Option<bool> {
    let value = i.value_of(t).ok()?;
    expected(i.torch.body(i.torch.current).body(), value, 12)
}

fn maker(body: &archsmith_ir::Body, v: ValueId) -> Option<&Node> {
    match body.values.get(v.index()) {
        Some(ValueDef::Node { node, .. }) => Some(&body.nodes[node.index()]),
        _ => None,
    }
}

/// The operator that made a value, looked through what only changes its form.
fn origin(body: &archsmith_ir::Body, mut v: ValueId) -> Option<&Node> {
    loop {
        let node = maker(body, v)?;
        match node.op.get().name {
            "cast" | "reshape" | "view" | "unsqueeze" | "squeeze" | "detach" | "flatten" | "clone" | "select"
            | "slice" | "index" | "expand" | "transpose" => v = node.inputs().next()?,
            _ => return Some(node),
        }
    }
}

fn expected(body: &archsmith_ir::Body, v: ValueId, fuel: usize) -> Option<bool> {
    let fuel = fuel.checked_sub(1)?;
    let node = origin(body, v)?;
    let mut inputs = node.inputs();
    match node.op.get().name {
        "isfinite" => Some(true),
        "isnan" | "isinf" => Some(false),
        "logical_not" | "bitwise_not" => expected(body, inputs.next()?, fuel).map(|b| !b),
        "logical_or" | "bitwise_or" => {
            let (a, b) = (inputs.next()?, inputs.next()?);
            Some(expected(body, a, fuel)? | expected(body, b, fuel)?)
        }
        "logical_and" | "bitwise_and" => {
            let (a, b) = (inputs.next()?, inputs.next()?);
            Some(expected(body, a, fuel)? & expected(body, b, fuel)?)
        }
        "all" => expected(body, inputs.next()?, fuel),
        // Some element is: unless the elements are of a kind that none is expected to be.
        "any" => Some(expected(body, inputs.next()?, fuel).unwrap_or(true)),
        name @ ("gt" | "ge" | "ne" | "eq" | "le" | "lt") => {
            let counted = origin(body, inputs.next()?).is_some_and(|n| {
                matches!(n.op.get().name, "sum" | "count_nonzero")
                    && n.inputs().next().and_then(|x| origin(body, x)).is_some_and(|m| is_test(m.op.get().name))
            });
            let bound = node.args.iter().rev().find_map(|a| match a {
                Arg::Attr(a @ (Attr::Int(_) | Attr::Float(_))) => a.as_f64(),
                _ => None,
            })?;
            match (counted, name) {
                (true, "gt" | "ne") if bound == 0.0 => Some(true),
                (true, "ge") if bound == 1.0 => Some(true),
                (true, "eq" | "le") if bound == 0.0 => Some(false),
                (true, "lt") if bound == 1.0 => Some(false),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_test(name: &str) -> bool {
    matches!(
        name,
        "eq" | "ne"
            | "lt"
            | "le"
            | "gt"
            | "ge"
            | "any"
            | "all"
            | "logical_and"
            | "logical_or"
            | "logical_not"
            | "bitwise_and"
            | "bitwise_or"
            | "bitwise_not"
            | "one_hot"
            | "isnan"
            | "isinf"
            | "isfinite"
    )
}

/// For an integer tensor of indices: how many values there can be, `0 … n−1`.
pub(crate) fn index_range(i: &mut Interp, t: &Tensor) -> Option<usize> {
    let value = i.value_of(t).ok()?;
    let body = i.torch.body(i.torch.current);
    let node = origin(body.body(), value)?;
    let ty = body.ty(node.inputs().next()?);
    let signature = node.op.signature();
    let dim = match node.op.get().name {
        "topk" | "argmax" | "argmin" | "argsort" | "sort" | "max_dim" | "min_dim" => signature.index("dim")?,
        _ => return None,
    };
    match &node.args[dim] {
        Arg::Attr(a) => {
            let dim = archsmith_ir::op::normalize_dim(a.as_i64()?, ty.rank()).ok()?;
            ty.shape.get(dim).copied()
        }
        _ => None,
    }
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
    i.abort(crate::code::DATA_DEPENDENT, format!("{what}, which is known only when the network runs"))
}
