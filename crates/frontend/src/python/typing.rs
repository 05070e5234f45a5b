//! `typing`: names that only type checkers read, and the few that run.

use super::collections;
use crate::eval::args::Args;
use crate::eval::class::{Class, NativeKind};
use crate::eval::module::PyModule;
use crate::eval::value::{Attrs, Value};
use crate::eval::{Eval, Interp};
use std::rc::Rc;

/// Fills the module.
pub(super) fn fill(i: &mut Interp, m: &mut PyModule) {
    m.set("NamedTuple", collections::named_tuple_base(i));
    m.set("TYPE_CHECKING", Value::Bool(false));
    m.set("cast", Value::native("cast", |_, args| Ok(args.pos.into_iter().nth(1).unwrap_or_default())));
    for name in ["overload", "final", "runtime_checkable", "no_type_check", "override"] {
        m.set(name, Value::native(name, first));
    }
    for name in ["TypeVar", "ParamSpec", "TypeVarTuple"] {
        m.set(
            name,
            Value::native(name, |_, args| {
                Ok(Value::Opaque(args.pos.first().and_then(Value::as_str).unwrap_or("typing.TypeVar").into()))
            }),
        );
    }
    m.set("NewType", Value::native("NewType", |_, args| Ok(args.pos.into_iter().nth(1).unwrap_or_default())));
    m.set("get_type_hints", Value::native("get_type_hints", |_, _| Ok(Value::dict(Default::default()))));
    m.set("get_args", Value::native("get_args", |_, _| Ok(Value::tuple(Vec::new()))));
    m.set("get_origin", Value::native("get_origin", |_, _| Ok(Value::None)));
    m.fallback = Some(|i, _, name| {
        Ok(match name {
            "OrderedDict" | "Counter" => Some(Value::Class(i.builtins.class(name))),
            "DefaultDict" => Some(Value::Class(i.builtins.class("defaultdict"))),
            _ => (!name.starts_with('_')).then(|| Value::Opaque(format!("typing.{name}").into())),
        })
    });
}

fn first(_: &mut Interp, args: Args) -> Eval<Value> {
    Ok(args.pos.into_iter().next().unwrap_or_default())
}

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
        "Text" => Some("str"),
        // `types.FunctionType` and the like.
        "FunctionType" | "LambdaType" => Some("function"),
        "MethodType" => Some("method"),
        "BuiltinFunctionType" => Some("builtin_function_or_method"),
        "ModuleType" => Some("module"),
        "GeneratorType" => Some("iterator"),
        "NoneType" => Some("NoneType"),
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
