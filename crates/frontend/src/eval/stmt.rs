//! Statements.

use super::args::Args;
use super::class::NativeState;
use super::exception::{Eval, Exc, Raise, Thrown};
use super::frame::Frame;
use super::value::Value;
use super::{Interp, class::Class};
use crate::syntax::ast::{AnnAssign, Expr, Handler, Stmt, StmtKind, Try};
use crate::syntax::sym::known;
use std::rc::Rc;

/// How a statement ends.
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

impl Interp {
    /// Statements of a module's or class's top level.
    pub(crate) fn exec_top(&mut self, body: &[Stmt], f: &mut Frame) -> Eval<()> {
        let span = self.span;
        let result = self.exec_block(body, f);
        if !f.code.user {
            self.span = span;
        }
        result.map(|_| ())
    }

    pub(crate) fn exec_block(&mut self, body: &[Stmt], f: &mut Frame) -> Eval<Flow> {
        self.check_stack()?;
        for stmt in body {
            match self.exec(stmt, f)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    pub(crate) fn exec(&mut self, stmt: &Stmt, f: &mut Frame) -> Eval<Flow> {
        self.step()?;
        self.at(stmt.span, f);
        match &stmt.kind {
            StmtKind::Expr(e) => {
                self.eval(e, f)?;
            }
            StmtKind::Assign(targets, value) => {
                let v = self.eval(value, f)?;
                let Some((last, init)) = targets.split_last() else { return Ok(Flow::Next) };
                for t in init {
                    self.assign(t, v.clone(), f)?;
                }
                self.assign(last, v, f)?;
            }
            StmtKind::AugAssign(op, target, value) => self.augment(*op, target, value, f)?,
            StmtKind::AnnAssign(a) => self.annotated(a, f)?,
            StmtKind::Return(value) => {
                return Ok(Flow::Return(match value {
                    Some(e) => self.eval(e, f)?,
                    None => Value::None,
                }));
            }
            StmtKind::If(branches, orelse) => {
                for (condition, body) in branches {
                    if self.condition(condition, f)? {
                        return self.exec_block(body, f);
                    }
                }
                return self.exec_block(orelse, f);
            }
            StmtKind::While(condition, body, orelse) => {
                while self.condition(condition, f)? {
                    self.step()?;
                    match self.exec_block(body, f)? {
                        Flow::Next | Flow::Continue => {}
                        Flow::Break => return Ok(Flow::Next),
                        flow => return Ok(flow),
                    }
                }
                return self.exec_block(orelse, f);
            }
            StmtKind::For(l) => {
                let source = self.eval(&l.iter, f)?;
                self.at(l.iter.span, f);
                let iter = self.iter(&source)?;
                loop {
                    self.step()?;
                    self.at(l.iter.span, f);
                    let Some(item) = self.next(&iter)? else { break };
                    self.assign(&l.target, item, f)?;
                    match self.exec_block(&l.body, f)? {
                        Flow::Next | Flow::Continue => {}
                        Flow::Break => return Ok(Flow::Next),
                        flow => return Ok(flow),
                    }
                }
                return self.exec_block(&l.orelse, f);
            }
            StmtKind::With(items, body) => return self.with(items, body, f),
            StmtKind::Try(t) => return self.try_statement(t, f),
            StmtKind::Raise(exception, cause) => {
                return Err(self.raise_statement(exception.as_ref(), cause.as_ref(), f)?);
            }
            StmtKind::Function(def) => {
                let mut decorators = Vec::with_capacity(def.decorators.len());
                for d in &def.decorators {
                    decorators.push((self.eval(d, f)?, d.span));
                }
                let mut v = self.make_function(def, f)?;
                for (d, span) in decorators.into_iter().rev() {
                    self.at(span, f);
                    v = self.call(&d, Args::from([v]))?;
                }
                self.store(def.var, v, f);
            }
            StmtKind::Class(def) => {
                let v = self.define_class(def, f)?;
                self.store(def.var, v, f);
            }
            StmtKind::Import(list) => self.import_statement(list, f)?,
            StmtKind::ImportFrom(m) => self.import_from_statement(m, f)?,
            StmtKind::Pass => {}
            StmtKind::Break => return Ok(Flow::Break),
            StmtKind::Continue => return Ok(Flow::Continue),
            StmtKind::Assert(condition, message) => {
                if !self.condition(condition, f)? {
                    let args = match message {
                        Some(m) => vec![self.eval(m, f)?],
                        None => Vec::new(),
                    };
                    self.at(stmt.span, f);
                    return Err(self.raise_args(Exc::AssertionError, args));
                }
            }
            StmtKind::Delete(targets) => targets.iter().try_for_each(|t| self.delete(t, f))?,
            StmtKind::Match(subject, cases) => return self.match_statement(subject, cases, f),
            StmtKind::Unsupported("async def") => {}
            StmtKind::Unsupported(what) => return Err(self.unsupported(format!("'{what}' is not supported"))),
        }
        Ok(Flow::Next)
    }

    pub(crate) fn condition(&mut self, e: &Expr, f: &mut Frame) -> Eval<bool> {
        let v = self.eval(e, f)?;
        if let Value::Bool(b) = v {
            return Ok(b);
        }
        self.at(e.span, f);
        self.truth(&v)
    }

    /// The value of an annotation: one that cannot be evaluated matters to nobody.
    pub(crate) fn annotation(&mut self, e: &Expr, f: &mut Frame) -> Eval<Value> {
        match self.eval(e, f) {
            Err(Raise::Abort(d)) if d.code == crate::code::OUT_OF_FUEL => Err(Raise::Abort(d)),
            Err(_) => Ok(Value::Opaque("annotation".into())),
            found => found,
        }
    }

    fn annotated(&mut self, a: &AnnAssign, f: &mut Frame) -> Eval<()> {
        use crate::syntax::ast::{CodeKind, ExprKind};
        if let Some(value) = &a.value {
            let v = self.eval(value, f)?;
            self.assign(&a.target, v, f)?;
        }
        // Only a class body keeps its annotations: data classes and named tuples read them.
        if f.code.kind == CodeKind::Class
            && let ExprKind::Name(var) = a.target.kind
        {
            let annotation = match &a.annotation.kind {
                ExprKind::Name(_) | ExprKind::Attr(..) | ExprKind::Subscript(_) => self.annotation(&a.annotation, f)?,
                ExprKind::Const(v) => v.clone(),
                _ => Value::Opaque("annotation".into()),
            };
            let name = f.place(var).0;
            let entry = f.class.entry(known::ANNOTATIONS).or_insert_with(|| Value::dict(Default::default()));
            if let Value::Dict(d) = entry {
                d.borrow_mut().insert(super::dict::Key::str(&name.name()), annotation);
            }
        }
        Ok(())
    }

    /// What a `raise` statement raises.
    pub(crate) fn raise_statement(&mut self, e: Option<&Expr>, cause: Option<&Expr>, f: &mut Frame) -> Eval<Raise> {
        let span = self.span;
        let Some(e) = e else {
            return Ok(match self.handling.last() {
                Some(t) => Raise::Exception(Box::new(t.clone())),
                None => self.raise(Exc::RuntimeError, "No active exception to reraise"),
            });
        };
        let v = self.eval(e, f)?;
        let cause = match cause {
            Some(c) => Some(self.eval(c, f)?),
            None => None,
        };
        self.at(span, f);
        let raise = self.raise_value(&v)?;
        if let (Some(cause), Raise::Exception(t)) = (cause, &raise)
            && let NativeState::Exception(state) = &mut *t.exception.native.borrow_mut()
        {
            state.cause = Some(cause);
        }
        Ok(raise)
    }

    /// An exception value, or class, on its way.
    pub(crate) fn raise_value(&mut self, v: &Value) -> Eval<Raise> {
        let v = match v {
            Value::Class(_) => self.call(v, Args::none())?,
            other => other.clone(),
        };
        let Value::Instance(exception) = v else {
            return Ok(self.raise(Exc::TypeError, "exceptions must derive from BaseException"));
        };
        let mut code = None;
        if let NativeState::Exception(state) = &mut *exception.native.borrow_mut() {
            let class = exception.class();
            let builtin = std::iter::once(&class).chain(&class.mro).find_map(|c| Exc::by_name(&c.name));
            let found = builtin.map_or(crate::code::EXCEPTION, Exc::code);
            code = Some(state.origin.get_or_insert((self.span, found)).1);
        }
        let Some(code) = code else {
            return Ok(self.raise(Exc::TypeError, "exceptions must derive from BaseException"));
        };
        let (span, calls, labels) = (self.span, Vec::new(), Vec::new());
        Ok(Raise::Exception(Box::new(Thrown { exception, span, calls, code, labels, declared: false, help: None })))
    }

    fn try_statement(&mut self, t: &Try, f: &mut Frame) -> Eval<Flow> {
        let mut result = match self.exec_block(&t.body, f) {
            Ok(Flow::Next) => self.exec_block(&t.orelse, f),
            Err(Raise::Exception(thrown)) => self.handle(&t.handlers, *thrown, f),
            other => other,
        };
        if matches!(result, Err(Raise::Abort(_))) {
            return result;
        }
        if !t.finally.is_empty() {
            match self.exec_block(&t.finally, f)? {
                Flow::Next => {}
                flow => result = Ok(flow),
            }
        }
        result
    }

    fn handle(&mut self, handlers: &[Handler], thrown: Thrown, f: &mut Frame) -> Eval<Flow> {
        for h in handlers {
            let fits = match &h.class {
                None => true,
                Some(e) => {
                    let class = self.eval(e, f)?;
                    self.exception_matches(&thrown, &class)?
                }
            };
            if !fits {
                continue;
            }
            if let Some(name) = h.name {
                self.store(name, Value::Instance(thrown.exception.clone()), f);
            }
            self.handling.push(thrown);
            let result = self.exec_block(&h.body, f);
            self.handling.pop();
            if let Some(name) = h.name {
                // The name is gone after the handler, whether or not the handler deleted it.
                if let Err(e @ Raise::Abort(_)) = self.unbind(name, f) {
                    return Err(e);
                }
            }
            return result;
        }
        Err(Raise::Exception(Box::new(thrown)))
    }

    pub(crate) fn exception_matches(&mut self, thrown: &Thrown, class: &Value) -> Eval<bool> {
        match class {
            Value::Class(c) => Ok(thrown.exception.class().is_subclass(c)),
            Value::Tuple(t) => {
                for c in t.items().to_vec() {
                    if self.exception_matches(thrown, &c)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => {
                let text = "catching classes that do not inherit from BaseException is not allowed";
                Err(self.raise(Exc::TypeError, text))
            }
        }
    }

    fn with(&mut self, items: &[(Expr, Option<Expr>)], body: &[Stmt], f: &mut Frame) -> Eval<Flow> {
        let Some(((context, target), rest)) = items.split_first() else { return self.exec_block(body, f) };
        let manager = self.eval(context, f)?;
        self.at(context.span, f);
        let exit = self.enter_context(&manager, target.as_ref(), f)?;
        let result = self.with(rest, body, f);
        self.leave_context(&exit, result)
    }

    /// Runs `__enter__`, binds its result, gives the bound `__exit__`.
    pub(crate) fn enter_context(&mut self, manager: &Value, target: Option<&Expr>, f: &mut Frame) -> Eval<Value> {
        let (enter, exit) = match (self.find_special(manager, known::ENTER)?, self.find_special(manager, known::EXIT)?)
        {
            (Some(enter), Some(exit)) => (enter, exit),
            _ => {
                let name = self.type_name(manager);
                let text = format!("'{name}' object does not support the context manager protocol");
                return Err(self.raise(Exc::TypeError, text));
            }
        };
        let v = self.call(&enter, Args::none())?;
        if let Some(t) = target {
            self.assign(t, v, f)?;
        }
        Ok(exit)
    }

    /// Runs `__exit__` with what happened; it may swallow an exception.
    pub(crate) fn leave_context(&mut self, exit: &Value, result: Eval<Flow>) -> Eval<Flow> {
        match result {
            Ok(flow) => {
                self.call(exit, Args::from([Value::None, Value::None, Value::None]))?;
                Ok(flow)
            }
            Err(Raise::Exception(t)) => {
                let class: Rc<Class> = t.exception.class();
                let args = Args::from([Value::Class(class), Value::Instance(t.exception.clone()), Value::None]);
                let swallow = self.call(exit, args)?;
                if self.truth(&swallow)? { Ok(Flow::Next) } else { Err(Raise::Exception(t)) }
            }
            Err(abort) => Err(abort),
        }
    }
}
