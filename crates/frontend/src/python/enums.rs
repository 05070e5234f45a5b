//! `enum`: members become instances of their class.

use super::support::table;
use crate::eval::args::Args;
use crate::eval::class::{Class, Instance, NativeKind, NativeState};
use crate::eval::module::PyModule;
use crate::eval::value::{Attrs, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use crate::syntax::sym::known;
use std::rc::Rc;

/// What `auto()` gives; the class that it stands in makes a value of it.
const AUTO: &str = "enum.auto";

/// What `auto()` becomes in the body of an enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auto {
    /// One more than the last number.
    Number,
    /// The next power of two.
    Flag,
    /// The name in lower case.
    Text,
}

impl Auto {
    /// For a class with these bases; `None` where it is no enumeration.
    pub(crate) fn of(bases: &[Value]) -> Option<Auto> {
        let mut found = None;
        for base in bases {
            let Value::Class(c) = base else { continue };
            if !c.is_enum() {
                continue;
            }
            let derives = |name| c.derives_from("enum", name);
            found = Some(match () {
                () if derives("Flag") || derives("IntFlag") => Auto::Flag,
                () if derives("StrEnum") => Auto::Text,
                () => Auto::Number,
            });
        }
        found
    }

    /// The value that is bound to a name; `before` is what the body has bound so far.
    pub(crate) fn resolve(self, name: Sym, value: Value, before: &Attrs) -> Value {
        if !matches!(&value, Value::Opaque(o) if &**o == AUTO) {
            return value;
        }
        let numbers = before.values().filter_map(|v| if let Value::Int(n) = v { Some(*n) } else { None });
        let last = numbers.max().unwrap_or(0);
        match self {
            Auto::Number => Value::Int(last.saturating_add(1)),
            Auto::Flag if last <= 0 => Value::Int(1),
            Auto::Flag => Value::Int(1i64.checked_shl(64 - last.leading_zeros()).unwrap_or(0)),
            Auto::Text => Value::from(name.name().to_lowercase()),
        }
    }
}

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
    for (name, value) in plain {
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
                let o = member(i, class, Some(name), value.clone());
                // `__init__` of the class takes the parts of the value.
                if let Some(init @ Value::Function(_)) = class.lookup(known::INIT) {
                    let mut pos = vec![Value::Instance(o.clone())];
                    match &value {
                        Value::Tuple(t) => pos.extend(t.items().iter().cloned()),
                        v => pos.push(v.clone()),
                    }
                    i.call(&init, Args::from(pos))?;
                }
                let m = Value::Instance(o);
                members.push(m.clone());
                m
            }
        };
        class.set(name, member);
    }
    let table = members
        .iter()
        .filter_map(|m| {
            let name = m.as_instance()?.get(known::ENUM_NAME)?;
            Some((crate::eval::dict::Key::str(name.as_str()?), m.clone()))
        })
        .collect();
    class.set(Sym::new("__members__"), Value::dict(table));
    *class.members.borrow_mut() = Some(members);
    Ok(())
}

/// `Class(value)`.
pub(crate) fn member_of(i: &mut Interp, class: &Rc<Class>, args: Args) -> Eval<Value> {
    let wanted = args.pos.first().cloned().unwrap_or_default();
    if let (Value::Str(name), Some(names)) = (&wanted, args.pos.get(1))
        && class.members.borrow().as_ref().is_none_or(Vec::is_empty)
    {
        return functional(i, class, name.clone(), &names.clone());
    }
    for m in class.members.borrow().clone().unwrap_or_default() {
        if let Value::Instance(o) = &m
            && (m.is(&wanted) || i.equal(&o.get(known::ENUM_VALUE).unwrap_or_default(), &wanted)?)
        {
            return Ok(m);
        }
    }
    if let Some(Value::ClassMethod(missing)) = class.lookup(Sym::new("_missing_")) {
        let missing = missing.as_ref().as_ref().cloned().unwrap_or_default();
        let found = i.call(&missing, Args::from([Value::Class(class.clone()), wanted.clone()]))?;
        if found.as_instance().is_some_and(|o| Rc::ptr_eq(&o.class(), class)) {
            return Ok(found);
        }
    }
    let shown = i.repr(&wanted)?;
    Err(i.raise(Exc::ValueError, format!("{shown} is not a valid {}", class.name)))
}

/// `Enum("Name", "A B")`: members by a text, a list of names, pairs or a dict.
fn functional(i: &mut Interp, class: &Rc<Class>, name: Rc<str>, names: &Value) -> Eval<Value> {
    let items = match names {
        Value::Str(s) => s.replace(',', " ").split_whitespace().map(Value::from).collect(),
        Value::Dict(d) => d.borrow().iter().map(|(k, v)| Value::tuple(vec![k.value().clone(), v.clone()])).collect(),
        other => i.iterate(other)?,
    };
    let base = Value::Class(class.clone());
    let auto = Auto::of(std::slice::from_ref(&base)).unwrap_or(Auto::Number);
    let mut attrs = Attrs::default();
    for item in items {
        let (name, value) = match item.as_sequence().as_deref() {
            Some([name, value]) => (name.clone(), Some(value.clone())),
            _ => (item, None),
        };
        let Some(name) = name.as_str().map(Sym::new) else {
            return Err(i.raise(Exc::TypeError, "the names of an enumeration's members are strings"));
        };
        let value = value.unwrap_or_else(|| auto.resolve(name, Value::Opaque(AUTO.into()), &attrs));
        attrs.insert(name, value);
    }
    let span = i.span;
    let made = i.make_class(name, "__main__".into(), &[base], attrs, span)?;
    i.finish_class(&made, Vec::new())?;
    Ok(Value::Class(made))
}

/// Fills the module.
pub(super) fn fill(i: &Interp, m: &PyModule) {
    let object = i.builtins.class("object");
    let make = |name: &str, bases: Vec<Rc<Class>>, kind, attrs: Attrs| {
        let c = Class::native(name, "enum", bases, kind, None, attrs);
        *c.members.borrow_mut() = Some(Vec::new());
        Rc::new(c)
    };
    let plain = make("Enum", vec![object], NativeKind::Object, Attrs::default());
    let int = i.builtins.class("int");
    let flag = table(&[
        ("__or__", |i, args| combine(i, args, |a, b| a | b)),
        ("__and__", |i, args| combine(i, args, |a, b| a & b)),
        ("__xor__", |i, args| combine(i, args, |a, b| a ^ b)),
        ("__invert__", |i, args| {
            let [v] = args.exactly(i, "__invert__")?;
            let all = match &v {
                Value::Instance(o) => o.class().members.borrow().iter().flatten().fold(0, |all, m| {
                    all | m.as_instance().and_then(|o| o.get(known::ENUM_VALUE)?.as_int()).unwrap_or(0)
                }),
                _ => 0,
            };
            combine(i, Args::from([v, Value::Int(all)]), |a, all| all & !a)
        }),
        ("__contains__", |_, args| {
            let bits =
                |v: Option<&Value>| v.and_then(|v| v.as_instance()?.get(known::ENUM_VALUE)?.as_int()).unwrap_or(0);
            let (whole, part) = (bits(args.pos.first()), bits(args.pos.get(1)));
            Ok(Value::Bool(whole & part == part))
        }),
        ("__iter__", |i, args| {
            let [whole] = args.exactly(i, "__iter__")?;
            let list = Value::list(parts(&whole));
            i.iter(&list)
        }),
        ("__len__", |i, args| {
            let [whole] = args.exactly(i, "__len__")?;
            Ok(Value::from(parts(&whole).len()))
        }),
        ("__bool__", |_, args| {
            let value = args.pos.first().and_then(|v| v.as_instance()?.get(known::ENUM_VALUE));
            Ok(Value::Bool(value.and_then(|v| v.as_int()) != Some(0)))
        }),
    ]);
    for (name, class) in [
        ("IntEnum", make("IntEnum", vec![int.clone(), plain.clone()], NativeKind::Wrapper, Attrs::default())),
        (
            "StrEnum",
            make("StrEnum", vec![i.builtins.class("str"), plain.clone()], NativeKind::Wrapper, Attrs::default()),
        ),
        ("Flag", make("Flag", vec![plain.clone()], NativeKind::Object, flag.clone())),
        ("IntFlag", make("IntFlag", vec![int, plain.clone()], NativeKind::Wrapper, flag)),
        ("Enum", plain),
    ] {
        m.set(name, Value::Class(class));
    }
    m.set("auto", Value::native("auto", |_, _| Ok(Value::Opaque(AUTO.into()))));
    m.set("unique", Value::native("unique", |_, args| Ok(args.pos.into_iter().next().unwrap_or_default())));
}

/// The members of one bit each that a flag holds, as its class lists them.
fn parts(whole: &Value) -> Vec<Value> {
    let bits = |v: &Value| v.as_instance()?.get(known::ENUM_VALUE)?.as_int();
    let (Some(all), Some(o)) = (bits(whole), whole.as_instance()) else { return Vec::new() };
    let class = o.class();
    let members = class.members.borrow();
    let held = |m: &&Value| bits(m).is_some_and(|b| b > 0 && b & (b - 1) == 0 && b & all == b);
    members.iter().flatten().filter(held).cloned().collect()
}

/// Two members of a flag, or a flag and its bits, as a member that may have no name of its own.
fn combine(i: &mut Interp, args: Args, op: fn(i64, i64) -> i64) -> Eval<Value> {
    let [a, b] = args.exactly(i, "combine")?;
    let bits = |v: &Value| v.as_int().or_else(|| v.as_instance()?.get(known::ENUM_VALUE)?.as_int());
    let (Value::Instance(o), Some(x), Some(y)) = (&a, bits(&a), bits(&b)) else { return Ok(Value::NotImplemented) };
    let class = o.class();
    let value = Value::Int(op(x, y));
    for m in class.members.borrow().iter().flatten() {
        if let Value::Instance(o) = m
            && o.get(known::ENUM_VALUE).is_some_and(|v| v.as_int() == value.as_int())
        {
            return Ok(m.clone());
        }
    }
    Ok(Value::Instance(member(i, &class, None, value)))
}

fn member(i: &mut Interp, class: &Rc<Class>, name: Option<Sym>, value: Value) -> Rc<Instance> {
    let native =
        if class.kind == NativeKind::Wrapper { NativeState::Wrapped(value.clone()) } else { NativeState::None };
    let o = i.new_instance(class, native);
    let name = name.map_or(Value::None, |n| Value::Str(n.name()));
    o.set(known::ENUM_NAME, name.clone());
    o.set(known::ENUM_VALUE, value.clone());
    o.set(Sym::new("_name_"), name);
    o.set(Sym::new("_value_"), value);
    o
}
