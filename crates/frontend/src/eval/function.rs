//! Functions of the source: code, closure, defaults.

use super::module::PyModule;
use super::nest::Nest;
use super::value::{Attrs, Value};
use crate::syntax::ast::Code;
use std::cell::RefCell;
use std::rc::Rc;

/// A function object.
pub(crate) struct Function {
    /// What it runs.
    pub code: Rc<Code>,
    /// Where its global names are.
    pub module: Rc<PyModule>,
    /// Variables of enclosing functions, in the order of the code's captures.
    pub closure: Vec<Rc<Cell>>,
    /// Values of the defaults, in the order of the parameters that have one.
    pub defaults: Nest<Vec<Value>>,
    /// Attributes that the source has set on it; `__name__` and the like are computed.
    pub attrs: RefCell<Nest<Attrs>>,
}

impl Function {
    /// `__name__`.
    pub(crate) fn name(&self) -> Rc<str> {
        self.code.name.clone()
    }
}

/// A variable that a nested function shares.
#[derive(Default)]
pub(crate) struct Cell(RefCell<Nest<Option<Value>>>);

impl Cell {
    /// Its value; `None` while unbound.
    pub(crate) fn get(&self) -> Option<Value> {
        self.0.borrow().clone().take()
    }

    /// Binds or unbinds it.
    pub(crate) fn set(&self, value: Option<Value>) {
        // The old value is freed after the borrow ends: freeing may run long.
        let old = self.0.replace(Nest::new(value));
        drop(old);
    }
}
