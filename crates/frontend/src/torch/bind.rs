//! From Python arguments to an operator's canonical arguments, by its signatures.
//!
//! A path may have several signatures (overloads of one operator, or several operators); the first that binds wins, as in
//! PyTorch. Arguments that say where a tensor lives or how memory is laid out are accepted and mean nothing here.

use super::trace::TensorArg;
use crate::eval::args::Args;
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp, Raise};
use crate::syntax::Sym;
use archsmith_ir::signature::{Kind, Param, Signature};
use archsmith_ir::{Attr, DType, OpId};

/// A call bound to an operator.
pub(crate) struct Bound {
    /// The operator.
    pub(crate) op: OpId,
    /// Arguments in the order of its canonical signature.
    pub(crate) args: Vec<TensorArg>,
    /// `inplace=True` was given.
    pub(crate) inplace: bool,
    /// `requires_grad=True` was given to a factory.
    pub(crate) requires_grad: bool,
    /// `out=`: the tensor to write the result to.
    pub(crate) out: Option<super::Tensor>,
}

/// Keywords without meaning for an abstract tensor.
const INERT: &[&str] =
    &["device", "layout", "pin_memory", "memory_format", "non_blocking", "generator", "copy", "_stacklevel"];

/// Binds a call of the function or method at `path`.
///
/// # Errors
/// `TypeError` naming the signatures, when none fits.
pub(crate) fn bind(i: &mut Interp, path: &'static str, mut args: Args) -> Eval<Bound> {
    let overloads = OpId::by_path(path);
    let mut requires_grad = false;
    let mut inert = |name: Sym, value: &Value, signature_has: bool| {
        name.with(|n| {
            if n == "requires_grad" && !signature_has {
                requires_grad = matches!(value, Value::Bool(true));
                return true;
            }
            INERT.contains(&n) && !signature_has
        })
    };
    let has = |n: Sym| n.with(|n| overloads.iter().any(|(_, s)| s.index(n).is_some()));
    args.kw.retain(|(n, v)| !inert(*n, v, has(*n)));
    let mut out = None;
    if let Some(at) = args.kw.iter().position(|(n, _)| n.with(|n| n == "out")) {
        match args.kw.remove(at).1 {
            Value::Tensor(t) => out = Some(t),
            Value::None => {}
            _ => return Err(i.unsupported(format!("{path}(…, out=…) with another than a tensor"))),
        }
    }
    let mut problems = Vec::new();
    for (op, signature) in overloads {
        match bind_one(i, *op, signature, &args)? {
            Ok((bound, inplace)) => return Ok(Bound { op: *op, args: bound, inplace, requires_grad, out }),
            Err(problem) => problems.push(problem),
        }
    }
    Err(mismatch(i, path, overloads, problems, &args))
}

fn mismatch(
    i: &mut Interp,
    path: &str,
    overloads: &[(OpId, &'static Signature)],
    problems: Vec<String>,
    args: &Args,
) -> Raise {
    let name = path.rsplit('.').next().unwrap_or(path);
    let text = match problems.as_slice() {
        [one] => format!("{name}(): {one}"),
        _ => {
            let mut kinds: Vec<String> = args.pos.iter().map(|v| i.type_name(v).to_string()).collect();
            for (n, v) in &args.kw {
                kinds.push(format!("{n}={}", i.type_name(v)));
            }
            format!("{name}() received an invalid combination of arguments - got ({})", kinds.join(", "))
        }
    };
    let signatures: Vec<&str> = overloads.iter().map(|(_, s)| s.text).collect();
    let mut raise = i.raise(Exc::TypeError, text);
    if let Raise::Exception(t) = &mut raise {
        t.code = archsmith_ir::OpError::ARGUMENT;
        t.help = Some(format!("expected {}", signatures.join(" or ")));
    }
    if args.pos.iter().any(Value::is_none) {
        return super::explain::nothing(i, raise);
    }
    if let Some(layer) = args.pos.iter().find_map(super::module::as_module) {
        return super::explain::not_called(raise, layer);
    }
    raise
}

type Attempt = Result<(Vec<TensorArg>, bool), String>;

/// Binds to one signature: `Ok(Err(why))` where it does not fit.
fn bind_one(i: &mut Interp, op: OpId, signature: &'static Signature, args: &Args) -> Eval<Attempt> {
    let mut given: Vec<Option<TensorArg>> = vec![None; signature.params.len()];
    let mut next = 0;
    let mut position = 0;
    while position < args.pos.len() {
        let Some(param) = signature.params.get(next).filter(|p| !p.keyword_only) else {
            return Ok(Err(format!(
                "takes {} positional arguments but {} were given",
                signature.params.iter().filter(|p| !p.keyword_only).count(),
                args.pos.len()
            )));
        };
        let value = &args.pos[position];
        if param.variadic {
            let rest = &args.pos[position..];
            let value = if rest.len() == 1 && rest[0].as_sequence().is_some() {
                rest[0].clone()
            } else {
                Value::tuple(rest.to_vec())
            };
            match convert(i, param, &value)? {
                Some(v) => given[next] = Some(v),
                None => return Ok(Err(wrong(i, param, position, value))),
            }
            break;
        }
        match convert(i, param, value)? {
            Some(v) => given[next] = Some(v),
            None => return Ok(Err(wrong(i, param, position, value.clone()))),
        }
        next += 1;
        position += 1;
    }
    for (name, value) in &args.kw {
        let name = name.name();
        let at = signature.index(&name).or_else(|| alias(&name).and_then(|n| signature.index(n)));
        let Some(at) = at else {
            return Ok(Err(format!("got an unexpected keyword argument '{name}'")));
        };
        if given[at].is_some() {
            return Ok(Err(format!("got multiple values for argument '{name}'")));
        }
        match convert(i, &signature.params[at], value)? {
            Some(v) => given[at] = Some(v),
            None => return Ok(Err(wrong(i, &signature.params[at], at, value.clone()))),
        }
    }
    let canonical = op.signature();
    let mut inplace = false;
    let mut bound: Vec<Option<TensorArg>> = vec![None; canonical.params.len()];
    for (param, value) in signature.params.iter().zip(given) {
        let value = match (value, &param.default) {
            (Some(v), _) => v,
            (None, Some(d)) => TensorArg::Attr(spread(param, d)),
            (None, None) => return Ok(Err(format!("missing 1 required positional argument: \"{}\"", param.name))),
        };
        match canonical.index(param.name) {
            Some(at) => bound[at] = Some(value),
            None if param.name == "inplace" => inplace = matches!(value, TensorArg::Attr(Attr::Bool(true))),
            None => return Ok(Err(format!("the operator has no argument '{}'", param.name))),
        }
        if param.name == "inplace" && canonical.index("inplace").is_some() {
            let at = canonical.index("inplace").unwrap_or(0);
            inplace = matches!(&bound[at], Some(TensorArg::Attr(Attr::Bool(true))));
            // What the graph computes does not depend on it.
            bound[at] = Some(TensorArg::Attr(Attr::Bool(false)));
        }
    }
    let mut out = Vec::with_capacity(bound.len());
    for (value, param) in bound.into_iter().zip(&canonical.params) {
        match (value, &param.default) {
            (Some(v), _) => out.push(v),
            (None, Some(d)) => out.push(TensorArg::Attr(spread(param, d))),
            (None, None) => return Ok(Err(format!("missing 1 required positional argument: \"{}\"", param.name))),
        }
    }
    Ok(Ok((out, inplace)))
}

/// A default of `int[2]` may be written as one integer.
fn spread(param: &Param, default: &Attr) -> Attr {
    match default {
        Attr::Int(v) => param
            .kinds
            .iter()
            .find_map(|k| match k {
                Kind::Int | Kind::Scalar | Kind::Float => Some(Attr::Int(*v)),
                Kind::Ints(Some(n)) => Some(Attr::Ints(vec![*v; *n])),
                _ => None,
            })
            .unwrap_or(Attr::Int(*v)),
        other => other.clone(),
    }
}

/// NumPy's names that PyTorch accepts.
fn alias(name: &str) -> Option<&'static str> {
    Some(match name {
        "axis" | "dims" => "dim",
        "keepdims" => "keepdim",
        "x" | "a" | "self" | "x1" => "input",
        "axes" => "dims",
        "dim" => "dims",
        "x2" => "other",
        "size" => "shape",
        "split_size" | "split_sizes" => "split_size_or_sections",
        _ => return None,
    })
}

fn wrong(i: &Interp, param: &Param, position: usize, value: Value) -> String {
    let kinds: Vec<String> = param.kinds.iter().map(|k| kind_name(*k)).collect();
    format!(
        "argument '{}' (position {}) must be {}, not {}",
        param.name,
        position + 1,
        kinds.join(" or "),
        i.type_name(&value)
    )
}

fn kind_name(kind: Kind) -> String {
    match kind {
        Kind::Tensor => "Tensor".into(),
        Kind::Tensors => "tuple of Tensors".into(),
        Kind::Int => "int".into(),
        Kind::Float => "float".into(),
        Kind::Bool => "bool".into(),
        Kind::Str => "str".into(),
        Kind::DType => "torch.dtype".into(),
        Kind::Scalar => "Number".into(),
        Kind::Ints(None) => "tuple of ints".into(),
        Kind::Ints(Some(n)) => format!("int or tuple of {n} ints"),
        Kind::Floats => "tuple of floats".into(),
    }
}

/// A value as the parameter's first kind that it fits.
fn convert(i: &mut Interp, param: &Param, value: &Value) -> Eval<Option<TensorArg>> {
    if value.is_none() {
        return Ok(param.optional.then_some(TensorArg::Attr(Attr::None)));
    }
    // An adaptive pool keeps the input's size where `None` stands; the IR writes -1.
    let kept = match value.as_sequence() {
        Some(items) if param.name == "output_size" && items.iter().any(Value::is_none) => {
            let sizes = items.into_iter().map(|v| if v.is_none() { Value::Int(-1) } else { v });
            Some(Value::tuple(sizes.collect()))
        }
        _ => None,
    };
    let value = kept.as_ref().unwrap_or(value);
    for kind in &param.kinds {
        if let Some(v) = convert_to(i, *kind, value)? {
            return Ok(Some(v));
        }
    }
    Ok(None)
}

fn convert_to(i: &mut Interp, kind: Kind, value: &Value) -> Eval<Option<TensorArg>> {
    let attr = |a: Attr| Ok(Some(TensorArg::Attr(a)));
    match (kind, value) {
        (Kind::Tensor, Value::Tensor(t)) => Ok(Some(TensorArg::Tensor(t.clone()))),
        (Kind::Tensors, _) => {
            let Some(items) = sequence(i, value)? else { return Ok(None) };
            let tensors: Option<Vec<_>> = items.iter().map(|v| v.as_tensor().cloned()).collect();
            Ok(tensors.map(TensorArg::Tensors))
        }
        (Kind::Int, Value::Bool(_)) => Ok(None),
        (Kind::Int, Value::Tensor(t)) if !t.dtype().is_float() => match super::fold::scalar(i, t)? {
            Some(Value::Int(v)) => attr(Attr::Int(v)),
            _ => Ok(None),
        },
        (Kind::Int, _) => Ok(value.as_int().map(|v| TensorArg::Attr(Attr::Int(v)))),
        (Kind::Float, Value::Tensor(t)) => match super::fold::scalar(i, t)? {
            Some(v) => Ok(v.as_float().map(|v| TensorArg::Attr(Attr::Float(v)))),
            None => Ok(None),
        },
        (Kind::Float, _) => Ok(value.as_float().map(|v| TensorArg::Attr(Attr::Float(v)))),
        (Kind::Bool, Value::Bool(b)) => attr(Attr::Bool(*b)),
        (Kind::Bool, Value::Int(v)) => attr(Attr::Bool(*v != 0)),
        (Kind::Str, Value::Str(s)) => attr(Attr::Str(s.to_string())),
        (Kind::Scalar, Value::Bool(b)) => attr(Attr::Bool(*b)),
        (Kind::Scalar, Value::Int(v)) => attr(Attr::Int(*v)),
        (Kind::Scalar, Value::Float(v)) => attr(Attr::Float(*v)),
        (Kind::Scalar, Value::Big(_) | Value::Instance(_)) => {
            Ok(value.as_float().map(|v| TensorArg::Attr(Attr::Float(v))))
        }
        (Kind::Scalar, Value::Tensor(t)) => match super::fold::scalar(i, t)? {
            Some(Value::Int(v)) => attr(Attr::Int(v)),
            Some(Value::Bool(v)) => attr(Attr::Bool(v)),
            Some(v) => Ok(v.as_float().map(|v| TensorArg::Attr(Attr::Float(v)))),
            None => Ok(None),
        },
        (Kind::DType, Value::DType(d)) => attr(Attr::DType(*d)),
        (Kind::DType, _) => Ok(dtype_of(i, value).map(|d| TensorArg::Attr(Attr::DType(d)))),
        (Kind::Ints(n), _) => {
            if let (Some(n), Some(v)) = (n, value.as_int()) {
                return attr(Attr::Ints(vec![v; n]));
            }
            let Some(items) = sequence(i, value)? else { return Ok(None) };
            let mut out = Vec::with_capacity(items.len());
            for v in &items {
                match v {
                    Value::Tensor(_) => match convert_to(i, Kind::Int, v)? {
                        Some(TensorArg::Attr(Attr::Int(v))) => out.push(v),
                        _ => return Ok(None),
                    },
                    _ => match v.as_int() {
                        Some(v) => out.push(v),
                        None => return Ok(None),
                    },
                }
            }
            if let Some(n) = n
                && out.len() != n
            {
                match out.as_slice() {
                    [one] => out = vec![*one; n],
                    _ => return Ok(None),
                }
            }
            attr(Attr::Ints(out))
        }
        (Kind::Floats, _) => {
            let Some(items) = sequence(i, value)? else { return Ok(None) };
            let out: Option<Vec<f64>> = items.iter().map(Value::as_float).collect();
            Ok(out.map(|v| TensorArg::Attr(Attr::Floats(v))))
        }
        _ => Ok(None),
    }
}

/// The items of a list, tuple or range, or of a generator that a function takes a list from.
fn sequence(i: &mut Interp, value: &Value) -> Eval<Option<Vec<Value>>> {
    if let Some(items) = value.as_sequence() {
        return Ok(Some(items));
    }
    match value {
        Value::Range(_) | Value::Iterator(_) => Ok(Some(i.iterate(value)?)),
        _ => Ok(None),
    }
}

/// The dtype that a Python class stands for (`dtype=float`).
pub(crate) fn dtype_of(_i: &Interp, value: &Value) -> Option<DType> {
    match value {
        Value::DType(d) => Some(*d),
        Value::Class(c) => match &*c.name {
            "float" => Some(DType::F32),
            "int" => Some(DType::I64),
            "bool" => Some(DType::Bool),
            _ => None,
        },
        _ => None,
    }
}
