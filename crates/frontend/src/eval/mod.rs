//! The partial evaluator: runs Python on concrete and abstract values, with fuel.
//!
//! It has no access to files, network, clock or environment. Steps, call depth, native stack and the size of containers are
//! bounded by [`Limits`]; what exceeds them is an abort that no `try` catches. One [`Interp`] serves one network and stays in
//! one thread.

mod advice;
pub(crate) mod args;
mod assign;
mod attribute;
mod bound;
mod call;
pub(crate) mod class;
mod class_attribute;
mod classdef;
mod compare;
mod comprehension;
pub(crate) mod container;
pub(crate) mod dict;
pub(crate) mod exception;
mod expr;
pub(crate) mod format;
mod frame;
mod fuel;
pub(crate) mod function;
pub(crate) mod generator;
mod hint;
mod import;
mod index;
pub(crate) mod iter;
mod matching;
pub(crate) mod module;
pub(crate) mod nest;
pub(crate) mod number;
pub(crate) mod operators;
mod protocol;
pub(crate) mod repr;
mod stmt;
pub(crate) mod value;

pub(crate) use exception::{Eval, Exc, Raise};
pub(crate) use frame::Frame;
pub use fuel::Limits;

use crate::python::Builtins;
use crate::syntax::ast::Source;
use crate::syntax::sym::known;
use archsmith_ir::Span;
use class::{Class, Instance};
use module::PyModule;
use rustc_hash::FxHashMap;
use std::rc::{Rc, Weak};
use value::Value;

/// The state of one elaboration.
pub(crate) struct Interp {
    /// Where the author's source stands now; library code leaves it at the author's call.
    pub span: Span,
    /// Bounds.
    pub limits: Limits,
    pub(crate) fuel: fuel::Fuel,
    /// Builtin classes and functions, shared by all networks of the thread.
    pub(crate) builtins: Rc<Builtins>,
    /// `sys.modules`.
    pub(crate) modules: FxHashMap<Rc<str>, Rc<PyModule>>,
    /// The exceptions being handled, innermost last.
    pub(crate) handling: Vec<exception::Thrown>,
    /// The containers whose text is being made: one that holds itself is shown as `[...]`.
    showing: Vec<i64>,
    /// What `print` wrote; bounded.
    pub(crate) printed: String,
    /// The state of `random`.
    pub(crate) random: crate::python::random::State,
    /// Keys of classes with an equality of their own: the first of each class of equals, by `__hash__`.
    pub(crate) equals: FxHashMap<i64, Vec<Value>>,
    /// What an annotation such as `Literal["a"]` was made of, by its text.
    pub(crate) generic: FxHashMap<Rc<str>, (Value, Value)>,
    /// Slots of frames that have ended, to be used again.
    slots: Vec<Vec<Option<Value>>>,
    /// Everything that may take part in a cycle of references, emptied at the end.
    heap: Vec<Held>,
    /// What the torch side keeps.
    pub(crate) torch: crate::torch::State,
}

enum Held {
    Class(Weak<Class>),
    Instance(Weak<Instance>),
    Module(Weak<PyModule>),
    Cell(Weak<function::Cell>),
}

impl Interp {
    /// A fresh interpreter. `stack_bytes` is what is left of the native stack of this thread.
    pub(crate) fn new(limits: Limits, stack_bytes: usize) -> Self {
        let fuel = fuel::Fuel::new(&limits, stack_bytes);
        Interp {
            span: Span::default(),
            limits,
            fuel,
            builtins: Builtins::shared(),
            modules: FxHashMap::default(),
            handling: Vec::new(),
            showing: Vec::new(),
            printed: String::new(),
            random: Default::default(),
            equals: FxHashMap::default(),
            generic: FxHashMap::default(),
            slots: Vec::new(),
            heap: Vec::new(),
            torch: Default::default(),
        }
    }

    /// Runs a module's top level: the author's text.
    pub(crate) fn run_source(&mut self, module: &Rc<PyModule>, source: &Rc<Source>) -> Eval<()> {
        self.hold_module(module);
        if let Some(doc) = &source.code.doc {
            module.attrs.borrow_mut().insert(known::DOC, Value::Str(doc.clone()));
        }
        let mut frame = Frame::top(module.clone(), source.code.clone());
        self.exec_top(&source.code.body, &mut frame)
    }

    /// Runs one top-level statement of a library source.
    pub(crate) fn run_definition(&mut self, module: &Rc<PyModule>, source: &Rc<Source>, index: usize) -> Eval<()> {
        let mut frame = Frame::top(module.clone(), source.code.clone());
        self.exec_top(&source.code.body[index..=index], &mut frame)
    }

    /// What `print` has written so far.
    pub(crate) fn printed(&self) -> &str {
        &self.printed
    }

    /// A module made by this interpreter: its attributes are freed with it.
    pub(crate) fn hold_module(&mut self, module: &Rc<PyModule>) {
        self.heap.push(Held::Module(Rc::downgrade(module)));
    }

    pub(crate) fn hold_class(&mut self, class: &Rc<Class>) {
        self.heap.push(Held::Class(Rc::downgrade(class)));
    }

    /// The classes that derive directly from a class, in order of definition.
    pub(crate) fn subclasses(&self, of: &Rc<Class>) -> Vec<Rc<Class>> {
        let classes = self.heap.iter().filter_map(|held| match held {
            Held::Class(c) => c.upgrade(),
            _ => None,
        });
        classes.filter(|c| c.bases.iter().any(|b| Rc::ptr_eq(b, of))).collect()
    }

    pub(crate) fn hold_instance(&mut self, instance: &Rc<Instance>) {
        self.heap.push(Held::Instance(Rc::downgrade(instance)));
    }

    pub(crate) fn hold_cell(&mut self, cell: &Rc<function::Cell>) {
        self.heap.push(Held::Cell(Rc::downgrade(cell)));
    }

    /// A fresh instance that this interpreter frees at its end.
    pub(crate) fn new_instance(&mut self, class: &Rc<Class>, native: class::NativeState) -> Rc<Instance> {
        let instance = Rc::new(Instance::new(class.clone(), native, self.span));
        self.hold_instance(&instance);
        instance
    }
}

/// Module ↔ function, class ↔ method, instance ↔ instance and cell ↔ closure are cycles of references: they are cut here.
impl Drop for Interp {
    fn drop(&mut self) {
        self.handling.clear();
        self.torch = Default::default();
        self.equals.clear();
        self.generic.clear();
        for held in std::mem::take(&mut self.heap) {
            match held {
                Held::Class(c) => {
                    if let Some(c) = c.upgrade() {
                        c.clear();
                    }
                }
                Held::Instance(i) => {
                    if let Some(i) = i.upgrade() {
                        let old = i.attrs.take();
                        let native = i.native.take();
                        drop((old, native));
                    }
                }
                Held::Module(m) => {
                    if let Some(m) = m.upgrade() {
                        let old = m.attrs.take();
                        drop(old);
                    }
                }
                Held::Cell(c) => {
                    if let Some(c) = c.upgrade() {
                        c.set(None);
                    }
                }
            }
        }
    }
}

impl Value {
    /// What kind of value it is, for messages of this crate; Python's type name is [`Interp::type_name`].
    pub(crate) fn kind_name(&self) -> &'static str {
        match self {
            Value::None => "NoneType",
            Value::NotImplemented => "NotImplementedType",
            Value::Ellipsis => "ellipsis",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Big(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::Tuple(t) => {
                if t.size {
                    "Size"
                } else {
                    "tuple"
                }
            }
            Value::List(_) => "list",
            Value::Dict(d) => match d.kind {
                value::DictKind::Plain | value::DictKind::Attributes(_) | value::DictKind::Names(_) => "dict",
                value::DictKind::Ordered => "OrderedDict",
                value::DictKind::Counter => "Counter",
                value::DictKind::Default(_) => "defaultdict",
            },
            Value::Set(s) => {
                if s.frozen {
                    "frozenset"
                } else {
                    "set"
                }
            }
            Value::View(v) => match v.what {
                value::ViewKind::Keys => "dict_keys",
                value::ViewKind::Values => "dict_values",
                value::ViewKind::Items => "dict_items",
            },
            Value::Slice(_) => "slice",
            Value::Range(_) => "range",
            Value::Function(_) => "function",
            Value::Native(_) | Value::Operator(_) => "builtin_function_or_method",
            Value::BoundMethod(_) => "method",
            Value::Property(_) => "property",
            Value::StaticMethod(_) => "staticmethod",
            Value::ClassMethod(_) => "classmethod",
            Value::Super(_) => "super",
            Value::Partial(_) => "partial",
            Value::Class(_) => "type",
            Value::Instance(_) => "object",
            Value::Module(_) => "module",
            Value::Iterator(_) => "iterator",
            Value::Opaque(_) => "object",
            Value::Tensor(_) => "Tensor",
            Value::DType(_) => "dtype",
            Value::Device(_) => "device",
        }
    }
}
