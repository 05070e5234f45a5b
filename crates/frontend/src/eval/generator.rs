//! Generators. The body runs whole when the first item is asked for, and its items are kept: bounded by the fuel.

use super::exception::Eval;
use super::frame::Frame;
use super::iter::Iter;
use super::value::Value;
use super::Interp;
use crate::syntax::ast::Code;
use std::rc::Rc;

/// A generator that has not run yet.
pub struct Suspended {
    frame: Frame,
}

impl Interp {
    pub(crate) fn make_generator(&mut self, frame: Frame) -> Value {
        Value::iterator(Iter::Generator(Box::new(Suspended { frame })))
    }

    pub(crate) fn generator_expression(&mut self, code: &Rc<Code>, first: Value, f: &Frame) -> Eval<Value> {
        let closure = self.capture(code, f);
        let mut frame = Frame::new(f.module.clone(), code.clone(), &closure);
        frame.class = f.class.clone();
        if let Some(slot) = frame.slots.first_mut() {
            *slot = Some(first);
        }
        for (param, cell) in &code.layout().cell_params {
            let v = frame.slots[usize::from(*param)].take();
            frame.cells[usize::from(*cell)].set(v);
        }
        Ok(self.make_generator(frame))
    }

    pub(super) fn run_generator(&mut self, s: &mut Suspended) -> Eval<Vec<Value>> {
        self.enter()?;
        let span = self.span;
        self.yields.push(Vec::new());
        let code = s.frame.code.clone();
        let result = self.exec_block(&code.body, &mut s.frame);
        self.leave();
        self.span = span;
        let items = self.yields.pop().unwrap_or_default();
        result?;
        Ok(items)
    }

    /// What `yield` does.
    pub(crate) fn yield_value(&mut self, v: Value) -> Eval<Value> {
        self.allocate(1)?;
        if let Some(items) = self.yields.last_mut() {
            items.push(v);
        }
        Ok(Value::None)
    }
}
