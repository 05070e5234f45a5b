//! Generators: a body that stops at each `yield` and goes on where it stopped.
//!
//! A statement without a `yield` in it runs as in any function. Those that have one are resumed from an explicit stack of the
//! blocks, loops and `with` and `try` statements that are open. `yield` stands as a statement, or alone on the right of an
//! assignment (which then gets `None`: `send` is not supported).

use super::exception::{Eval, Raise};
use super::frame::Frame;
use super::iter::Iter;
use super::stmt::Flow;
use super::value::Value;
use super::{Exc, Interp};
use crate::syntax::ast::{Block, Code, Expr, ExprKind, For, Stmt, StmtKind, Try};
use std::rc::Rc;

/// A generator between two items.
pub struct Suspended {
    frame: Frame,
    open: Vec<Open>,
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
    /// `yield from`.
    From(Value),
}

impl Interp {
    pub(crate) fn make_generator(&mut self, frame: Frame) -> Value {
        let open = vec![Open::Block(frame.code.body.clone(), 0)];
        Value::iterator(Iter::Generator(Box::new(Suspended { frame, open })))
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
    pub(super) fn resume(&mut self, s: &mut Suspended) -> Eval<Option<Value>> {
        self.enter()?;
        let span = self.span;
        let result = self.run_to_yield(s);
        self.leave();
        self.span = span;
        if !matches!(result, Ok(Some(_))) {
            s.open.clear();
        }
        result
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
            Open::From(iter) => {
                let iter = iter.clone();
                match self.next(&iter)? {
                    Some(v) => Ok(Step::Yield(v)),
                    None => {
                        s.open.pop();
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
            StmtKind::Expr(e) => self.yield_expression(e, s),
            StmtKind::Assign(targets, e) if matches!(e.kind, ExprKind::Yield(_)) => {
                for t in targets {
                    self.assign(t, Value::None, f)?;
                }
                self.yield_expression(e, s)
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

    fn yield_expression(&mut self, e: &Expr, s: &mut Suspended) -> Eval<Step> {
        match &e.kind {
            ExprKind::Yield(None) => Ok(Step::Yield(Value::None)),
            ExprKind::Yield(Some(v)) => Ok(Step::Yield(self.eval(v, &mut s.frame)?)),
            ExprKind::YieldFrom(v) => {
                let source = self.eval(v, &mut s.frame)?;
                let iter = self.iter(&source)?;
                s.open.push(Open::From(iter));
                Ok(Step::Go)
            }
            _ => Err(self.unsupported("'yield' inside a larger expression is not supported")),
        }
    }

    /// Leaves the statements that `break`, `continue` or `return` leaves; whether the generator has ended.
    fn unwind_flow(&mut self, s: &mut Suspended, flow: Flow) -> Eval<bool> {
        let ends = matches!(flow, Flow::Return(_));
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
