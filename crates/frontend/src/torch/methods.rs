//! Attributes of tensors, and the methods that are no operators: questions about the type, moves between devices, in-place
//! copies. Every other method is an operator's spelling.

use super::layout::Layout;
use super::trace::{BodyKind, TensorArg};
use super::{Tensor, TensorObj, bind, cast, fold};
use crate::eval::args::Args;
use crate::eval::value::{NativeFn, Value};
use crate::eval::{Eval, Exc, Interp};
use archsmith_ir::{Attr, DType, OpId};
use std::rc::Rc;

/// An attribute of a tensor. `None`: there is none.
pub(crate) fn get(i: &mut Interp, t: &Tensor, name: &str) -> Eval<Option<Value>> {
    let input = ("input", TensorArg::Tensor(t.clone()));
    Ok(Some(match name {
        "shape" => Value::size(&t.shape()),
        "ndim" => Value::from(t.rank()),
        "dtype" => Value::DType(t.dtype()),
        "device" => Value::Device("cpu".into()),
        "data" => Value::Tensor(data(t)),
        "requires_grad" => Value::Bool(t.requires_grad.get()),
        "grad" | "grad_fn" => Value::None,
        "is_leaf" => Value::Bool(t.parameter || !t.requires_grad.get()),
        "is_cuda" | "is_sparse" | "is_quantized" | "is_meta" | "is_mps" | "is_nested" => Value::Bool(false),
        "layout" => Value::Opaque("torch.strided".into()),
        "itemsize" => Value::from(t.dtype().size_bytes()),
        "nbytes" => Value::from(t.ty().bytes()),
        "real" => Value::Tensor(t.clone()),
        "imag" => {
            return Err(i.raise(Exc::TypeError, "imag is not implemented for tensors with non-complex dtypes."));
        }
        "T" => {
            let dims = Attr::Ints((0..t.rank() as i64).rev().collect());
            Value::Tensor(i.op("permute", &[input, ("dims", TensorArg::Attr(dims))])?)
        }
        "mT" | "H" | "mH" => {
            if t.rank() < 2 {
                let text = format!("tensor.{name} is only supported on matrices or batches of matrices");
                return Err(i.raise(Exc::RuntimeError, text));
            }
            let (a, b) = (TensorArg::Attr(Attr::Int(-2)), TensorArg::Attr(Attr::Int(-1)));
            Value::Tensor(i.op("transpose", &[input, ("dim0", a), ("dim1", b)])?)
        }
        _ => {
            if let Some(v) = t.attrs.borrow().get(&crate::syntax::Sym::new(name)) {
                return Ok(Some(v.clone()));
            }
            match method(name) {
                Some(f) => Value::bound(Value::Tensor(t.clone()), f),
                None => return Ok(None),
            }
        }
    }))
}

/// A method by its name, unbound.
pub(crate) fn method(name: &str) -> Option<Value> {
    if let Some((name, f)) = NATIVE.iter().chain(super::dynamic::FUNCTIONS).find(|(n, _)| *n == name) {
        return Some(Value::native(name, *f));
    }
    let path = format!("Tensor.{name}");
    OpId::by_path(&path).first().map(|(_, s)| Value::Operator(s.path))
}

/// Sets an attribute of a tensor.
pub(crate) fn set(i: &mut Interp, t: &Tensor, name: &str, value: &Value) -> Eval<()> {
    match (name, value) {
        ("requires_grad", v) => {
            let v = i.truth(v)?;
            require_grad(i, t, v)
        }
        ("data", Value::Tensor(new)) => {
            let storage = new.storage();
            if t.storage().body.get() == BodyKind::Init && i.torch.current != BodyKind::Init {
                return i.write(&data(t), new);
            }
            if t.storage().state.get().is_some() {
                return Err(i.abort(crate::code::UNSUPPORTED_STATE, "a forward pass replaces the data of a parameter"));
            }
            *t.storage.borrow_mut() = storage;
            Ok(())
        }
        ("data", _) => {
            Err(i.raise(Exc::TypeError, format!("Variable data has to be a tensor, but got {}", i.type_name(value))))
        }
        ("grad", _) => Ok(()),
        ("shape" | "dtype" | "device" | "ndim" | "T", _) => {
            let text = format!("attribute '{name}' of 'torch._C.TensorBase' objects is not writable");
            Err(i.raise(Exc::AttributeError, text))
        }
        _ => {
            t.attrs.borrow_mut().insert(crate::syntax::Sym::new(name), value.clone());
            Ok(())
        }
    }
}

/// `t.data`: the same elements without a gradient.
pub(crate) fn data(t: &Tensor) -> Tensor {
    let mut d = TensorObj::over(t.storage());
    d.detached = true;
    *d.layout.borrow_mut() = t.layout.borrow().clone();
    Rc::new(d)
}

fn require_grad(i: &mut Interp, t: &Tensor, on: bool) -> Eval<()> {
    if on && !t.dtype().is_float() {
        let text = "only Tensors of floating point dtype can require gradients";
        return Err(i.raise(Exc::RuntimeError, text));
    }
    t.requires_grad.set(on);
    Ok(())
}

fn receiver(i: &Interp, args: Args, name: &str) -> Eval<(Tensor, Args)> {
    let (first, rest) = args.receiver();
    match first {
        Value::Tensor(t) => Ok((t, rest)),
        other => {
            let text = format!(
                "descriptor '{name}' for 'torch._C.TensorBase' objects doesn't apply to a '{}' object",
                i.type_name(&other)
            );
            Err(i.raise(Exc::TypeError, text))
        }
    }
}

const NATIVE: &[(&str, NativeFn)] = &[
    ("size", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "size")?;
        let [dim] = rest.bind(i, "size", ["dim"], 0)?;
        match dim {
            None | Some(Value::None) => Ok(Value::size(&t.shape())),
            Some(v) => {
                let Some(d) = v.as_int() else {
                    return Err(i.raise(
                        Exc::TypeError,
                        format!("size(): argument 'dim' must be int, not {}", i.type_name(&v)),
                    ));
                };
                if t.rank() == 0 {
                    return Err(i.raise(Exc::IndexError, "Dimension specified as 0 but tensor has no dimensions"));
                }
                match archsmith_ir::op::normalize_dim(d, t.rank()) {
                    Ok(d) => Ok(Value::from(t.shape()[d])),
                    Err(e) => Err(i.raise(Exc::IndexError, e.message)),
                }
            }
        }
    }),
    ("dim", |i: &mut Interp, args: Args| Ok(Value::from(receiver(i, args, "dim")?.0.rank()))),
    ("ndimension", |i: &mut Interp, args: Args| Ok(Value::from(receiver(i, args, "ndimension")?.0.rank()))),
    ("numel", |i: &mut Interp, args: Args| Ok(Value::from(receiver(i, args, "numel")?.0.ty().numel()))),
    ("nelement", |i: &mut Interp, args: Args| Ok(Value::from(receiver(i, args, "nelement")?.0.ty().numel()))),
    ("element_size", |i: &mut Interp, args: Args| {
        Ok(Value::from(receiver(i, args, "element_size")?.0.dtype().size_bytes()))
    }),
    ("is_floating_point", |i: &mut Interp, args: Args| {
        Ok(Value::Bool(receiver(i, args, "is_floating_point")?.0.dtype().is_float()))
    }),
    ("is_complex", |_: &mut Interp, _: Args| Ok(Value::Bool(false))),
    ("is_contiguous", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "is_contiguous")?;
        let asked = !rest.pos.is_empty() || !rest.kw.is_empty();
        Ok(Value::Bool(asked || t.layout.borrow().is_contiguous()))
    }),
    ("get_device", |_: &mut Interp, _: Args| Ok(Value::Int(-1))),
    ("stride", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "stride")?;
        let shape = t.shape();
        let strides = t.layout.borrow().strides(&shape).unwrap_or_else(|| super::layout::row_major(&shape));
        let strides: Vec<i64> = strides.into_iter().map(|s| s as i64).collect();
        match rest.pos.first().and_then(Value::as_int) {
            Some(d) => match archsmith_ir::op::normalize_dim(d, t.rank()) {
                Ok(d) => Ok(Value::Int(strides.get(d).copied().unwrap_or(1))),
                Err(e) => Err(i.raise(Exc::IndexError, e.message)),
            },
            None => Ok(Value::tuple(strides.into_iter().map(Value::Int).collect())),
        }
    }),
    ("item", |i: &mut Interp, args: Args| {
        let (t, _) = receiver(i, args, "item")?;
        fold::item(i, &t)
    }),
    ("tolist", |i: &mut Interp, args: Args| {
        let (t, _) = receiver(i, args, "tolist")?;
        fold::tolist(i, &t)
    }),
    ("to", to),
    ("type", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "type")?;
        match rest.pos.first() {
            None => Ok(Value::str(format!("torch.{}Tensor", type_name(t.dtype())))),
            Some(v) if super::complex::is_complex_dtype(v) => {
                super::complex(i, "_typed", Args::from([Value::Tensor(t)]))
            }
            Some(v) => match bind::dtype_of(i, v).or_else(|| tensor_type(v)) {
                Some(d) => Ok(Value::Tensor(cast(i, &t, d)?)),
                None => Err(i.raise(Exc::ValueError, "invalid type")),
            },
        }
    }),
    ("type_as", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "type_as")?;
        match rest.pos.first() {
            Some(Value::Tensor(o)) => Ok(Value::Tensor(cast(i, &t, o.dtype())?)),
            _ => Err(i.raise(Exc::TypeError, "type_as(): argument 'other' must be Tensor")),
        }
    }),
    ("float", |i: &mut Interp, args: Args| convert(i, args, DType::F32)),
    ("double", |i: &mut Interp, args: Args| convert(i, args, DType::F64)),
    ("half", |i: &mut Interp, args: Args| convert(i, args, DType::F16)),
    ("bfloat16", |i: &mut Interp, args: Args| convert(i, args, DType::BF16)),
    ("long", |i: &mut Interp, args: Args| convert(i, args, DType::I64)),
    ("int", |i: &mut Interp, args: Args| convert(i, args, DType::I32)),
    ("short", |i: &mut Interp, args: Args| convert(i, args, DType::I16)),
    ("byte", |i: &mut Interp, args: Args| convert(i, args, DType::U8)),
    ("bool", |i: &mut Interp, args: Args| convert(i, args, DType::Bool)),
    ("cuda", |i: &mut Interp, args: Args| Ok(Value::Tensor(receiver(i, args, "cuda")?.0))),
    ("cpu", |i: &mut Interp, args: Args| Ok(Value::Tensor(receiver(i, args, "cpu")?.0))),
    ("contiguous", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "contiguous")?;
        let asked = !rest.pos.is_empty() || !rest.kw.is_empty();
        contiguous(i, &t, asked).map(Value::Tensor)
    }),
    ("pin_memory", |i: &mut Interp, args: Args| Ok(Value::Tensor(receiver(i, args, "pin_memory")?.0))),
    ("clone", |i: &mut Interp, args: Args| {
        let (t, _) = receiver(i, args, "clone")?;
        Ok(Value::Tensor(clone(i, &t)?))
    }),
    ("requires_grad_", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "requires_grad_")?;
        let on = match rest.bind(i, "requires_grad_", ["requires_grad"], 0)? {
            [Some(v)] => i.truth(&v)?,
            [None] => true,
        };
        require_grad(i, &t, on)?;
        Ok(Value::Tensor(t))
    }),
    ("detach_", |i: &mut Interp, args: Args| {
        let (t, _) = receiver(i, args, "detach_")?;
        t.requires_grad.set(false);
        Ok(Value::Tensor(t))
    }),
    // `torch.Tensor._make_subclass(cls, data, requires_grad)`: the same elements; a subclass adds nothing to them.
    ("_make_subclass", |i: &mut Interp, args: Args| match args.pos.get(1) {
        Some(Value::Tensor(t)) => {
            let made = TensorObj::over(t.storage());
            if let Some(v) = args.pos.get(2) {
                made.requires_grad.set(i.truth(v)?);
            }
            Ok(Value::Tensor(Rc::new(made)))
        }
        _ => Err(i.raise(Exc::TypeError, "_make_subclass(): argument 'data' must be Tensor")),
    }),
    ("retain_grad", |_: &mut Interp, _: Args| Ok(Value::None)),
    ("backward", |i: &mut Interp, args: Args| {
        let (t, _) = receiver(i, args, "backward")?;
        if t.ty().numel() != 1 {
            return Err(i.raise(Exc::RuntimeError, "grad can be implicitly created only for scalar outputs"));
        }
        i.torch.records.push(("backward".into(), Value::Tensor(t)));
        Ok(Value::None)
    }),
    ("register_hook", |i: &mut Interp, args: Args| {
        let f = super::composed(i, "_register_hook")?.unwrap_or_default();
        i.call(&f, args)
    }),
    ("numpy", |i: &mut Interp, args: Args| {
        let (t, _) = receiver(i, args, "numpy")?;
        if t.requires_grad.get() {
            let text = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.";
            return Err(i.raise(Exc::RuntimeError, text));
        }
        Ok(Value::Tensor(t))
    }),
    ("copy_", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "copy_")?;
        let [source, _] = rest.bind(i, "copy_", ["src", "non_blocking"], 1)?;
        match source {
            Some(Value::Tensor(s)) => {
                let s = if s.shape() == t.shape() { s } else { expand(i, &s, &t.shape())? };
                i.write(&t, &s)?;
                Ok(Value::Tensor(t))
            }
            Some(Value::Int(_) | Value::Float(_) | Value::Bool(_)) => fill(i, &t, &source.unwrap_or_default()),
            _ => Err(i.raise(Exc::TypeError, "copy_(): argument 'other' must be Tensor")),
        }
    }),
    ("set_", |i: &mut Interp, _: Args| Err(i.unsupported("Tensor.set_"))),
    ("fill_", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "fill_")?;
        let [value] = rest.bind(i, "fill_", ["value"], 1)?;
        fill(i, &t, &value.unwrap_or_default())
    }),
    ("zero_", |i: &mut Interp, args: Args| {
        let (t, _) = receiver(i, args, "zero_")?;
        fill(i, &t, &Value::Float(0.0))
    }),
    ("new_zeros", |i: &mut Interp, args: Args| new_filled(i, args, "new_zeros", Some(0.0))),
    ("new_ones", |i: &mut Interp, args: Args| new_filled(i, args, "new_ones", Some(1.0))),
    ("new_empty", |i: &mut Interp, args: Args| new_filled(i, args, "new_empty", Some(0.0))),
    ("new_full", |i: &mut Interp, args: Args| new_filled(i, args, "new_full", None)),
    ("new_tensor", |i: &mut Interp, args: Args| {
        let (t, mut rest) = receiver(i, args, "new_tensor")?;
        let dtype = rest.take_kw("dtype").and_then(|v| bind::dtype_of(i, &v)).unwrap_or(t.dtype());
        let value = rest.pos.first().cloned().unwrap_or_default();
        Ok(Value::Tensor(super::factory::literal(i, &value, Some(dtype))?))
    }),
    ("__len__", |i: &mut Interp, args: Args| {
        let (t, _) = receiver(i, args, "__len__")?;
        super::tensor_len(i, &t).map(Value::from)
    }),
    ("__getitem__", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "__getitem__")?;
        let [index] = rest.exactly(i, "__getitem__")?;
        super::tensor_index(i, &t, &index)
    }),
    ("__setitem__", |i: &mut Interp, args: Args| {
        let (t, rest) = receiver(i, args, "__setitem__")?;
        let [index, value] = rest.exactly(i, "__setitem__")?;
        super::index::set(i, &t, &index, &value)?;
        Ok(Value::None)
    }),
];

fn convert(i: &mut Interp, args: Args, dtype: DType) -> Eval<Value> {
    let (t, _) = receiver(i, args, dtype.torch_name())?;
    Ok(Value::Tensor(cast(i, &t, dtype)?))
}

/// `t.to(…)`: a dtype or another tensor converts; devices mean nothing.
fn to(i: &mut Interp, args: Args) -> Eval<Value> {
    let (t, mut rest) = receiver(i, args, "to")?;
    if rest.pos.iter().chain(rest.kw.iter().map(|(_, v)| v)).any(super::complex::is_complex_dtype) {
        return super::complex(i, "_typed", Args::from([Value::Tensor(t)]));
    }
    let mut dtype = rest.take_kw("dtype").and_then(|v| bind::dtype_of(i, &v));
    let t = if rest.take_kw("memory_format").is_some_and(|v| !v.is_none()) { contiguous(i, &t, true)? } else { t };
    if let Some(Value::Tensor(o)) = rest.take_kw("other") {
        dtype = Some(o.dtype());
    }
    for v in &rest.pos {
        match v {
            Value::Tensor(o) => dtype = Some(o.dtype()),
            v => dtype = dtype.or_else(|| bind::dtype_of(i, v)),
        }
    }
    match dtype {
        Some(d) => Ok(Value::Tensor(cast(i, &t, d)?)),
        None => Ok(Value::Tensor(t)),
    }
}

/// `t.contiguous()`: itself where it lies so already, else a copy. `asked`: for a memory format of its own.
fn contiguous(i: &mut Interp, t: &Tensor, asked: bool) -> Eval<Tensor> {
    let layout = t.layout.borrow().clone();
    match layout {
        Layout::Contiguous if !asked => Ok(t.clone()),
        Layout::Strided(_) if !asked => {
            let copy = clone(i, t)?;
            *copy.layout.borrow_mut() = Layout::Contiguous;
            Ok(copy)
        }
        // Either itself or a copy, which is not known: the elements are the same.
        _ => {
            let mut same = TensorObj::over(t.storage());
            same.view = t.view.clone();
            same.detached = t.detached;
            same.requires_grad.set(t.requires_grad.get());
            *same.layout.borrow_mut() = if asked { Layout::Unknown } else { Layout::Contiguous };
            Ok(Rc::new(same))
        }
    }
}

/// A new tensor with the same elements.
pub(crate) fn clone(i: &mut Interp, t: &Tensor) -> Eval<Tensor> {
    if !i.torch.grad && t.requires_grad.get() && i.torch.current == BodyKind::Train {
        return i.op("detach", &[("input", TensorArg::Tensor(t.clone()))]);
    }
    let value = i.value_of(t)?;
    let copy = TensorObj::fresh(i.torch.current, value, t.ty(), i.span);
    copy.requires_grad.set(t.requires_grad.get() && i.torch.grad);
    *copy.layout.borrow_mut() = t.layout.borrow().kept(&t.shape());
    Ok(Rc::new(copy))
}

pub(crate) fn expand(i: &mut Interp, t: &Tensor, shape: &[usize]) -> Eval<Tensor> {
    let shape = Attr::Ints(shape.iter().map(|&d| d as i64).collect());
    i.op("expand", &[("input", TensorArg::Tensor(t.clone())), ("size", TensorArg::Attr(shape))])
}

fn fill(i: &mut Interp, t: &Tensor, value: &Value) -> Eval<Value> {
    let filled = match value {
        Value::Tensor(v) => expand(i, &v.clone(), &t.shape())?,
        v => match v.as_float() {
            Some(n) => super::factory::full(i, &t.shape(), n, t.dtype())?,
            None => {
                let text = format!("fill_(): argument 'value' must be Number, not {}", i.type_name(v));
                return Err(i.raise(Exc::TypeError, text));
            }
        },
    };
    i.write(t, &filled)?;
    Ok(Value::Tensor(t.clone()))
}

fn new_filled(i: &mut Interp, args: Args, name: &str, value: Option<f64>) -> Eval<Value> {
    let (t, mut rest) = receiver(i, args, name)?;
    let dtype = rest.take_kw("dtype").and_then(|v| bind::dtype_of(i, &v)).unwrap_or(t.dtype());
    let mut value = value.map(Value::Float).or_else(|| rest.take_kw("fill_value"));
    if value.is_none() && rest.pos.len() > 1 {
        value = rest.pos.pop();
    }
    let size = rest.take_kw("size");
    let shape = super::factory::shape(i, name, size.map_or(rest.pos, |s| vec![s]))?;
    let Some(n) = value.as_ref().and_then(Value::as_float) else {
        return Err(i.raise(Exc::TypeError, format!("{name}() missing 1 required positional argument: \"fill_value\"")));
    };
    Ok(Value::Tensor(super::factory::full(i, &shape, n, dtype)?))
}

/// The name in `torch.FloatTensor` and the like.
fn type_name(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "Bool",
        DType::U8 => "Byte",
        DType::I8 => "Char",
        DType::I16 => "Short",
        DType::I32 => "Int",
        DType::I64 => "Long",
        DType::F16 => "Half",
        DType::BF16 => "BFloat16",
        DType::F32 => "Float",
        DType::F64 => "Double",
    }
}

/// The dtype of a tensor type given by its name.
pub(crate) fn tensor_type(value: &Value) -> Option<DType> {
    let name = match value {
        Value::Str(s) => s.clone(),
        Value::Opaque(s) => s.clone(),
        // `torch.FloatTensor` and `torch.Tensor` themselves.
        Value::Native(n) => n.name.into(),
        Value::Class(c) if &*c.name == "Tensor" => "FloatTensor".into(),
        _ => return None,
    };
    let name = name.strip_prefix("torch.").unwrap_or(&name);
    let name = name.strip_prefix("cuda.").unwrap_or(name);
    DType::ALL.into_iter().find(|d| name.strip_suffix("Tensor") == Some(type_name(*d)))
}
