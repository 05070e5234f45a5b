//! PyTorch for the evaluator: abstract tensors, operators, modules, the `torch` namespace.
//!
//! What an operator does is not said here: calls are bound to the signatures of the IR's operators and added to a body, which
//! proves their types. What is here is PyTorch's Python side.

mod arith;
pub(crate) mod bind;
mod classes;
mod complex;
mod custom;
mod dynamic;
#[cfg(test)]
mod examples;
pub(crate) mod explain;
pub(crate) mod factory;
pub(crate) mod fold;
mod hooks;
mod index;
mod layout;
mod methods;
pub(crate) mod module;
pub(crate) mod names;
mod namespace;
mod natives;
pub(crate) mod record;
mod tensor;
pub(crate) mod trace;
pub(crate) mod traverse;
mod write;

pub(crate) use arith::{tensor_binary, tensor_compare, tensor_inplace, tensor_unary};
pub(crate) use classes::value_class;
pub(crate) use complex::{complex, complex_part};
pub(crate) use namespace::module_import;
pub(crate) use tensor::{Tensor, TensorObj};
pub(crate) use trace::State;

use crate::eval::args::Args;
use crate::eval::class::Class;
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use archsmith_ir::{Attr, DType, Returns};
use std::rc::Rc;
use trace::TensorArg;

/// An attribute of a tensor; `None`: it has none of this name.
pub(crate) fn tensor_get_attr(i: &mut Interp, t: &Tensor, name: &str) -> Eval<Option<Value>> {
    match methods::get(i, t, name)? {
        Some(v) => Ok(Some(v)),
        None if names::exists("Tensor", name) => match composed(i, name)? {
            Some(f) => Ok(Some(Value::bound(Value::Tensor(t.clone()), f))),
            None => Err(i.unsupported(format!("Tensor.{name}"))),
        },
        None => Ok(None),
    }
}

/// A function of `torch` written in Python whose name is a method too.
fn composed(i: &mut Interp, name: &str) -> Eval<Option<Value>> {
    let Some(torch) = i.import_module("torch")? else { return Ok(None) };
    let found = match i.module_attr(&torch, Sym::new(name)) {
        Err(crate::eval::Raise::Abort(why)) if why.code == crate::code::UNSUPPORTED => None,
        other => other?,
    };
    Ok(found.filter(|v| matches!(v, Value::Function(_))))
}

/// `torch.Tensor.NAME`: a method that is bound to no tensor yet. `None`: another class, or no such method.
pub(crate) fn class_method(i: &Interp, class: &Rc<Class>, name: &str) -> Option<Value> {
    if !classes::is_tensor(i, class) {
        return None;
    }
    methods::method(name)
}

/// Sets an attribute of a tensor.
pub(crate) fn tensor_set_attr(i: &mut Interp, t: &Tensor, name: &str, value: Value) -> Eval<()> {
    methods::set(i, t, name, &value)
}

/// `t[index]`.
pub(crate) fn tensor_index(i: &mut Interp, t: &Tensor, index: &Value) -> Eval<Value> {
    index::get(i, t, index).map(Value::Tensor)
}

/// `t[index] = value`.
pub(crate) fn tensor_index_set(i: &mut Interp, t: &Tensor, index: &Value, value: Value) -> Eval<()> {
    index::set(i, t, index, &value)
}

/// `iter(t)`: the tensors along the first dimension.
pub(crate) fn tensor_iter(i: &mut Interp, t: &Tensor) -> Eval<Vec<Value>> {
    if t.rank() == 0 {
        return Err(i.raise(Exc::TypeError, "iteration over a 0-d tensor"));
    }
    let n = t.shape()[0];
    i.allocate(n)?;
    i.steps(n)?;
    let parts = i.op_all("unbind", &[("input", TensorArg::Tensor(t.clone()))])?;
    Ok(parts.into_iter().map(Value::Tensor).collect())
}

/// `len(t)`.
pub(crate) fn tensor_len(i: &mut Interp, t: &Tensor) -> Eval<usize> {
    match t.shape().first() {
        Some(n) => Ok(*n),
        None => Err(i.raise(Exc::TypeError, "len() of a 0-d tensor")),
    }
}

/// `bool(t)`.
pub(crate) fn tensor_truth(i: &mut Interp, t: &Tensor) -> Eval<bool> {
    fold::truth(i, t)
}

/// `int(t)`, `float(t)`, `t.item()`: the value of a tensor with one element, where it is known.
pub(crate) fn tensor_number(i: &mut Interp, t: &Tensor) -> Eval<Value> {
    if t.ty().numel() != 1 {
        return Err(i.raise(Exc::ValueError, "only one element tensors can be converted to Python scalars"));
    }
    fold::item(i, t)
}

/// `repr(t)`: its type.
pub(crate) fn tensor_repr(_i: &mut Interp, t: &Tensor) -> String {
    let shape = t.shape();
    let kind = if t.parameter { "Parameter containing: tensor" } else { "tensor" };
    format!("{kind}(size={shape:?}, dtype=torch.{})", t.dtype().torch_name())
}

/// An attribute of a dtype, a device, a size or a torch function.
pub(crate) fn value_attr(_interp: &mut Interp, value: &Value, name: &str) -> Eval<Option<Value>> {
    Ok(match (value, name) {
        (Value::DType(d), "is_floating_point") => Some(Value::Bool(d.is_float())),
        (Value::DType(_), "is_complex") => Some(Value::Bool(false)),
        (Value::DType(d), "itemsize") => Some(Value::from(d.size_bytes())),
        (Value::Device(d), "type") => Some(Value::str(d.split(':').next().unwrap_or(d))),
        (Value::Device(d), "index") => {
            Some(d.split_once(':').and_then(|(_, n)| n.parse().ok()).map_or(Value::None, Value::Int))
        }
        (Value::Operator(p), "__name__" | "__qualname__") => Some(Value::str(p.rsplit('.').next().unwrap_or(p))),
        (Value::Operator(_), "__module__") => Some(Value::str("torch")),
        (Value::Tuple(t), "numel") if t.size => Some(Value::bound(
            value.clone(),
            Value::native("numel", |i, args| {
                let mut n = 1i64;
                for v in i.iterate(&args.receiver().0)? {
                    n = n.saturating_mul(v.as_int().unwrap_or(1));
                }
                Ok(Value::Int(n))
            }),
        )),
        _ => None,
    })
}

/// `copy.deepcopy(t)`: a tensor of its own with the same elements; a parameter stays one.
pub(crate) fn copy_tensor(i: &mut Interp, t: &Tensor) -> Eval<Value> {
    let copy = methods::clone(i, t)?;
    if !t.parameter {
        return Ok(Value::Tensor(copy));
    }
    let mut p = TensorObj::over(copy.storage());
    p.parameter = true;
    p.requires_grad.set(t.requires_grad.get());
    Ok(Value::Tensor(Rc::new(p)))
}

/// A tensor in another element type; itself when it has it already.
pub(crate) fn cast(i: &mut Interp, t: &Tensor, dtype: DType) -> Eval<Tensor> {
    if t.dtype() == dtype {
        return Ok(t.clone());
    }
    i.op("cast", &[("input", TensorArg::Tensor(t.clone())), ("dtype", TensorArg::Attr(Attr::DType(dtype)))])
}

/// Refuses to see a tensor in another shape where its elements do not lie so that PyTorch could.
fn viewable(i: &mut Interp, t: &Tensor, shape: &[usize]) -> Eval<()> {
    let layout = t.layout.borrow().clone();
    let layout::Layout::Strided(strides) = layout else { return Ok(()) };
    let old = t.shape();
    if layout::viewed(&old, &strides, shape).is_some() {
        return Ok(());
    }
    let text = "view size is not compatible with input tensor's size and stride (at least one dimension spans across two \
                contiguous subspaces). Use .reshape(...) instead.";
    let mut raise = i.raise(Exc::RuntimeError, text);
    if let crate::eval::Raise::Exception(e) = &mut raise {
        e.code = archsmith_ir::OpError::SHAPE;
        e.help = Some(format!(
            "the tensor of shape {old:?} is not contiguous (strides {strides:?}): use .reshape(...), or .contiguous() before"
        ));
    }
    Err(raise)
}

/// `x.unsqueeze_(0)` and the like: the tensor itself has another shape from here on.
fn reshaped_in_place(i: &mut Interp, target: &Tensor, out: &Tensor) -> Eval<Value> {
    if target.view.is_some() || target.storage().state.get().is_some() {
        return Err(i.unsupported("a view, a parameter or a buffer that takes another shape in place"));
    }
    // What the result is a view of is itself: it stands alone.
    let alone = methods::clone(i, out)?;
    *target.storage.borrow_mut() = alone.storage();
    *target.layout.borrow_mut() = out.layout.borrow().clone();
    Ok(Value::Tensor(target.clone()))
}

/// Refuses indices that are known and lie outside an embedding's table.
fn known_rows(i: &mut Interp, op: archsmith_ir::OpId, args: &[TensorArg]) -> Eval<()> {
    let signature = op.signature();
    let given = |name| signature.index(name).and_then(|k| args.get(k));
    let (Some(TensorArg::Tensor(index)), Some(TensorArg::Tensor(table))) = (given("input"), given("weight")) else {
        return Ok(());
    };
    let rows = table.shape().first().copied().unwrap_or(0);
    let Some(known) = fold::constant(i, index)? else { return Ok(()) };
    let Some(bad) = known.to_f64().iter().copied().find(|&v| v < 0.0 || v >= rows as f64) else { return Ok(()) };
    let mut raise = i.raise(Exc::IndexError, "index out of range in self");
    if let crate::eval::Raise::Exception(t) = &mut raise {
        t.code = archsmith_ir::OpError::INDEX;
        t.help =
            Some(format!("the embedding has {rows} rows, and row {bad} is asked for: num_embeddings counts them all"));
    }
    Err(raise)
}

/// Calls the function or method at a path of the IR's operators.
pub(crate) fn call_operator(i: &mut Interp, path: &'static str, mut args: Args) -> Eval<Value> {
    i.step()?;
    // `torch.cat(generator)` and the like take any iterable; a Size and a list are the same to a signature.
    let method = path.rsplit('.').next().unwrap_or(path);
    let in_place = method.ends_with('_') && !method.ends_with("__");
    if let Some(v) = complex::operator(i, method, &mut args)? {
        return Ok(v);
    }
    if let Some(Value::Instance(_)) = args.pos.first()
        && let Some(v) = args.pos.first().and_then(|v| v.as_instance()).and_then(|v| v.payload_value())
    {
        args.pos[0] = v;
    }
    let target = args.pos.first().or_else(|| args.kw.first().map(|(_, v)| v)).and_then(Value::as_tensor).cloned();
    let bound = bind::bind(i, path, args)?;
    if in_place
        && let Some(target) = &target
        && i.sets_initial_value(target, &bound.args)
    {
        // A layer made in a forward pass: its weights are being drawn, not changed.
        let current = std::mem::replace(&mut i.torch.current, trace::BodyKind::Init);
        let written = i.push(bound.op, &bound.args).and_then(|out| i.write(target, &out[0]));
        i.torch.current = current;
        written?;
        return Ok(Value::Tensor(target.clone()));
    }
    if bound.op.get().name == "embedding" {
        known_rows(i, bound.op, &bound.args)?;
    }
    let outputs = i.push(bound.op, &bound.args)?;
    if matches!(bound.op.get().name, "view" | "view_as")
        && let [out] = outputs.as_slice()
        && let Some(target) = &target
    {
        viewable(i, target, &out.shape())?;
    }
    if (in_place || bound.inplace)
        && let Some(target) = target
        && let [out] = outputs.as_slice()
    {
        if matches!(bound.op.get().name, "unsqueeze" | "squeeze" | "transpose" | "t") {
            return reshaped_in_place(i, &target, out);
        }
        i.write(&target, out)?;
        return Ok(Value::Tensor(target));
    }
    if let (Some(target), [result]) = (&bound.out, outputs.as_slice()) {
        i.write(target, result)?;
        return Ok(Value::Tensor(target.clone()));
    }
    if bound.requires_grad {
        for t in &outputs {
            t.requires_grad.set(true);
        }
    }
    let mut values: Vec<Value> = outputs.into_iter().map(Value::Tensor).collect();
    if bound.op.get().name == "multi_head_attention" && values.len() == 1 {
        // `need_weights=False`: PyTorch gives None in place of the weights.
        values.push(Value::None);
    }
    Ok(match bound.op.get().returns {
        Returns::Tensor if values.len() > 1 => Value::tuple(values),
        Returns::Tensor => values.into_iter().next().unwrap_or_default(),
        Returns::Tuple => Value::tuple(values),
        Returns::Named(fields) => classes::named_tuple(i, bound.op.get().name, fields, values),
    })
}
