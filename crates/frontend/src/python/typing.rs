//! `typing`: names that only type checkers read.

use crate::eval::class::{Class, NativeKind};
use crate::eval::value::{Attrs, Value};
use crate::eval::{Eval, Interp};
use std::rc::Rc;

/// `isinstance(value, typing.Name)`.
pub(crate) fn is_instance(i: &mut Interp, v: &Value, name: &Rc<str>) -> Eval<bool> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let last = last.split('[').next().unwrap_or(last);
    let builtin = match last {
        "List" => Some("list"),
        "Dict" => Some("dict"),
        "Tuple" => Some("tuple"),
        "Set" => Some("set"),
        "FrozenSet" => Some("frozenset"),
        _ => None,
    };
    if let Some(b) = builtin {
        let class = i.builtins.class(b);
        return Ok(i.is_instance(v, &class));
    }
    if last == "Any" {
        return Ok(true);
    }
    let class = Rc::new(Class::native(last, "collections.abc", Vec::new(), NativeKind::Object, None, Attrs::default()));
    Ok(i.is_instance(v, &class))
}

/// `A | B` of classes: `isinstance` takes a tuple.
pub(crate) fn union(i: &mut Interp, a: &Value, b: &Value) -> Eval<Value> {
    let none = || Value::Class(i.builtins.class("NoneType"));
    let class = |v: &Value| if v.is_none() { none() } else { v.clone() };
    Ok(Value::tuple(vec![class(a), class(b)]))
}
