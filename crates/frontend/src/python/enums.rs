//! `enum`: members become instances of their class.

use crate::eval::args::Args;
use crate::eval::class::{Class, NativeKind, NativeState};
use crate::eval::value::{Attrs, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use crate::syntax::sym::known;
use std::rc::Rc;

/// Turns the plain attributes of a fresh enumeration class into members.
pub(crate) fn collect(i: &mut Interp, class: &Rc<Class>) -> Eval<()> {
    let plain: Vec<(Sym, Value)> = class
        .attrs
        .borrow()
        .iter()
        .filter(|(n, v)| {
            let hidden = n.with(|n| n.starts_with('_'));
            use Value::*;
            !hidden && !matches!(v, Function(_) | Property(_) | StaticMethod(_) | ClassMethod(_) | Native(_) | Class(_))
        })
        .map(|(n, v)| (*n, v.clone()))
        .collect();
    let mut members: Vec<Value> = Vec::new();
    let mut last = 0;
    for (name, value) in plain {
        let value = match &value {
            Value::Opaque(o) if &**o == "enum.auto" => Value::Int(last + 1),
            v => v.clone(),
        };
        last = value.as_int().unwrap_or(last);
        let mut same = None;
        for m in &members {
            if let Value::Instance(o) = m
                && let Some(v) = o.get(known::ENUM_VALUE)
                && i.equal(&v, &value)?
            {
                same = Some(m.clone());
            }
        }
        let member = match same {
            Some(m) => m,
            None => {
                let native = if class.kind == NativeKind::Wrapper { NativeState::Wrapped(value.clone()) } else { NativeState::None };
                let o = i.new_instance(class, native);
                o.set(known::ENUM_NAME, Value::Str(name.name()));
                o.set(known::ENUM_VALUE, value.clone());
                o.set(Sym::new("_name_"), Value::Str(name.name()));
                o.set(Sym::new("_value_"), value);
                let m = Value::Instance(o);
                members.push(m.clone());
                m
            }
        };
        class.attrs.borrow_mut().insert(name, member);
    }
    let table = members
        .iter()
        .filter_map(|m| {
            let name = m.as_instance()?.get(known::ENUM_NAME)?;
            Some((crate::eval::dict::Key::str(name.as_str()?), m.clone()))
        })
        .collect();
    class.attrs.borrow_mut().insert(Sym::new("__members__"), Value::dict(table));
    *class.members.borrow_mut() = Some(members);
    Ok(())
}

/// `Class(value)`.
pub(crate) fn member_of(i: &mut Interp, class: &Rc<Class>, args: Args) -> Eval<Value> {
    let wanted = args.pos.first().cloned().unwrap_or_default();
    for m in class.members.borrow().clone().unwrap_or_default() {
        if let Value::Instance(o) = &m
            && (m.is(&wanted) || i.equal(&o.get(known::ENUM_VALUE).unwrap_or_default(), &wanted)?)
        {
            return Ok(m);
        }
    }
    let shown = i.repr(&wanted)?;
    Err(i.raise(Exc::ValueError, format!("{shown} is not a valid {}", class.name)))
}

/// The classes of the module `enum`.
pub(super) fn classes(i: &Interp) -> Vec<(&'static str, Value)> {
    let object = i.builtins.class("object");
    let make = |name: &str, bases: Vec<Rc<Class>>, kind| {
        let c = Class::native(name, "enum", bases, kind, None, Attrs::default());
        *c.members.borrow_mut() = Some(Vec::new());
        Rc::new(c)
    };
    let plain = make("Enum", vec![object], NativeKind::Object);
    let int = make("IntEnum", vec![i.builtins.class("int"), plain.clone()], NativeKind::Wrapper);
    let str = make("StrEnum", vec![i.builtins.class("str"), plain.clone()], NativeKind::Wrapper);
    let flag = make("Flag", vec![plain.clone()], NativeKind::Object);
    [("Enum", plain), ("IntEnum", int), ("StrEnum", str), ("Flag", flag)]
        .into_iter()
        .map(|(n, c)| (n, Value::Class(c)))
        .collect()
}
