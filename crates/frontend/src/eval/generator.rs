//! Generators: a body that stops at each `yield` and goes on where it stopped.
//!
//! A statement without a `yield` in it runs as in any function. Those that have one are resumed from an explicit stack of the
//! blocks, loops and `with` and `try` statements that are open. `yield` stands as a statement, or alone on the right of an
//! assignment; deeper inside an expression it is refused.

use super::exception::{Eval, Raise};
use super::frame::Frame;
use super::iter::Iter;
use super::stmt::Flow;
use super::value::Value;
use super::{Exc, Interp};
use crate::syntax::ast::{Block, Code, Expr, ExprKind, For, Stmt, StmtKind, Try};
use std::rc::Rc;

/// A generator between two items.
pub(crate) struct Suspended {
    frame: Frame,
    open: Vec<Open>,
    /// What `send` gave.
    sent: Value,
    /// What the body has returned.
    result: Value,
    started: bool,
}

impl Suspended {
    /// What the body has returned; leaves nothing.
    pub(super) fn take_result(&mut self) -> Value {
        std::mem::take(&mut self.result)
    }
}

/// A statement that is open.
enum Open {
    /// Statements, and which comes next.
    Block(Block, usize),
    /// A `for` loop with its iterator.
    For(Rc<For>, Value),
    /// A `while` loop: the statement at this place of its block.
    While(Block, usize),
    /// A `with` statement's bound `__exit__`.
    With(Value),
    /// A `try` statement whose body runs.
    Try(Rc<Try>),
    /// A handler of a `try` statement runs.
    Handler(Rc<Try>),
    /// An assignment, at this place of its block, waits for what is sent.
    Receive(Block, usize),
    /// `yield from`, and the assignment that waits for what the inner generator returns.
    From(Value, Option<(Block, usize)>),
}

impl Interp {
    pub(crate) fn make_generator(&mut self, frame: Frame) -> Value {
        let open = vec![Open::Block(frame.code.body.clone(), 0)];
        let suspended = Suspended { frame, open, sent: Value::None, result: Value::None, started: false };
        Value::iterator(Iter::Generator(Box::new(suspended)))
    }

    pub(crate) fn generator_expression(&mut self, code: &Rc<Code>, first: Value, f: &Frame) -> Eval<Value> {
        let closure = self.capture(code, f);
        let mut frame = Frame::new(f.module.clone(), code.clone(), &closure);
        frame.class.clone_from(&f.class);
        if let Some(slot) = frame.slots.first_mut() {
            *slot = Some(first);
        }
        for (param, cell) in &code.layout().cell_params {
            let v = frame.slots[usize::from(*param)].take();
            frame.cells[usize::from(*cell)].set(v);
        }
        Ok(self.make_generator(frame))
    }

    /// Runs a generator to its next item; `None` at its end.
    pub(super) fn resume(&mut self, s: &mut Suspended, sent: Value) -> Eval<Option<Value>> {
        s.sent = sent;
        self.run(s, None)
    }

    fn run(&mut self, s: &mut Suspended, thrown: Option<Raise>) -> Eval<Option<Value>> {
        self.enter()?;
        let span = self.span;
        s.started = true;
        let result = match thrown {
            Some(e) => self.throw_inside(s, e),
            None => self.run_to_yield(s),
        };
        self.leave();
        self.span = span;
        if !matches!(result, Ok(Some(_))) {
            s.open.clear();
        }
        result
    }

    /// An exception arrives where the generator stands: at the inner generator of a `yield from` first.
    fn throw_inside(&mut self, s: &mut Suspended, error: Raise) -> Eval<Option<Value>> {
        if let Some(Open::From(inner, waits)) = s.open.pop_if(|o| matches!(o, Open::From(..))) {
            match self.throw(&inner, error) {
                Ok(Some(v)) => {
                    s.open.push(Open::From(inner, waits));
                    return Ok(Some(v));
                }
                Ok(None) => self.receive(waits, self.returned(&inner), s)?,
                Err(e) => self.unwind_error(s, e)?,
            }
        } else {
            self.unwind_error(s, error)?;
        }
        self.run_to_yield(s)
    }

    /// Runs a generator's state that is taken out of its iterator meanwhile.
    fn with_generator(
        &mut self,
        iter: &Value,
        run: impl FnOnce(&mut Self, &mut Suspended) -> Eval<Option<Value>>,
    ) -> Eval<Option<Value>> {
        let Value::Iterator(cell) = iter else { return Err(self.raise(Exc::TypeError, "a generator is expected")) };
        let taken = match cell.try_borrow_mut() {
            Ok(mut c) => c.take(),
            Err(_) => return Err(self.raise(Exc::ValueError, "generator already executing")),
        };
        let Iter::Generator(mut s) = taken else {
            **cell.borrow_mut() = taken;
            return Ok(None);
        };
        let found = run(self, &mut s);
        let state = if matches!(found, Ok(Some(_))) { Iter::Generator(s) } else { Iter::Returned(s.take_result()) };
        **cell.borrow_mut() = state;
        found
    }

    /// `generator.send(value)`: the next item, `None` at the end.
    pub(crate) fn send(&mut self, iter: &Value, value: Value) -> Eval<Option<Value>> {
        self.with_generator(iter, |i, s| {
            if !s.started && !value.is_none() {
                return Err(i.raise(Exc::TypeError, "can't send non-None value to a just-started generator"));
            }
            i.resume(s, value)
        })
    }

    /// `generator.throw(exception)`: the next item, `None` at the end.
    pub(crate) fn throw(&mut self, iter: &Value, error: Raise) -> Eval<Option<Value>> {
        let alive = match iter {
            Value::Iterator(cell) => matches!(cell.try_borrow().as_deref().map(|n| &**n), Ok(Iter::Generator(_))),
            _ => false,
        };
        if !alive {
            return Err(error);
        }
        self.with_generator(iter, |i, s| if s.started { i.run(s, Some(error)) } else { Err(error) })
    }

    /// `generator.close()`: its `finally` blocks run.
    pub(crate) fn close(&mut self, iter: &Value) -> Eval<()> {
        let exit = self.raise_args(Exc::GeneratorExit, Vec::new());
        match self.throw(iter, exit) {
            Ok(Some(_)) => Err(self.raise(Exc::RuntimeError, "generator ignored GeneratorExit")),
            Ok(None) => Ok(()),
            Err(e) if e.is(self, Exc::GeneratorExit) || e.is(self, Exc::StopIteration) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Assigns what was sent or returned to the assignment that waits for it.
    fn receive(&mut self, waits: Option<(Block, usize)>, value: Value, s: &mut Suspended) -> Eval<()> {
        if let Some((block, at)) = waits
            && let StmtKind::Assign(targets, _) = &block[at].kind
        {
            for t in targets {
                self.assign(t, value.clone(), &mut s.frame)?;
            }
        }
        Ok(())
    }

    fn run_to_yield(&mut self, s: &mut Suspended) -> Eval<Option<Value>> {
        loop {
            match self.one_step(s) {
                Ok(Step::Yield(v)) => return Ok(Some(v)),
                Ok(Step::Go) => {}
                Ok(Step::Flow(flow)) => {
                    if self.unwind_flow(s, flow)? {
                        return Ok(None);
                    }
                }
                Ok(Step::End) => return Ok(None),
                Err(e) => self.unwind_error(s, e)?,
            }
        }
    }

    fn one_step(&mut self, s: &mut Suspended) -> Eval<Step> {
        let Some(top) = s.open.last_mut() else { return Ok(Step::End) };
        match top {
            Open::Block(block, at) => {
                let Some(stmt) = block.get(*at) else {
                    s.open.pop();
                    return Ok(Step::Go);
                };
                let (block, here) = (block.clone(), *at);
                *at += 1;
                if !stmt.yields {
                    return Ok(match self.exec(&block[here], &mut s.frame)? {
                        Flow::Next => Step::Go,
                        flow => Step::Flow(flow),
                    });
                }
                self.open_statement(&block, here, s)
            }
            Open::For(l, iter) => {
                let (l, iter) = (l.clone(), iter.clone());
                self.step()?;
                self.at(l.iter.span, &s.frame);
                match self.next(&iter)? {
                    Some(item) => {
                        self.assign(&l.target, item, &mut s.frame)?;
                        s.open.push(Open::Block(l.body.clone(), 0));
                    }
                    None => {
                        s.open.pop();
                        s.open.push(Open::Block(l.orelse.clone(), 0));
                    }
                }
                Ok(Step::Go)
            }
            Open::While(block, at) => {
                let (block, at) = (block.clone(), *at);
                self.step()?;
                if let StmtKind::While(condition, body, orelse) = &block[at].kind {
                    if self.condition(condition, &mut s.frame)? {
                        s.open.push(Open::Block(body.clone(), 0));
                    } else {
                        s.open.pop();
                        s.open.push(Open::Block(orelse.clone(), 0));
                    }
                }
                Ok(Step::Go)
            }
            Open::With(_) => {
                if let Some(Open::With(exit)) = s.open.pop() {
                    self.leave_context(&exit, Ok(Flow::Next))?;
                }
                Ok(Step::Go)
            }
            Open::Try(_) => {
                if let Some(Open::Try(t)) = s.open.pop() {
                    s.open.push(Open::Block(t.finally.clone(), 0));
                    s.open.push(Open::Block(t.orelse.clone(), 0));
                }
                Ok(Step::Go)
            }
            Open::Handler(_) => {
                if let Some(Open::Handler(t)) = s.open.pop() {
                    self.handling.pop();
                    s.open.push(Open::Block(t.finally.clone(), 0));
                }
                Ok(Step::Go)
            }
            Open::Receive(block, at) => {
                let waits = Some((block.clone(), *at));
                s.open.pop();
                let sent = std::mem::take(&mut s.sent);
                self.receive(waits, sent, s)?;
                Ok(Step::Go)
            }
            Open::From(iter, waits) => {
                let (iter, waits) = (iter.clone(), waits.clone());
                let sent = std::mem::take(&mut s.sent);
                let item = if sent.is_none() { self.next(&iter)? } else { self.send(&iter, sent)? };
                match item {
                    Some(v) => Ok(Step::Yield(v)),
                    None => {
                        s.open.pop();
                        let value = self.returned(&iter);
                        self.receive(waits, value, s)?;
                        Ok(Step::Go)
                    }
                }
            }
        }
    }

    /// Opens a statement that has a `yield` in it.
    fn open_statement(&mut self, block: &Block, at: usize, s: &mut Suspended) -> Eval<Step> {
        let stmt: &Stmt = &block[at];
        self.step()?;
        self.at(stmt.span, &s.frame);
        let f = &mut s.frame;
        match &stmt.kind {
            StmtKind::Expr(e) => self.yield_expression(e, None, s),
            StmtKind::Assign(_, e) if matches!(e.kind, ExprKind::Yield(_) | ExprKind::YieldFrom(_)) => {
                self.yield_expression(e, Some((block.clone(), at)), s)
            }
            StmtKind::If(branches, orelse) => {
                for (condition, body) in branches {
                    if self.condition(condition, f)? {
                        s.open.push(Open::Block(body.clone(), 0));
                        return Ok(Step::Go);
                    }
                }
                s.open.push(Open::Block(orelse.clone(), 0));
                Ok(Step::Go)
            }
            StmtKind::For(l) => {
                let source = self.eval(&l.iter, f)?;
                self.at(l.iter.span, f);
                let iter = self.iter(&source)?;
                s.open.push(Open::For(l.clone(), iter));
                Ok(Step::Go)
            }
            StmtKind::While(..) => {
                s.open.push(Open::While(block.clone(), at));
                Ok(Step::Go)
            }
            StmtKind::With(items, body) => {
                for (context, target) in items {
                    let manager = self.eval(context, &mut s.frame)?;
                    self.at(context.span, &s.frame);
                    let exit = self.enter_context(&manager, target.as_ref(), &mut s.frame)?;
                    s.open.push(Open::With(exit));
                }
                s.open.push(Open::Block(body.clone(), 0));
                Ok(Step::Go)
            }
            StmtKind::Try(t) => {
                s.open.push(Open::Try(t.clone()));
                s.open.push(Open::Block(t.body.clone(), 0));
                Ok(Step::Go)
            }
            _ => Err(self.unsupported("'yield' inside a larger expression is not supported")),
        }
    }

    fn yield_expression(&mut self, e: &Expr, waits: Option<(Block, usize)>, s: &mut Suspended) -> Eval<Step> {
        match &e.kind {
            ExprKind::Yield(v) => {
                let v = match v {
                    Some(v) => self.eval(v, &mut s.frame)?,
                    None => Value::None,
                };
                if let Some((block, at)) = waits {
                    s.open.push(Open::Receive(block, at));
                }
                Ok(Step::Yield(v))
            }
            ExprKind::YieldFrom(v) => {
                let source = self.eval(v, &mut s.frame)?;
                let iter = self.iter(&source)?;
                s.sent = Value::None;
                s.open.push(Open::From(iter, waits));
                Ok(Step::Go)
            }
            _ => Err(self.unsupported("'yield' inside a larger expression is not supported")),
        }
    }

    /// Leaves the statements that `break`, `continue` or `return` leaves; whether the generator has ended.
    fn unwind_flow(&mut self, s: &mut Suspended, flow: Flow) -> Eval<bool> {
        let ends = matches!(flow, Flow::Return(_));
        if let Flow::Return(v) = &flow {
            s.result = v.clone();
        }
        while let Some(open) = s.open.pop() {
            match open {
                Open::With(exit) => {
                    self.leave_context(&exit, Ok(Flow::Next))?;
                }
                Open::Try(t) => {
                    self.exec_block(&t.finally, &mut s.frame)?;
                }
                Open::Handler(t) => {
                    self.handling.pop();
                    self.exec_block(&t.finally, &mut s.frame)?;
                }
                open @ (Open::For(..) | Open::While(..)) if !ends => {
                    if matches!(flow, Flow::Continue) {
                        s.open.push(open);
                    }
                    return Ok(false);
                }
                _ => {}
            }
        }
        Ok(true)
    }

    /// Finds who handles an exception among the open statements.
    fn unwind_error(&mut self, s: &mut Suspended, error: Raise) -> Eval<()> {
        let mut error = error;
        while let Some(open) = s.open.pop() {
            match open {
                Open::With(exit) => match self.leave_context(&exit, Err(error)) {
                    Ok(_) => return Ok(()),
                    Err(e) => error = e,
                },
                Open::Try(t) => {
                    let Raise::Exception(thrown) = error else { return Err(error) };
                    for h in &t.handlers {
                        let fits = match &h.class {
                            None => true,
                            Some(e) => {
                                let class = self.eval(e, &mut s.frame)?;
                                self.exception_matches(&thrown, &class)?
                            }
                        };
                        if fits {
                            if let Some(name) = h.name {
                                self.store(name, Value::Instance(thrown.exception.clone()), &mut s.frame);
                            }
                            self.handling.push(*thrown);
                            s.open.push(Open::Handler(t.clone()));
                            s.open.push(Open::Block(h.body.clone(), 0));
                            return Ok(());
                        }
                    }
                    error = Raise::Exception(thrown);
                    self.exec_block(&t.finally, &mut s.frame)?;
                }
                Open::Handler(t) => {
                    self.handling.pop();
                    if matches!(error, Raise::Exception(_)) {
                        self.exec_block(&t.finally, &mut s.frame)?;
                    }
                }
                _ => {}
            }
        }
        // A generator that raises StopIteration is a mistake of its own.
        if error.is(self, Exc::StopIteration) {
            return Err(self.raise(Exc::RuntimeError, "generator raised StopIteration"));
        }
        Err(error)
    }
}

/// What a step came to.
enum Step {
    /// Go on.
    Go,
    /// An item.
    Yield(Value),
    /// `break`, `continue` or `return`.
    Flow(Flow),
    /// Nothing is left.
    End,
}
