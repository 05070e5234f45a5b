//! Classes and instances: linearisation, attribute lookup, and what an instance carries beside its attributes.

use super::exception::ExceptionState;
use super::nest::Nest;
use super::value::{Attrs, Value};
use crate::syntax::Sym;
use crate::torch::module::ModuleState;
use archsmith_ir::Span;
use rustc_hash::FxHashMap;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

thread_local! {
    /// Counts the changes of classes that exist: what lookups have found before one no longer holds.
    static VERSION: Cell<u32> = const { Cell::new(0) };
}

/// What instances of a class carry natively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NativeKind {
    /// Attributes only.
    Object,
    /// `torch.nn.Module` and its subclasses.
    Module,
    /// An exception.
    Exception,
    /// A subclass of a builtin class, whose value the instance wraps: `int`, `str`, `tuple`, `list`, `dict`, `set`, ….
    Wrapper,
    /// A class of classes: `type`.
    Type,
    /// A builtin class whose instances are variants of [`Value`]; it constructs through its `construct` function.
    Builtin,
}

/// A class.
pub(crate) struct Class {
    /// `__name__`.
    pub name: Rc<str>,
    /// `__qualname__`, where it is not the name.
    pub qualname: OnceCell<Rc<str>>,
    /// `__module__`.
    pub module: Rc<str>,
    /// Direct bases.
    pub bases: Vec<Rc<Class>>,
    /// All ancestors in order of lookup, without the class itself.
    pub mro: Vec<Rc<Class>>,
    /// Own attributes; changed only through [`Class::set`] and [`Class::remove`].
    pub attrs: RefCell<Nest<Attrs>>,
    /// What lookups have found, and the version of all classes that it holds for.
    pub found: RefCell<(u32, FxHashMap<Sym, Option<Value>>)>,
    /// What instances carry.
    pub kind: NativeKind,
    /// How a builtin class is called; subclasses inherit it.
    pub construct: Option<super::value::NativeFn>,
    /// Members of an enumeration, in order; the class is one when this is set.
    pub members: RefCell<Option<Vec<Value>>>,
    /// Field names of a named tuple.
    pub fields: RefCell<Option<Rc<[Sym]>>>,
    /// Whether the class defines or inherits `__getattr__`, `__setattr__` or `__getattribute__` in Python.
    pub hooks: Cell<Hooks>,
    /// Whether its attributes may change: classes of the source, not the shared builtin ones.
    pub mutable: bool,
    /// Its class, where that is not `type`.
    pub meta: RefCell<Option<Rc<Class>>>,
    /// Where it is defined in the author's source.
    pub span: Span,
}

/// Which attribute hooks a class has, its own or inherited.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hooks {
    /// `__getattr__`.
    pub getattr: bool,
    /// `__getattribute__`.
    pub getattribute: bool,
    /// `__setattr__`.
    pub setattr: bool,
    /// `__delattr__`.
    pub delattr: bool,
}

impl Class {
    /// An attribute of the class or its ancestors.
    pub(crate) fn lookup(&self, name: Sym) -> Option<Value> {
        let version = VERSION.get();
        let mut found = self.found.borrow_mut();
        if found.0 != version {
            found.1.clear();
            found.0 = version;
        }
        if let Some(known) = found.1.get(&name) {
            return known.clone();
        }
        let own = self.attrs.borrow().get(&name).cloned();
        let v = own.or_else(|| self.mro.iter().find_map(|c| c.attrs.borrow().get(&name).cloned()));
        found.1.insert(name, v.clone());
        v
    }

    /// Sets an own attribute.
    pub(crate) fn set(&self, name: Sym, value: Value) {
        VERSION.set(VERSION.get().wrapping_add(1));
        let old = self.attrs.borrow_mut().insert(name, value);
        drop(old);
    }

    /// Removes an own attribute.
    pub(crate) fn remove(&self, name: Sym) -> Option<Value> {
        VERSION.set(VERSION.get().wrapping_add(1));
        self.attrs.borrow_mut().shift_remove(&name)
    }

    /// Lets go of everything that it holds.
    pub(crate) fn clear(&self) {
        let old = (self.attrs.take(), self.members.take(), self.found.take(), self.meta.take());
        drop(old);
    }

    /// An attribute of the ancestors that come after `after` in this class's order: what `super()` sees.
    pub(crate) fn lookup_after(self: &Rc<Self>, after: &Rc<Class>, name: Sym) -> Option<Value> {
        let skip = if Rc::ptr_eq(self, after) { 0 } else { self.mro.iter().position(|c| Rc::ptr_eq(c, after))? + 1 };
        self.mro[skip..].iter().find_map(|c| c.attrs.borrow().get(&name).cloned())
    }

    /// Whether it is `other` or derives from it.
    pub(crate) fn is_subclass(self: &Rc<Self>, other: &Rc<Class>) -> bool {
        Rc::ptr_eq(self, other) || self.mro.iter().any(|c| Rc::ptr_eq(c, other))
    }

    /// Whether the class or an ancestor has this name and comes from this module.
    pub(crate) fn derives_from(&self, module: &str, name: &str) -> bool {
        let is = |c: &Class| &*c.name == name && &*c.module == module;
        is(self) || self.mro.iter().any(|c| is(c))
    }

    /// Whether it is an enumeration.
    pub(crate) fn is_enum(&self) -> bool {
        self.members.borrow().is_some()
    }
}

/// The C3 linearisation of a class with these bases, without the class itself. `None`: the orders contradict each other.
pub(crate) fn linearize(bases: &[Rc<Class>]) -> Option<Vec<Rc<Class>>> {
    if let [base] = bases {
        return Some(std::iter::once(base.clone()).chain(base.mro.iter().cloned()).collect());
    }
    let mut lists: Vec<Vec<Rc<Class>>> =
        bases.iter().map(|b| std::iter::once(b.clone()).chain(b.mro.iter().cloned()).collect()).collect();
    lists.push(bases.to_vec());
    let mut order = Vec::new();
    loop {
        lists.retain(|l| !l.is_empty());
        if lists.is_empty() {
            return Some(order);
        }
        let head = lists.iter().find_map(|l| {
            let head = &l[0];
            let later = lists.iter().any(|other| other[1..].iter().any(|c| Rc::ptr_eq(c, head)));
            (!later).then(|| head.clone())
        })?;
        for l in &mut lists {
            if Rc::ptr_eq(&l[0], &head) {
                l.remove(0);
            }
        }
        order.push(head);
    }
}

/// An instance of a class.
pub(crate) struct Instance {
    /// Its class.
    pub class: RefCell<Rc<Class>>,
    /// `__dict__`.
    pub attrs: RefCell<Nest<Attrs>>,
    /// `self.__dict__ = self` in a subclass of `dict`: the items of the dict that it wraps are its attributes.
    pub own_dict: Cell<bool>,
    /// What it carries natively.
    pub native: RefCell<NativeState>,
    /// Where it was made in the author's source.
    pub span: Span,
}

/// What an instance carries beside its attributes.
#[derive(Default)]
pub(crate) enum NativeState {
    /// Nothing.
    #[default]
    None,
    /// The value of a builtin class that the instance's class derives from.
    Wrapped(Value),
    /// An exception's arguments and history.
    Exception(Box<ExceptionState>),
    /// The state of a `torch.nn.Module` after its `__init__`.
    Module(Box<ModuleState>),
}

impl Instance {
    /// A fresh instance without attributes.
    pub(crate) fn new(class: Rc<Class>, native: NativeState, span: Span) -> Self {
        Instance {
            class: RefCell::new(class),
            attrs: RefCell::new(Nest::default()),
            own_dict: Cell::new(false),
            native: RefCell::new(native),
            span,
        }
    }

    /// Its class.
    pub(crate) fn class(&self) -> Rc<Class> {
        self.class.borrow().clone()
    }

    /// An own attribute, without any lookup in the class.
    pub(crate) fn get(&self, name: Sym) -> Option<Value> {
        if self.own_dict.get()
            && let Some(Value::Dict(d)) = self.payload_value()
        {
            return d.borrow().get(&super::dict::StrKey(&name.name())).cloned();
        }
        self.attrs.borrow().get(&name).cloned()
    }

    /// Sets an own attribute, without any hook.
    pub(crate) fn set(&self, name: Sym, value: Value) {
        let old = match self.payload_value() {
            Some(Value::Dict(d)) if self.own_dict.get() => {
                d.borrow_mut().insert(super::dict::Key::str(&name.name()), value)
            }
            _ => self.attrs.borrow_mut().insert(name, value),
        };
        drop(old);
    }

    /// Removes an own attribute, without any hook.
    pub(crate) fn remove(&self, name: Sym) -> Option<Value> {
        match self.payload_value() {
            Some(Value::Dict(d)) if self.own_dict.get() => {
                d.borrow_mut().shift_remove(&super::dict::StrKey(&name.name()))
            }
            _ => self.attrs.borrow_mut().shift_remove(&name),
        }
    }

    /// The builtin value that it wraps, where its class derives from a builtin one.
    pub(crate) fn payload_value(&self) -> Option<Value> {
        match &*self.native.borrow() {
            NativeState::Wrapped(v) => Some(v.clone()),
            _ => None,
        }
    }
}
