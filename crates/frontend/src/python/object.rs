//! `object`, `type`, exceptions, and the builtin classes that wrap functions.

use super::support::{arg, table, wrong};
use crate::eval::args::Args;
use crate::eval::class::{NativeKind, NativeState};
use crate::eval::nest::Nest;
use crate::eval::value::{Attrs, Partial, Property, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use crate::syntax::sym::known;
use std::rc::Rc;

/// `type(value)` and `type(name, bases, attributes)`.
pub(super) fn type_(i: &mut Interp, args: Args) -> Eval<Value> {
    match args.pos.as_slice() {
        [v @ Value::Class(_)] => Ok(Value::Class(i.class_of(v))),
        [v] => Ok(Value::Class(i.type_of(v))),
        [Value::Str(_), _, dict] if dict.as_dict().is_some() => {
            let mut args = args;
            args.pos.insert(0, Value::Class(i.builtins.class("type")));
            i.new_class(args)
        }
        _ => Err(i.raise(Exc::TypeError, "type() takes 1 or 3 arguments")),
    }
}

/// `super(class, object)`; without arguments it is the evaluator's business.
pub(super) fn super_(i: &mut Interp, args: Args) -> Eval<Value> {
    let [class, object] = args.exactly(i, "super")?;
    match class {
        Value::Class(c) => i.make_super(c, object),
        _ => Err(i.raise(Exc::TypeError, "super() argument 1 must be a type")),
    }
}

/// `property(…)`.
pub(super) fn property(i: &mut Interp, args: Args) -> Eval<Value> {
    let [get, set, del, _] = args.bind(i, "property", ["fget", "fset", "fdel", "doc"], 0)?;
    Ok(Value::Property(Rc::new(Nest::new(Property {
        get: get.unwrap_or_default(),
        set: set.unwrap_or_default(),
        del: del.unwrap_or_default(),
        cached: None,
    }))))
}

/// `staticmethod(…)`.
pub(super) fn static_method(i: &mut Interp, args: Args) -> Eval<Value> {
    let [f] = args.exactly(i, "staticmethod")?;
    Ok(Value::static_method(f))
}

/// `classmethod(…)`.
pub(super) fn class_method(i: &mut Interp, args: Args) -> Eval<Value> {
    let [f] = args.exactly(i, "classmethod")?;
    Ok(Value::class_method(f))
}

/// `functools.partial(…)`; one of a partial is one of its function.
pub(super) fn partial(i: &mut Interp, args: Args) -> Eval<Value> {
    let mut pos = args.pos.into_iter();
    let Some(f) = pos.next() else {
        return Err(i.raise(Exc::TypeError, "type 'partial' takes at least one argument"));
    };
    Ok(Value::Partial(Rc::new(Partial::new(f, pos.collect(), args.kw))))
}

fn attribute(i: &Interp, name: &Value) -> Eval<Sym> {
    match name {
        Value::Str(n) => Ok(Sym::new(n)),
        v => Err(i.raise(Exc::TypeError, format!("attribute name must be string, not '{}'", i.type_name(v)))),
    }
}

/// Arguments that no constructor has taken.
fn init(i: &mut Interp, args: Args) -> Eval<Value> {
    if args.pos.is_empty() {
        // `super.__init__()`: the class, not the object that a call of it gives.
        let raise = i.raise(Exc::TypeError, "descriptor '__init__' of 'super' object needs an argument");
        return Err(raise.into_help("write super().__init__()"));
    }
    let (object, rest) = args.receiver();
    let Value::Instance(o) = &object else { return Ok(Value::None) };
    let class = o.class();
    if class.kind != NativeKind::Object || (rest.pos.is_empty() && rest.kw.is_empty()) {
        return Ok(Value::None);
    }
    let own_init = !matches!(class.lookup(known::INIT), Some(Value::Native(_)));
    if own_init {
        let text = "object.__init__() takes exactly one argument (the instance to initialize)";
        return Err(i.raise(Exc::TypeError, text));
    }
    if matches!(class.lookup(known::NEW), Some(Value::Native(_)) | None) {
        return Err(i.raise(Exc::TypeError, format!("{}() takes no arguments", class.name)));
    }
    Ok(Value::None)
}

pub(super) fn object_methods() -> Attrs {
    table(&[
        ("__setattr__", |i, args| {
            let [o, name, v] = args.exactly(i, "__setattr__")?;
            let name = attribute(i, &name)?;
            match &o {
                Value::Instance(inst) => {
                    let class = inst.class();
                    // It is what a frozen data class sets its fields with.
                    i.set_instance_attr(inst, &class, name, v, true)?;
                    Ok(Value::None)
                }
                _ => Err(wrong(i, &o)),
            }
        }),
        ("__delattr__", |i, args| {
            let [o, name] = args.exactly(i, "__delattr__")?;
            let name = attribute(i, &name)?;
            match &o {
                Value::Instance(inst) => {
                    let class = inst.class();
                    i.del_instance_attr(inst, &class, name)?;
                    Ok(Value::None)
                }
                _ => Err(wrong(i, &o)),
            }
        }),
        ("__getattribute__", |i, args| {
            let [o, name] = args.exactly(i, "__getattribute__")?;
            let name = attribute(i, &name)?;
            match &o {
                Value::Instance(inst) => {
                    let class = inst.class();
                    match i.plain_instance_attr(inst, &class, name)? {
                        Some(v) => Ok(v),
                        None => {
                            let text = format!("'{}' object has no attribute '{name}'", class.name);
                            Err(i.raise(Exc::AttributeError, text))
                        }
                    }
                }
                _ => i.get_attr(&o, name),
            }
        }),
        ("__init__", init),
        ("__new__", |i, args| {
            let (class, rest) = args.receiver();
            match class {
                Value::Class(c) if matches!(c.kind, NativeKind::Builtin | NativeKind::Type) => i.instantiate(&c, rest),
                Value::Class(c) => Ok(Value::Instance(i.new_object(&c, &rest)?)),
                v => Err(
                    i.raise(Exc::TypeError, format!("object.__new__(X): X is not a type object ({})", i.type_name(&v)))
                ),
            }
        }),
        ("__repr__", |i, args| match args.receiver().0 {
            Value::Instance(o) => i.default_repr(&o).map(Value::from),
            v => i.repr(&v).map(Value::Str),
        }),
        ("__str__", |i, args| match args.receiver().0 {
            Value::Instance(o) => i.default_str(&o).map(Value::Str),
            v => i.str(&v).map(Value::Str),
        }),
        ("__init_subclass__", |_, _| Ok(Value::None)),
    ])
}

pub(super) fn exception_methods() -> Attrs {
    table(&[
        ("__init__", |_, args| {
            let (e, rest) = args.receiver();
            if let Value::Instance(e) = e
                && let NativeState::Exception(s) = &mut *e.native.borrow_mut()
            {
                s.args = rest.pos;
            }
            Ok(Value::None)
        }),
        ("with_traceback", |_, args| Ok(args.receiver().0)),
        ("add_note", |_, _| Ok(Value::None)),
    ])
}

/// Methods of classes themselves.
pub(super) fn type_methods() -> Attrs {
    table(&[
        ("mro", |i, args| match args.receiver().0 {
            Value::Class(c) => {
                Ok(Value::list(std::iter::once(&c).chain(&c.mro).map(|c| Value::Class(c.clone())).collect()))
            }
            v => Err(wrong(i, &v)),
        }),
        ("__new__", |i, args| match args.pos.as_slice() {
            [_, v] => Ok(Value::Class(i.type_of(&v.clone()))),
            _ => i.new_class(args),
        }),
        ("__init__", |_, _| Ok(Value::None)),
        ("__subclasses__", |i, args| match args.receiver().0 {
            Value::Class(c) => Ok(Value::list(i.subclasses(&c).into_iter().map(Value::Class).collect())),
            v => Err(wrong(i, &v)),
        }),
        ("__call__", |i, args| match args.receiver() {
            (Value::Class(c), rest) => i.instantiate(&c, rest),
            (v, _) => Err(wrong(i, &v)),
        }),
    ])
}

pub(super) fn property_methods() -> Attrs {
    fn with(i: &Interp, args: Args, f: impl FnOnce(&mut Property, Value)) -> Eval<Value> {
        let (p, rest) = args.receiver();
        let Value::Property(p) = p else { return Err(wrong(i, &p)) };
        let mut new = (**p).clone();
        f(&mut new, arg(&rest, 0));
        Ok(Value::Property(Rc::new(Nest::new(new))))
    }
    table(&[
        ("setter", |i, args| with(i, args, |p, f| p.set = f)),
        ("getter", |i, args| with(i, args, |p, f| p.get = f)),
        ("deleter", |i, args| with(i, args, |p, f| p.del = f)),
    ])
}

/// `function.__get__(object)`: a bound method.
pub(super) fn function_methods() -> Attrs {
    table(&[("__get__", |i, args| {
        let (f, rest) = args.receiver();
        match (f, arg(&rest, 0)) {
            (f, Value::None) => Ok(f),
            (f @ (Value::Function(_) | Value::Native(_)), object) => Ok(Value::bound(object, f)),
            (f, _) => Err(wrong(i, &f)),
        }
    })])
}
