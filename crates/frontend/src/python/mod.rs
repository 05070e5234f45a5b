//! Python's builtin classes and functions, and the part of its standard library that networks use.

pub(crate) mod abc;
mod builtins;
pub(crate) mod collections;
pub(crate) mod enums;
mod methods;
pub(crate) mod random;
mod standard;
pub(crate) mod typing;

pub(crate) use standard::standard_module;

use crate::eval::Exc;
use crate::eval::class::{Class, NativeKind};
use crate::eval::value::{Attrs, NativeFn, Value};
use crate::syntax::Sym;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Builtin classes and functions, shared by all networks of a thread.
pub struct Builtins {
    classes: FxHashMap<&'static str, Rc<Class>>,
    exceptions: Vec<Rc<Class>>,
    /// Builtin names.
    pub(crate) names: Attrs,
}

thread_local! {
    static SHARED: Rc<Builtins> = Rc::new(Builtins::make());
}

impl Builtins {
    /// This thread's.
    pub fn shared() -> Rc<Builtins> {
        SHARED.with(Rc::clone)
    }

    /// A builtin class by its name; `object` for a name that is none.
    pub fn class(&self, name: &str) -> Rc<Class> {
        self.classes.get(name).or_else(|| self.classes.get("object")).cloned().unwrap_or_else(|| {
            Rc::new(Class::native("object", "builtins", Vec::new(), NativeKind::Object, None, Attrs::default()))
        })
    }

    /// The class of an exception.
    pub fn exception(&self, e: Exc) -> Rc<Class> {
        self.exceptions.get(e as usize).cloned().unwrap_or_else(|| self.class("object"))
    }

    /// The class of a value that is no instance.
    pub fn class_of(&self, v: &Value) -> Rc<Class> {
        self.class(v.kind_name())
    }

    fn make() -> Builtins {
        let mut b = Builtins { classes: FxHashMap::default(), exceptions: Vec::new(), names: Attrs::default() };
        let object = Rc::new(Class::native("object", "builtins", Vec::new(), NativeKind::Object, None, methods::object()));
        b.classes.insert("object", object.clone());
        let table: &[(&'static str, &'static str, Option<NativeFn>, fn() -> Attrs)] = &[
            ("int", "object", Some(builtins::int), methods::int),
            ("bool", "int", Some(builtins::bool), Attrs::default),
            ("float", "object", Some(builtins::float), methods::float),
            ("str", "object", Some(builtins::str), methods::str),
            ("bytes", "object", Some(builtins::bytes), Attrs::default),
            ("tuple", "object", Some(builtins::tuple), methods::tuple),
            ("Size", "tuple", None, Attrs::default),
            ("list", "object", Some(builtins::list), methods::list),
            ("dict", "object", Some(builtins::dict), methods::dict),
            ("OrderedDict", "dict", Some(builtins::ordered_dict), Attrs::default),
            ("Counter", "dict", Some(builtins::counter), methods::counter),
            ("defaultdict", "dict", Some(builtins::default_dict), Attrs::default),
            ("set", "object", Some(builtins::set), methods::set),
            ("frozenset", "object", Some(builtins::frozenset), methods::set),
            ("range", "object", Some(builtins::range), methods::range),
            ("slice", "object", Some(builtins::slice), methods::slice),
            ("enumerate", "object", Some(builtins::enumerate), Attrs::default),
            ("zip", "object", Some(builtins::zip), Attrs::default),
            ("map", "object", Some(builtins::map), Attrs::default),
            ("filter", "object", Some(builtins::filter), Attrs::default),
            ("reversed", "object", Some(builtins::reversed), Attrs::default),
            ("iterator", "object", None, methods::iterator),
            ("property", "object", Some(builtins::property), methods::property),
            ("staticmethod", "object", Some(builtins::static_method), Attrs::default),
            ("classmethod", "object", Some(builtins::class_method), Attrs::default),
            ("super", "object", Some(builtins::super_), Attrs::default),
            ("NoneType", "object", None, Attrs::default),
            ("ellipsis", "object", None, Attrs::default),
            ("function", "object", None, Attrs::default),
            ("builtin_function_or_method", "object", None, Attrs::default),
            ("method", "object", None, Attrs::default),
            ("module", "object", None, Attrs::default),
            ("partial", "object", Some(builtins::partial), Attrs::default),
            ("dict_keys", "object", None, Attrs::default),
            ("dict_values", "object", None, Attrs::default),
            ("dict_items", "object", None, Attrs::default),
        ];
        for (name, base, construct, attrs) in table {
            let base = b.class(base);
            let class = Class::native(name, "builtins", vec![base], NativeKind::Builtin, *construct, attrs());
            b.classes.insert(name, Rc::new(class));
        }
        let of_type =
            Class::native("type", "builtins", vec![object], NativeKind::Type, Some(builtins::type_), Attrs::default());
        b.classes.insert("type", Rc::new(of_type));
        for (e, base) in Exc::ALL {
            let base = if e == base { b.class("object") } else { b.exception(*base) };
            let class =
                Class::native(e.name(), "builtins", vec![base], NativeKind::Exception, None, methods::exception());
            b.exceptions.push(Rc::new(class));
        }
        let hidden = [
            "Size", "OrderedDict", "Counter", "defaultdict", "iterator", "NoneType", "ellipsis", "function", "method", "module",
            "builtin_function_or_method", "partial", "dict_keys", "dict_values", "dict_items",
        ];
        let mut names: Vec<(&str, Value)> = b
            .classes
            .iter()
            .filter(|(n, _)| !hidden.contains(*n))
            .map(|(n, c)| (*n, Value::Class(c.clone())))
            .collect();
        names.sort_by_key(|(n, _)| *n);
        for (name, v) in names {
            b.names.insert(Sym::new(name), v);
        }
        for ((e, _), c) in Exc::ALL.iter().zip(&b.exceptions) {
            b.names.insert(Sym::new(e.name()), Value::Class(c.clone()));
        }
        b.names.insert(Sym::new("IOError"), Value::Class(b.exception(Exc::OSError)));
        b.names.insert(Sym::new("EnvironmentError"), Value::Class(b.exception(Exc::OSError)));
        for (name, f) in builtins::FUNCTIONS {
            b.names.insert(Sym::new(name), Value::native(name, *f));
        }
        for (name, v) in [
            ("NotImplemented", Value::NotImplemented),
            ("Ellipsis", Value::Ellipsis),
            ("__debug__", Value::Bool(true)),
            ("__name__", Value::str("__main__")),
            ("__file__", Value::str("net.py")),
        ] {
            b.names.insert(Sym::new(name), v);
        }
        b
    }
}
