//! `typing`: names that only type checkers read, and the few that run.

use super::collections;
use crate::eval::args::Args;
use crate::eval::class::{Class, NativeKind};
use crate::eval::module::PyModule;
use crate::eval::value::{Attrs, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::sym::{Sym, known};
use std::rc::Rc;

/// Fills the module.
pub(super) fn fill(i: &mut Interp, m: &mut PyModule) {
    m.set("NamedTuple", collections::named_tuple_base(i));
    m.set("TYPE_CHECKING", Value::Bool(false));
    m.set("cast", Value::native("cast", |_, args| Ok(args.pos.into_iter().nth(1).unwrap_or_default())));
    m.set(
        "runtime_checkable",
        Value::native("runtime_checkable", |_, args| {
            let class = args.pos.into_iter().next().unwrap_or_default();
            if let Value::Class(c) = &class {
                c.set(protocol(), Value::Bool(true));
            }
            Ok(class)
        }),
    );
    for name in ["overload", "final", "no_type_check", "override"] {
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
    m.set(
        "get_args",
        Value::native("get_args", |i, args| {
            let made = made_of(i, &args);
            Ok(made.map_or_else(|| Value::tuple(Vec::new()), |m| m.1))
        }),
    );
    m.set("get_origin", Value::native("get_origin", |i, args| Ok(made_of(i, &args).map_or(Value::None, |m| m.0))));
    m.fallback = Some(|i, _, name| {
        Ok(match name {
            "OrderedDict" | "Counter" => Some(Value::Class(i.builtins.class(name))),
            "DefaultDict" => Some(Value::Class(i.builtins.class("defaultdict"))),
            _ => (!name.starts_with('_')).then(|| Value::Opaque(format!("typing.{name}").into())),
        })
    });
}

/// What a subscripted name of `typing` was made of: the name and the arguments.
fn made_of(i: &Interp, args: &Args) -> Option<(Value, Value)> {
    match args.pos.first() {
        Some(Value::Opaque(text)) => i.generic.get(text).cloned(),
        _ => None,
    }
}

/// `typing.Name[index]`: another name, of which `get_args` knows the parts.
pub(crate) fn subscript(i: &mut Interp, name: &Rc<str>, index: &Value) -> Eval<Value> {
    let parts = match index {
        Value::Tuple(t) if !t.size => t.items().to_vec(),
        one => vec![one.clone()],
    };
    let mut shown = Vec::with_capacity(parts.len());
    for p in &parts {
        shown.push(i.repr(p)?.to_string());
    }
    let text: Rc<str> = format!("{name}[{}]", shown.join(", ")).into();
    i.allocate(parts.len())?;
    i.generic.insert(text.clone(), (Value::Opaque(name.clone()), Value::tuple(parts)));
    Ok(Value::Opaque(text))
}

/// The mark of a protocol in the attributes of its class: whether it is checkable at run time.
pub(crate) fn protocol() -> Sym {
    Sym::new("_is_runtime_protocol")
}

/// What a name of `typing` among the bases of a class gives to the class.
pub(crate) fn derive(name: &str, attrs: &mut Attrs) {
    let plain = name.split('[').next().unwrap_or(name).trim_start_matches("typing.");
    let class = || Value::class_method(Value::native("__class_getitem__", first));
    match plain {
        "Generic" => {
            attrs.entry(known::CLASS_GETITEM).or_insert_with(class);
        }
        "Protocol" => {
            attrs.entry(known::CLASS_GETITEM).or_insert_with(class);
            attrs.insert(protocol(), Value::Bool(false));
        }
        // Calling it makes a plain dict.
        "TypedDict" => {
            let make = Value::native("__new__", |i, mut args| {
                if args.pos.is_empty() {
                    return Err(i.raise(Exc::TypeError, "dict.__new__(): not enough arguments"));
                }
                args.pos.remove(0);
                let dict = Value::Class(i.builtins.class("dict"));
                i.call(&dict, args)
            });
            attrs.insert(known::NEW, Value::static_method(make));
        }
        _ => {}
    }
}

/// `isinstance(value, protocol)`: whether it has all that the protocol names.
pub(crate) fn follows_protocol(i: &mut Interp, v: &Value, class: &Rc<Class>) -> Eval<bool> {
    if i.is_instance(v, class) {
        return Ok(true);
    }
    if !matches!(class.attrs.borrow().get(&protocol()), Some(Value::Bool(true))) {
        let text = "Instance and class checks can only be used with @runtime_checkable protocols";
        return Err(i.raise(Exc::TypeError, text));
    }
    let mut names: Vec<Sym> = Vec::new();
    for c in std::iter::once(class).chain(&class.mro).filter(|c| c.attrs.borrow().contains_key(&protocol())) {
        for (name, value) in c.attrs.borrow().iter() {
            if *name == known::ANNOTATIONS {
                let annotated = value.as_dict().map(|d| super::super::eval::container::attributes(&d.borrow()));
                names.extend(annotated.into_iter().flat_map(|a| a.into_keys()));
            } else if !IGNORED.contains(&&*name.name()) {
                names.push(*name);
            }
        }
    }
    for name in names {
        match i.find_attr(v, name) {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(false),
            Err(e) if e.is(i, Exc::AttributeError) => return Ok(false),
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// Attributes of a class that are no part of a protocol.
const IGNORED: &[&str] = &[
    "_is_runtime_protocol",
    "__class_getitem__",
    "__doc__",
    "__module__",
    "__qualname__",
    "__abstract__",
    "__init__",
    "__hash__",
    "__slots__",
];

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
