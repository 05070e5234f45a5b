//! `abc`: abstract methods are noted in the class attribute `__abstract__`.

use crate::eval::args::Args;
use crate::eval::class::{Class, NativeKind};
use crate::eval::module::PyModule;
use crate::eval::value::{Attrs, Value};
use crate::eval::{Eval, Interp};
use crate::syntax::Sym;
use std::rc::Rc;

/// Fills the module.
pub(super) fn fill(i: &mut Interp, m: &PyModule) {
    let object = i.builtins.class("object");
    let of_type = vec![i.builtins.class("type")];
    let meta = Rc::new(Class::native("ABCMeta", "abc", of_type, NativeKind::Type, None, Attrs::default()));
    let base = Class::native("ABC", "abc", vec![object], NativeKind::Object, None, Attrs::default());
    base.meta.replace(Some(meta.clone()));
    m.set("ABC", Value::Class(Rc::new(base)));
    m.set("ABCMeta", Value::Class(meta));
    m.set("abstractmethod", Value::native("abstractmethod", mark));
    m.set(
        "abstractclassmethod",
        Value::native("abstractclassmethod", |i, args| mark(i, args).map(Value::class_method)),
    );
    m.set(
        "abstractstaticmethod",
        Value::native("abstractstaticmethod", |i, args| mark(i, args).map(Value::static_method)),
    );
    m.set("abstractproperty", Value::native("abstractproperty", super::object::property));
}

fn mark(_: &mut Interp, args: Args) -> Eval<Value> {
    let f = args.pos.into_iter().next().unwrap_or_default();
    if let Value::Function(f) = &f {
        f.attrs.borrow_mut().insert(Sym::new("__isabstractmethod__"), Value::Bool(true));
    }
    Ok(f)
}

/// Notes the abstract methods that a class leaves open.
pub(crate) fn note_abstract(class: &Rc<Class>) {
    let marked = |v: &Value| match v {
        Value::Function(f) => f.attrs.borrow().contains_key(&Sym::new("__isabstractmethod__")),
        Value::StaticMethod(f) | Value::ClassMethod(f) => match &***f {
            Some(Value::Function(f)) => f.attrs.borrow().contains_key(&Sym::new("__isabstractmethod__")),
            _ => false,
        },
        Value::Property(p) => match &p.get {
            Value::Function(f) => f.attrs.borrow().contains_key(&Sym::new("__isabstractmethod__")),
            _ => false,
        },
        _ => false,
    };
    let checked = class.meta.borrow().as_ref().is_some_and(|m| m.derives_from("abc", "ABCMeta"));
    if !checked {
        // Only `ABC` looks at its methods; `abstractmethod` alone is a remark.
        return;
    }
    let mut open: Vec<Rc<str>> = Vec::new();
    for c in std::iter::once(class).chain(&class.mro) {
        for (n, v) in c.attrs.borrow().iter() {
            if marked(v) && class.lookup(*n).is_some_and(|v| marked(&v)) && !open.contains(&n.name()) {
                open.push(n.name());
            }
        }
    }
    let inherits = class.mro.iter().any(|c| c.attrs.borrow().contains_key(&Sym::new("__abstract__")));
    open.sort();
    if !open.is_empty() {
        class.set(Sym::new("__abstract__"), Value::from(open.join(", ")));
    } else if inherits {
        class.set(Sym::new("__abstract__"), Value::None);
    }
}
