//! Python's builtin classes and functions, and the part of its standard library that networks use.

pub(crate) mod abc;
pub(crate) mod collections;
mod copy;
pub(crate) mod enums;
mod functions;
mod iteration;
mod mapping;
mod math;
mod number;
mod object;
pub(crate) mod random;
mod regex;
mod sequence;
mod set;
mod signature;
mod standard;
mod support;
mod text;
pub(crate) mod typing;

pub(crate) use standard::standard_module;
#[cfg(test)]
pub(crate) use standard::{standard_names, standard_texts};

use crate::eval::Exc;
use crate::eval::class::{Class, NativeKind};
use crate::eval::value::{Attrs, NativeFn, Value};
use crate::syntax::Sym;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Builtin classes and functions, shared by all networks of a thread.
pub(crate) struct Builtins {
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
    pub(crate) fn shared() -> Rc<Builtins> {
        SHARED.with(Rc::clone)
    }

    /// A builtin class by its name; `object` for a name that is none.
    pub(crate) fn class(&self, name: &str) -> Rc<Class> {
        self.classes.get(name).or_else(|| self.classes.get("object")).cloned().unwrap_or_else(|| {
            Rc::new(Class::native("object", "builtins", Vec::new(), NativeKind::Object, None, Attrs::default()))
        })
    }

    /// The class of an exception.
    pub(crate) fn exception(&self, e: Exc) -> Rc<Class> {
        self.exceptions.get(e as usize).cloned().unwrap_or_else(|| self.class("object"))
    }

    /// The class of a value that is no instance.
    pub(crate) fn class_of(&self, v: &Value) -> Rc<Class> {
        self.class(v.kind_name())
    }

    fn make() -> Builtins {
        let mut b = Builtins { classes: FxHashMap::default(), exceptions: Vec::new(), names: Attrs::default() };
        let object = Rc::new(Class::native(
            "object",
            "builtins",
            Vec::new(),
            NativeKind::Object,
            None,
            object::object_methods(),
        ));
        b.classes.insert("object", object.clone());
        type Row = (&'static str, &'static str, Option<NativeFn>, fn() -> Attrs);
        let table: &[Row] = &[
            ("int", "object", Some(number::int), number::int_methods),
            ("bool", "int", Some(number::bool), Attrs::default),
            ("float", "object", Some(number::float), number::float_methods),
            ("str", "object", Some(text::construct), text::methods),
            ("bytes", "object", Some(text::construct_bytes), text::bytes_methods),
            ("tuple", "object", Some(sequence::tuple), sequence::tuple_methods),
            ("Size", "tuple", None, Attrs::default),
            ("list", "object", Some(sequence::list), sequence::list_methods),
            ("range", "object", Some(sequence::range), sequence::range_methods),
            ("slice", "object", Some(sequence::slice), sequence::slice_methods),
            ("dict", "object", Some(mapping::dict), mapping::dict_methods),
            ("OrderedDict", "dict", Some(mapping::ordered_dict), mapping::ordered_methods),
            ("Counter", "dict", Some(mapping::counter), mapping::counter_methods),
            ("defaultdict", "dict", Some(mapping::default_dict), Attrs::default),
            ("set", "object", Some(set::set), set::set_methods),
            ("frozenset", "object", Some(set::frozenset), set::frozenset_methods),
            ("enumerate", "object", Some(iteration::enumerate), Attrs::default),
            ("zip", "object", Some(iteration::zip), Attrs::default),
            ("map", "object", Some(iteration::map), Attrs::default),
            ("filter", "object", Some(iteration::filter), Attrs::default),
            ("reversed", "object", Some(iteration::reversed), Attrs::default),
            ("iterator", "object", None, iteration::iterator_methods),
            ("property", "object", Some(object::property), object::property_methods),
            ("staticmethod", "object", Some(object::static_method), Attrs::default),
            ("classmethod", "object", Some(object::class_method), Attrs::default),
            ("super", "object", Some(object::super_), Attrs::default),
            ("NoneType", "object", None, Attrs::default),
            ("NotImplementedType", "object", None, Attrs::default),
            ("ellipsis", "object", None, Attrs::default),
            ("function", "object", None, object::function_methods),
            ("builtin_function_or_method", "object", None, object::function_methods),
            ("method", "object", None, Attrs::default),
            ("module", "object", None, Attrs::default),
            ("partial", "object", Some(object::partial), Attrs::default),
            ("dict_keys", "object", None, Attrs::default),
            ("dict_values", "object", None, Attrs::default),
            ("dict_items", "object", None, Attrs::default),
        ];
        for (name, base, construct, attrs) in table {
            let base = b.class(base);
            let class = Class::native(name, "builtins", vec![base], NativeKind::Builtin, *construct, attrs());
            b.classes.insert(name, Rc::new(class));
        }
        let of_type = Class::native(
            "type",
            "builtins",
            vec![object],
            NativeKind::Type,
            Some(object::type_),
            object::type_methods(),
        );
        b.classes.insert("type", Rc::new(of_type));
        for (e, base) in Exc::ALL {
            let base = if e == base { b.class("object") } else { b.exception(*base) };
            let class = Class::native(
                e.name(),
                "builtins",
                vec![base],
                NativeKind::Exception,
                None,
                object::exception_methods(),
            );
            b.exceptions.push(Rc::new(class));
        }
        let hidden = [
            "Size",
            "OrderedDict",
            "Counter",
            "defaultdict",
            "iterator",
            "NoneType",
            "NotImplementedType",
            "ellipsis",
            "function",
            "method",
            "module",
            "builtin_function_or_method",
            "partial",
            "dict_keys",
            "dict_values",
            "dict_items",
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
        for (name, f) in functions::FUNCTIONS {
            b.names.insert(Sym::new(name), Value::native(name, *f));
        }
        for (name, v) in [
            ("NotImplemented", Value::NotImplemented),
            ("Ellipsis", Value::Ellipsis),
            ("__debug__", Value::Bool(true)),
            ("__file__", Value::str("net.py")),
        ] {
            b.names.insert(Sym::new(name), v);
        }
        b
    }
}
