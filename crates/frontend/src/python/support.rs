//! What native methods share: tables, receivers, arguments.

use crate::eval::args::Args;
use crate::eval::value::{Attrs, DictObj, List, NativeFn, SetObj, Value};
use crate::eval::{Eval, Exc, Interp, Raise};
use crate::syntax::Sym;
use std::rc::Rc;

/// A method and its name.
pub(super) type Method = (&'static str, NativeFn);

pub(super) fn table(list: &[Method]) -> Attrs {
    list.iter().map(|(n, f)| (Sym::new(n), Value::native(n, *f))).collect()
}

/// The receiver, unwrapped where it is an instance of a subclass, and the other arguments.
pub(super) fn this(args: Args) -> (Value, Args) {
    let (v, rest) = args.receiver();
    let inner = match &v {
        Value::Instance(i) => i.payload_value(),
        _ => None,
    };
    (inner.unwrap_or(v), rest)
}

#[cold]
pub(super) fn wrong(i: &Interp, v: &Value) -> Raise {
    i.raise(Exc::TypeError, format!("the method does not apply to a '{}' object", i.type_name(v)))
}

pub(super) fn text(i: &Interp, args: Args) -> Eval<(Rc<str>, Args)> {
    match this(args) {
        (Value::Str(s), rest) => Ok((s, rest)),
        (v, _) => Err(wrong(i, &v)),
    }
}

pub(super) fn list_of(i: &Interp, args: Args) -> Eval<(Rc<List>, Args)> {
    match this(args) {
        (Value::List(l), rest) => Ok((l, rest)),
        (v, _) => Err(wrong(i, &v)),
    }
}

pub(super) fn dict_of(i: &Interp, args: Args) -> Eval<(Rc<DictObj>, Args)> {
    match this(args) {
        (Value::Dict(d), rest) => Ok((d, rest)),
        (v, _) => Err(wrong(i, &v)),
    }
}

pub(super) fn set_of(i: &Interp, args: Args) -> Eval<(Rc<SetObj>, Args)> {
    match this(args) {
        (Value::Set(s), rest) => Ok((s, rest)),
        (v, _) => Err(wrong(i, &v)),
    }
}

/// A positional argument, or `None`.
pub(super) fn arg(args: &Args, k: usize) -> Value {
    args.pos.get(k).cloned().unwrap_or_default()
}

/// A positional argument that must be text.
pub(super) fn str_arg(i: &Interp, args: &Args, k: usize) -> Eval<Rc<str>> {
    match args.pos.get(k) {
        Some(Value::Str(s)) => Ok(s.clone()),
        Some(Value::Instance(o)) if matches!(o.payload_value(), Some(Value::Str(_))) => {
            Ok(o.payload_value().and_then(|v| v.as_str().map(Rc::from)).unwrap_or_default())
        }
        other => {
            let name = i.type_name(&other.cloned().unwrap_or_default());
            Err(i.raise(Exc::TypeError, format!("must be str, not {name}")))
        }
    }
}

/// The items of the first argument; none where it is left out.
pub(super) fn items(i: &mut Interp, args: &Args) -> Eval<Vec<Value>> {
    match args.pos.first() {
        Some(v) => i.iterate(v),
        None => Ok(Vec::new()),
    }
}
