//! The frame of a running code: its variables.

use super::Interp;
use super::exception::{Eval, Exc, Raise};
use super::function::{Cell, Function};
use super::module::PyModule;
use super::nest::Nest;
use super::value::{Attrs, Value};
use crate::python::enums::Auto;
use crate::syntax::ast::{Code, CodeKind, Place, Var};
use crate::syntax::sym::{Sym, known};
use std::rc::Rc;

/// The variables of a running code.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) code: Rc<Code>,
    pub(crate) slots: Nest<Vec<Option<Value>>>,
    pub(crate) cells: Vec<Rc<Cell>>,
    pub(crate) module: Rc<PyModule>,
    /// What a class body has defined.
    pub(crate) class: Attrs,
    /// In the body of an enumeration: what `auto()` becomes when it is bound.
    pub(crate) auto: Option<Auto>,
}

impl Frame {
    /// A frame for a module's top level.
    pub(crate) fn top(module: Rc<PyModule>, code: Rc<Code>) -> Self {
        Self::new(module, code, &[])
    }

    /// A frame whose cells end with those captured from outside.
    pub(crate) fn new(module: Rc<PyModule>, code: Rc<Code>, closure: &[Rc<Cell>]) -> Self {
        Self::reuse(Vec::new(), module, code, closure)
    }

    /// As [`Frame::new`], in slots that an ended frame has left.
    fn reuse(mut slots: Vec<Option<Value>>, module: Rc<PyModule>, code: Rc<Code>, closure: &[Rc<Cell>]) -> Self {
        let layout = code.layout();
        let mut cells = Vec::with_capacity(usize::from(layout.cells) + closure.len());
        cells.extend((0..layout.cells).map(|_| Rc::new(Cell::default())));
        cells.extend_from_slice(closure);
        slots.resize(usize::from(layout.slots), None);
        Frame { slots: Nest::new(slots), cells, module, class: Attrs::default(), auto: None, code }
    }

    pub(crate) fn place(&self, var: Var) -> (Sym, Place) {
        self.code.layout().vars[usize::from(var)]
    }

    /// The name and value of every variable that is bound: `locals()`.
    pub(crate) fn locals(&self) -> Vec<(Sym, Value)> {
        if self.code.kind == CodeKind::Module {
            return self.module.attrs.borrow().iter().map(|(n, v)| (*n, v.clone())).collect();
        }
        let mut out: Vec<(Sym, Value)> = self.class.iter().map(|(n, v)| (*n, v.clone())).collect();
        for (name, place) in &self.code.layout().vars {
            let value = match place {
                Place::Slot(s) => self.slots[usize::from(*s)].clone(),
                Place::Cell(c) => self.cells[usize::from(*c)].get(),
                _ => None,
            };
            out.extend(value.map(|v| (*name, v)));
        }
        out
    }
}

/// Slots that are kept for later frames.
const MAX_KEPT: usize = 64;

impl Interp {
    /// The frame of a call.
    pub(crate) fn call_frame(&mut self, function: &Function) -> Frame {
        let slots = self.slots.pop().unwrap_or_default();
        Frame::reuse(slots, function.module.clone(), function.code.clone(), &function.closure)
    }

    /// Takes back what a frame's call no longer needs.
    pub(crate) fn end_frame(&mut self, frame: &mut Frame) {
        if self.slots.len() < MAX_KEPT {
            let mut slots = frame.slots.take();
            slots.clear();
            self.slots.push(slots);
        }
    }

    /// The value of a variable.
    #[inline]
    pub(crate) fn load(&mut self, var: Var, f: &Frame) -> Eval<Value> {
        let (name, place) = f.place(var);
        if let Place::Slot(s) = place {
            return match &f.slots[usize::from(s)] {
                Some(v) => Ok(v.clone()),
                None => Err(self.unbound(name)),
            };
        }
        self.load_other(name, place, f)
    }

    fn load_other(&mut self, name: Sym, place: Place, f: &Frame) -> Eval<Value> {
        match place {
            Place::Slot(_) => {}
            Place::Cell(c) => {
                return match f.cells[usize::from(c)].get() {
                    Some(v) => Ok(v),
                    None if name == known::CLASS => Err(self.raise(Exc::RuntimeError, "super(): empty __class__ cell")),
                    None => Err(self.unbound(name)),
                };
            }
            Place::Class | Place::ClassCell(_) => {
                if let Some(v) = f.class.get(&name) {
                    return Ok(v.clone());
                }
                if let Place::ClassCell(c) = place
                    && let Some(v) = f.cells[usize::from(c)].get()
                {
                    return Ok(v);
                }
            }
            Place::Global => {}
        }
        if let Some(v) = f.module.get(name) {
            return Ok(v);
        }
        if let Some(why) = f.module.absent.borrow().get(&name) {
            let mut here = why.clone().label(why.span, "imported here");
            here.span = self.span;
            return Err(Raise::Abort(Box::new(here)));
        }
        if let Some(v) = self.builtins.names.get(&name) {
            return Ok(v.clone());
        }
        if let Some(v) = self.module_attr(&f.module.clone(), name)? {
            return Ok(v);
        }
        if name == known::COMPLEX {
            return crate::torch::complex_part(self, "complex");
        }
        if name == known::NAME {
            return Ok(Value::Str(f.module.name.clone()));
        }
        if name == known::DOC {
            return Ok(Value::None);
        }
        let raise = self.raise(Exc::NameError, format!("name '{name}' is not defined"));
        Err(self.hint_name(raise, name, f))
    }

    #[cold]
    fn unbound(&self, name: Sym) -> super::Raise {
        let text = format!("cannot access local variable '{name}' where it is not associated with a value");
        self.raise(Exc::UnboundLocalError, text)
    }

    /// Binds a variable.
    #[inline]
    pub(crate) fn store(&mut self, var: Var, value: Value, f: &mut Frame) {
        let (name, place) = f.place(var);
        match place {
            Place::Slot(s) => f.slots[usize::from(s)] = Some(value),
            Place::Cell(c) => f.cells[usize::from(c)].set(Some(value)),
            Place::Class | Place::ClassCell(_) => {
                let value = match f.auto {
                    Some(auto) => auto.resolve(name, value, &f.class),
                    None => value,
                };
                f.class.insert(name, value);
            }
            Place::Global => {
                let old = f.module.attrs.borrow_mut().insert(name, value);
                drop(old);
            }
        }
    }

    /// Unbinds a variable.
    pub(crate) fn unbind(&mut self, var: Var, f: &mut Frame) -> Eval<()> {
        let (name, place) = f.place(var);
        let old = match place {
            Place::Slot(s) => f.slots[usize::from(s)].take(),
            Place::Cell(c) => {
                let cell = &f.cells[usize::from(c)];
                let old = cell.get();
                cell.set(None);
                old
            }
            Place::Class | Place::ClassCell(_) => f.class.shift_remove(&name),
            Place::Global => f.module.attrs.borrow_mut().shift_remove(&name),
        };
        match old {
            Some(_) => Ok(()),
            None if matches!(place, Place::Global) => {
                Err(self.raise(Exc::NameError, format!("name '{name}' is not defined")))
            }
            None => Err(self.unbound(name)),
        }
    }

    /// Notes where the author's source stands.
    #[inline]
    pub(crate) fn at(&mut self, span: archsmith_ir::Span, f: &Frame) {
        if f.code.user {
            self.span = span;
        }
    }
}
