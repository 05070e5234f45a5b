//! Expressions.

use super::args::Args;
use super::dict::{Dict, Key, Set};
use super::exception::{Eval, Exc};
use super::frame::Frame;
use super::function::Function;
use super::nest::Nest;
use super::value::{Attrs, Slice, Value};
use super::{Interp, format};
use crate::syntax::ast::{Call, Code, CodeKind, Expr, ExprKind, FPart, FunctionDef, UnaryOp};
use crate::syntax::sym::{Sym, known};
use std::rc::Rc;

impl Interp {
    /// The value of an expression.
    pub(crate) fn eval(&mut self, e: &Expr, f: &mut Frame) -> Eval<Value> {
        match &e.kind {
            ExprKind::Const(v) => Ok(v.clone()),
            ExprKind::Name(var) => {
                self.at(e.span, f);
                self.load(*var, f)
            }
            _ => {
                self.check_stack()?;
                self.eval_compound(e, f)
            }
        }
    }

    fn eval_compound(&mut self, e: &Expr, f: &mut Frame) -> Eval<Value> {
        match &e.kind {
            ExprKind::Const(v) => Ok(v.clone()),
            ExprKind::Name(var) => self.load(*var, f),
            ExprKind::Attr(object, name) => {
                let object = self.eval(object, f)?;
                self.at(e.span, f);
                self.get_attr(&object, *name)
            }
            ExprKind::Call(call) => self.eval_call(e, call, f),
            ExprKind::Unary(UnaryOp::Not, inner) => {
                let v = self.eval(inner, f)?;
                Ok(Value::Bool(!self.truth(&v)?))
            }
            ExprKind::Unary(op, inner) => {
                let v = self.eval(inner, f)?;
                self.at(e.span, f);
                self.unary(*op, &v)
            }
            ExprKind::Binary(op, sides) => {
                let a = self.eval(&sides.0, f)?;
                let b = self.eval(&sides.1, f)?;
                self.at(e.span, f);
                self.binary(*op, &a, &b)
            }
            ExprKind::Compare(first, rest) => self.eval_compare(e, first, rest, f),
            ExprKind::And(items) | ExprKind::Or(items) => {
                let until = matches!(e.kind, ExprKind::Or(_));
                let Some((last, init)) = items.split_last() else { return Ok(Value::None) };
                for item in init {
                    let v = self.eval(item, f)?;
                    self.at(item.span, f);
                    if self.truth(&v)? == until {
                        return Ok(v);
                    }
                }
                self.eval(last, f)
            }
            ExprKind::If(parts) => {
                let c = self.eval(&parts.0, f)?;
                self.at(parts.0.span, f);
                if self.truth(&c)? { self.eval(&parts.1, f) } else { self.eval(&parts.2, f) }
            }
            ExprKind::Lambda(def) => self.make_function(def, f),
            ExprKind::Tuple(items) => Ok(Value::tuple(self.eval_items(items, f)?)),
            ExprKind::List(items) => Ok(Value::list(self.eval_items(items, f)?)),
            ExprKind::Set(items) => {
                let mut set = Set::default();
                for v in self.eval_items(items, f)? {
                    set.insert(Key::new(self, &v)?);
                }
                Ok(Value::set(set))
            }
            ExprKind::Dict(pairs) => self.eval_dict(pairs, f),
            ExprKind::Subscript(parts) => {
                let object = self.eval(&parts.0, f)?;
                let index = self.eval(&parts.1, f)?;
                self.at(e.span, f);
                self.get_item(&object, &index)
            }
            ExprKind::Slice(parts) => {
                let mut part = |i: &mut Self, e: &Option<Expr>| e.as_ref().map_or(Ok(Value::None), |e| i.eval(e, f));
                let (start, stop, step) = (part(self, &parts.0)?, part(self, &parts.1)?, part(self, &parts.2)?);
                Ok(Value::Slice(Rc::new(Nest::new(Slice { start, stop, step }))))
            }
            ExprKind::Starred(_) => Err(self.raise(Exc::SyntaxError, "can't use starred expression here")),
            ExprKind::ListComp(c) => self.list_comp(c, f),
            ExprKind::SetComp(c) => self.set_comp(c, f),
            ExprKind::DictComp(c) => self.dict_comp(c, f),
            ExprKind::Generator(g) => {
                let source = self.eval(&g.1, f)?;
                self.at(g.1.span, f);
                let first = self.iter(&source)?;
                self.generator_expression(&g.0, first, f)
            }
            ExprKind::FString(parts) => {
                let mut out = String::new();
                self.eval_fstring(parts, &mut out, f)?;
                self.allocate(out.len() / 8)?;
                Ok(Value::from(out))
            }
            ExprKind::Walrus(var, value) => {
                let v = self.eval(value, f)?;
                self.store(*var, v.clone(), f);
                Ok(v)
            }
            ExprKind::Yield(_) | ExprKind::YieldFrom(_) => {
                self.at(e.span, f);
                Err(self
                    .unsupported("'yield' inside a larger expression is not supported")
                    .into_help("put it into a statement of its own: 'x = yield value'"))
            }
            ExprKind::Imaginary(v) => {
                self.at(e.span, f);
                crate::torch::complex(self, "complex", Args::from([Value::Float(0.0), Value::Float(*v)]))
            }
        }
    }

    /// Items of a display, starred ones unpacked.
    fn eval_items(&mut self, items: &[Expr], f: &mut Frame) -> Eval<Vec<Value>> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            match &item.kind {
                ExprKind::Starred(inner) => {
                    let v = self.eval(inner, f)?;
                    self.at(item.span, f);
                    out.extend(self.iterate(&v)?);
                }
                _ => out.push(self.eval(item, f)?),
            }
        }
        self.allocate(out.len())?;
        Ok(out)
    }

    fn eval_dict(&mut self, pairs: &[(Option<Expr>, Expr)], f: &mut Frame) -> Eval<Value> {
        let mut dict = Dict::default();
        for (key, value) in pairs {
            match key {
                Some(k) => {
                    let k = self.eval(k, f)?;
                    let v = self.eval(value, f)?;
                    dict.insert(Key::new(self, &k)?, v);
                }
                None => {
                    let v = self.eval(value, f)?;
                    self.at(value.span, f);
                    for (k, v) in self.mapping_items(&v)? {
                        dict.insert(Key::new(self, &k)?, v);
                    }
                }
            }
        }
        self.allocate(dict.len())?;
        Ok(Value::dict(dict))
    }

    fn eval_fstring(&mut self, parts: &[FPart], out: &mut String, f: &mut Frame) -> Eval<()> {
        for part in parts {
            match part {
                FPart::Text(t) => out.push_str(t),
                FPart::Value(p) => {
                    let (value, conversion, spec) = &**p;
                    let mut v = self.eval(value, f)?;
                    self.at(value.span, f);
                    match conversion {
                        Some('r') | Some('a') => v = Value::Str(self.repr(&v)?),
                        Some(_) => v = Value::Str(self.str(&v)?),
                        None => {}
                    }
                    if spec.is_empty() && !matches!(v, Value::Instance(_)) {
                        out.push_str(&self.str(&v)?);
                    } else {
                        let mut text = String::new();
                        self.eval_fstring(spec, &mut text, f)?;
                        out.push_str(&format::format_value(self, &v, &text)?);
                    }
                }
            }
        }
        Ok(())
    }

    fn eval_call(&mut self, e: &Expr, call: &Call, f: &mut Frame) -> Eval<Value> {
        // `object.method(…)` needs no bound method in between.
        let (function, receiver) = match &call.function.kind {
            ExprKind::Attr(object, name) => {
                let object = self.eval(object, f)?;
                self.at(call.function.span, f);
                match self.find_method(&object, *name)? {
                    Some(method) => (method, Some(object)),
                    None => (self.get_attr(&object, *name)?, None),
                }
            }
            _ => (self.eval(&call.function, f)?, None),
        };
        let mut args =
            Args { pos: Vec::with_capacity(call.args.len() + 1), kw: Vec::with_capacity(call.keywords.len()) };
        args.pos.extend(receiver);
        for a in &call.args {
            match &a.kind {
                ExprKind::Starred(inner) => {
                    let v = self.eval(inner, f)?;
                    self.at(a.span, f);
                    let items = self.iterate(&v)?;
                    self.allocate(items.len())?;
                    args.pos.extend(items);
                }
                _ => args.pos.push(self.eval(a, f)?),
            }
        }
        for (name, value) in &call.keywords {
            let v = self.eval(value, f)?;
            match name {
                Some(name) => args.kw.push((*name, v)),
                None => self.unpack_keywords(&v, &mut args, &function)?,
            }
        }
        self.at(e.span, f);
        let span = self.span;
        let result = match &function {
            // What needs the caller's frame.
            Value::Class(c) if args.pos.is_empty() && args.kw.is_empty() && c.name.as_ref() == "super" => {
                self.zero_argument_super(f)
            }
            Value::Native(n) if args.pos.is_empty() && args.kw.is_empty() && is_namespace_function(n.name) => {
                self.namespace(n.name, f)
            }
            Value::Native(n) if n.name == "eval" => self.evaluate(args, f),
            _ => self.call_from(&function, args, f.code.user.then_some(span)),
        };
        self.span = span;
        result
    }

    fn unpack_keywords(&mut self, v: &Value, args: &mut Args, function: &Value) -> Eval<()> {
        for (k, v) in self.mapping_items(v)? {
            let Value::Str(name) = &k else { return Err(self.raise(Exc::TypeError, "keywords must be strings")) };
            let name = Sym::new(name);
            if args.kw.iter().any(|(n, _)| *n == name) {
                let function = self.callable_name(function);
                let text = format!("{function}() got multiple values for keyword argument '{name}'");
                return Err(self.raise(Exc::TypeError, text));
            }
            args.kw.push((name, v));
        }
        Ok(())
    }

    /// The pairs of something that is unpacked by `**`.
    pub(crate) fn mapping_items(&mut self, v: &Value) -> Eval<Vec<(Value, Value)>> {
        if let Some(d) = v.as_dict() {
            return Ok(d.borrow().iter().map(|(k, v)| (k.value().clone(), v.clone())).collect());
        }
        if self.find_attr(v, Sym::new("keys"))?.is_none() {
            let text = format!("argument after ** must be a mapping, not {}", self.type_name(v));
            return Err(self.raise(Exc::TypeError, text));
        }
        let keys = self.call_method(v, "keys", Args::none())?;
        let keys = self.iterate(&keys)?;
        keys.into_iter().map(|k| Ok((k.clone(), self.get_item(v, &k)?))).collect()
    }

    fn zero_argument_super(&mut self, f: &Frame) -> Eval<Value> {
        let layout = f.code.layout();
        let class = layout.class_cell.and_then(|c| f.cells[usize::from(c)].get());
        let Some(Value::Class(class)) = class else {
            return Err(self.raise(Exc::RuntimeError, "super(): no arguments"));
        };
        let in_cell = layout.cell_params.iter().find(|(p, _)| *p == 0).map(|(_, c)| *c);
        let object = match in_cell {
            Some(c) => f.cells[usize::from(c)].get(),
            None => f.slots.first().cloned().flatten(),
        };
        match object {
            Some(object) => self.make_super(class, object),
            None => Err(self.raise(Exc::RuntimeError, "super(): no arguments")),
        }
    }

    /// `eval(text, globals, locals)`: one expression in the names that can be seen here, or in those that are given.
    fn evaluate(&mut self, args: Args, f: &Frame) -> Eval<Value> {
        let [text, globals, locals] = args.bind(self, "eval", ["source", "globals", "locals"], 1)?;
        let Some(Value::Str(text)) = text else {
            return Err(self.raise(Exc::TypeError, "eval() arg 1 must be a string, bytes or code object"));
        };
        let code = self.expression(&text)?;
        let module = Rc::new(super::module::PyModule::new(&f.module.name));
        let mut names = Attrs::default();
        if globals.is_none() {
            names.extend(f.module.attrs.borrow().iter().map(|(n, v)| (*n, v.clone())));
            names.extend(f.locals());
        }
        for given in [globals, locals].into_iter().flatten() {
            if let Some(d) = given.as_dict() {
                names.extend(super::container::attributes(&d.borrow()));
            }
        }
        self.allocate(names.len())?;
        module.attrs.replace(Nest::new(names));
        self.hold_module(&module);
        self.run_expression(module, &code)
    }

    /// A text that is one expression.
    ///
    /// # Errors
    /// `SyntaxError`, as Python's `eval` raises it.
    pub(crate) fn expression(&mut self, text: &str) -> Eval<Rc<Code>> {
        self.steps(text.len())?;
        match crate::syntax::parse(text.trim(), false) {
            Ok(source) if is_expression(&source.code) => Ok(source.code),
            Ok(_) => Err(self.raise(Exc::SyntaxError, "invalid syntax")),
            Err(d) => Err(self.raise(Exc::SyntaxError, d.message)),
        }
    }

    /// Runs what [`Interp::expression`] gave.
    pub(crate) fn run_expression(&mut self, module: Rc<super::module::PyModule>, code: &Rc<Code>) -> Eval<Value> {
        let mut frame = Frame::top(module, code.clone());
        self.enter()?;
        let result = match code.body.first().map(|s| &s.kind) {
            Some(crate::syntax::ast::StmtKind::Expr(e)) => self.eval(e, &mut frame),
            _ => Ok(Value::None),
        };
        self.leave();
        result
    }

    fn namespace(&mut self, name: &str, f: &Frame) -> Eval<Value> {
        let pairs = if name == "globals" {
            f.module.attrs.borrow().iter().map(|(n, v)| (*n, v.clone())).collect()
        } else {
            f.locals()
        };
        if name == "dir" {
            let mut names: Vec<Rc<str>> = pairs.into_iter().map(|(n, _)| n.name()).collect();
            names.sort();
            return Ok(Value::list(names.into_iter().map(Value::Str).collect()));
        }
        self.allocate(pairs.len())?;
        Ok(Value::dict(pairs.into_iter().map(|(n, v)| (Key::str(&n.name()), v)).collect()))
    }

    /// The function object of a definition that stands here.
    pub(crate) fn make_function(&mut self, def: &Rc<FunctionDef>, f: &mut Frame) -> Eval<Value> {
        let mut defaults = Vec::with_capacity(def.defaults.len());
        for d in &def.defaults {
            defaults.push(self.eval(d, f)?);
        }
        let mut attrs = Attrs::default();
        if !def.annotations.is_empty() {
            let mut found = Dict::default();
            for (name, e) in &def.annotations {
                let v = self.annotation(e, f)?;
                found.insert(Key::str(&name.name()), v);
            }
            attrs.insert(known::ANNOTATIONS, Value::dict(found));
        }
        Ok(Value::Function(Rc::new(Function {
            code: def.code.clone(),
            module: f.module.clone(),
            closure: self.capture(&def.code, f),
            defaults: Nest::new(defaults),
            attrs: std::cell::RefCell::new(Nest::new(attrs)),
        })))
    }

    /// The cells that a nested code captures here.
    pub(crate) fn capture(&mut self, code: &Code, f: &Frame) -> Vec<Rc<super::function::Cell>> {
        let layout = code.layout();
        let cells: Vec<_> = layout.captures.iter().map(|c| f.cells[usize::from(*c)].clone()).collect();
        if code.kind != CodeKind::GeneratorExpression {
            cells.iter().for_each(|c| self.hold_cell(c));
        }
        cells
    }
}

fn is_expression(code: &Code) -> bool {
    matches!(&*code.body, [one] if matches!(one.kind, crate::syntax::ast::StmtKind::Expr(_)))
}

fn is_namespace_function(name: &str) -> bool {
    matches!(name, "locals" | "globals" | "vars" | "dir")
}

impl Value {
    /// The dict, or the dict that an instance of a dict subclass wraps.
    pub(crate) fn as_dict(&self) -> Option<Rc<super::value::DictObj>> {
        match self {
            Value::Dict(d) => Some(d.clone()),
            Value::Instance(i) => match i.payload_value() {
                Some(Value::Dict(d)) => Some(d),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Interp {
    /// The object of `super(class, object)`.
    pub(crate) fn make_super(&mut self, class: Rc<super::class::Class>, object: Value) -> Eval<Value> {
        let fits = match &object {
            Value::Instance(i) => i.class().is_subclass(&class),
            Value::Class(c) => c.is_subclass(&class) || c.meta.borrow().as_ref().is_some_and(|m| m.is_subclass(&class)),
            _ => false,
        };
        if !fits {
            return Err(self.raise(Exc::TypeError, "super(type, obj): obj must be an instance or subtype of type"));
        }
        Ok(Value::Super(Rc::new(super::value::Super { after: class, object })))
    }
}
