//! List, set and dict comprehensions: they run in the frame around them, with slots of their own.

use super::Interp;
use super::dict::{Dict, Key, Set};
use super::exception::Eval;
use super::frame::Frame;
use super::function::Cell;
use super::value::Value;
use crate::syntax::ast::{Comp, Place};
use std::rc::Rc;

type Each<'a> = &'a mut dyn FnMut(&mut Interp, &mut Frame) -> Eval<()>;

impl Interp {
    pub(super) fn list_comp(&mut self, c: &Comp, f: &mut Frame) -> Eval<Value> {
        let mut out = Vec::new();
        self.comprehend(c, f, &mut |i, f| {
            i.allocate(1)?;
            out.push(i.eval(&c.element, f)?);
            Ok(())
        })?;
        Ok(Value::list(out))
    }

    pub(super) fn set_comp(&mut self, c: &Comp, f: &mut Frame) -> Eval<Value> {
        let mut out = Set::default();
        self.comprehend(c, f, &mut |i, f| {
            i.allocate(1)?;
            let v = i.eval(&c.element, f)?;
            out.insert(Key::new(i, &v)?);
            Ok(())
        })?;
        Ok(Value::set(out))
    }

    pub(super) fn dict_comp(&mut self, c: &Comp, f: &mut Frame) -> Eval<Value> {
        let mut out = Dict::default();
        self.comprehend(c, f, &mut |i, f| {
            i.allocate(1)?;
            let k = i.eval(&c.element, f)?;
            let v = match &c.value {
                Some(v) => i.eval(v, f)?,
                None => Value::None,
            };
            out.insert(Key::new(i, &k)?, v);
            Ok(())
        })?;
        Ok(Value::dict(out))
    }

    fn comprehend(&mut self, c: &Comp, f: &mut Frame, each: Each<'_>) -> Eval<()> {
        // A comprehension inside itself (by recursion through a function) has a frame of its own; one that runs again in
        // this frame starts with fresh variables, so that closures of the last run keep theirs.
        for var in &c.vars {
            match f.place(*var).1 {
                Place::Cell(cell) => f.cells[usize::from(cell)] = Rc::new(Cell::default()),
                Place::Slot(slot) => f.slots[usize::from(slot)] = None,
                _ => {}
            }
        }
        self.clause(c, 0, f, each)
    }

    fn clause(&mut self, c: &Comp, at: usize, f: &mut Frame, each: Each<'_>) -> Eval<()> {
        let Some(clause) = c.clauses.get(at) else { return each(self, f) };
        let source = self.eval(&clause.iter, f)?;
        self.at(clause.iter.span, f);
        let iter = self.iter(&source)?;
        'items: loop {
            self.step()?;
            let Some(item) = self.next(&iter)? else { return Ok(()) };
            self.assign(&clause.target, item, f)?;
            for condition in &clause.conditions {
                let v = self.eval(condition, f)?;
                self.at(condition.span, f);
                if !self.truth(&v)? {
                    continue 'items;
                }
            }
            self.clause(c, at + 1, f, each)?;
        }
    }
}
