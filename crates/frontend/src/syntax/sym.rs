//! Interned identifiers.
//!
//! A [`Sym`] is a number that stands for a name; equal names have equal numbers within one thread. The table lives as long as
//! its thread, because parsed library code is shared between networks; a worker whose table has grown beyond reason makes way
//! for a fresh one. Values are single-threaded, so a symbol never crosses threads.

use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// An interned name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Sym(u32);

struct Table {
    names: Vec<Rc<str>>,
    index: FxHashMap<Rc<str>, u32>,
}

impl Table {
    fn new() -> Self {
        let mut table = Table { names: Vec::with_capacity(1024), index: FxHashMap::default() };
        for name in known::NAMES {
            table.intern(name);
        }
        table
    }

    fn intern(&mut self, name: &str) -> u32 {
        if let Some(&known) = self.index.get(name) {
            return known;
        }
        let id = self.names.len() as u32;
        let name: Rc<str> = name.into();
        self.names.push(name.clone());
        self.index.insert(name, id);
        id
    }
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::new(Table::new());
}

impl Sym {
    /// The symbol of a name.
    pub(crate) fn new(name: &str) -> Sym {
        TABLE.with_borrow_mut(|t| Sym(t.intern(name)))
    }

    /// The name.
    pub(crate) fn name(self) -> Rc<str> {
        TABLE.with_borrow(|t| t.names[self.0 as usize].clone())
    }

    /// Runs a function on the name without counting a reference.
    pub(crate) fn with<R>(self, f: impl FnOnce(&str) -> R) -> R {
        let name = self.name();
        f(&name)
    }
}

impl fmt::Debug for Sym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl fmt::Display for Sym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// The number of names of this thread.
pub(crate) fn count() -> usize {
    TABLE.with_borrow(|t| t.names.len())
}

macro_rules! known {
    ($($constant:ident = $name:literal),* $(,)?) => {
        /// Symbols that the evaluator itself speaks of.
        pub(crate) mod known {
            use super::Sym;
            pub(super) const NAMES: &[&str] = &[$($name),*];
            known!(@count 0u32; $($constant)*);
        }
    };
    (@count $n:expr; $head:ident $($tail:ident)*) => {
        pub(crate) const $head: Sym = Sym($n);
        known!(@count $n + 1; $($tail)*);
    };
    (@count $n:expr;) => {};
}

known! {
    INIT = "__init__", NEW = "__new__", CALL = "__call__", GETATTR = "__getattr__", SETATTR = "__setattr__",
    DELATTR = "__delattr__", CLASS = "__class__", DICT = "__dict__", NAME = "__name__",
    MODULE = "__module__", DOC = "__doc__", QUALNAME = "__qualname__", LEN = "__len__", ITER = "__iter__", NEXT = "__next__",
    GETITEM = "__getitem__", SETITEM = "__setitem__", DELITEM = "__delitem__", CONTAINS = "__contains__",
    BOOL = "__bool__", EQ = "__eq__", HASH = "__hash__", REPR = "__repr__", STR = "__str__", ENTER = "__enter__", EXIT = "__exit__",
    SUPER = "super", ANNOTATIONS = "__annotations__", ALL = "__all__", FORMAT = "__format__", INDEX = "__index__",
    INIT_SUBCLASS = "__init_subclass__", CLASS_GETITEM = "__class_getitem__", MISSING = "__missing__",
    REVERSED = "__reversed__", METACLASS = "metaclass", ARGS = "args", GET = "__get__", SET = "__set__",
    SET_NAME = "__set_name__", ENUM_NAME = "name", ENUM_VALUE = "value", MATCH_ARGS = "__match_args__",
    GETATTRIBUTE = "__getattribute__", CAUSE = "__cause__", CONTEXT = "__context__", TRACEBACK = "__traceback__",
    UNDERSCORE = "_", COMPLEX = "complex",
}
