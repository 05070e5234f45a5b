//! Calls: binding of arguments to parameters, running of bodies, making of instances.

use super::Interp;
use super::args::{Args, missing_arguments, s, was};
use super::class::{Class, Instance, NativeKind, NativeState};
use super::exception::{Eval, Exc, ExceptionState, Raise};
use super::frame::Frame;
use super::function::Function;
use super::stmt::Flow;
use super::value::Value;
use crate::syntax::ast::CodeKind;
use crate::syntax::sym::{Sym, known};
use archsmith_ir::Span;
use std::rc::Rc;

impl Interp {
    /// Calls a value.
    ///
    /// # Errors
    /// `TypeError` for what cannot be called, and whatever the call raises.
    pub(crate) fn call(&mut self, function: &Value, args: Args) -> Eval<Value> {
        self.call_from(function, args, None)
    }

    /// Calls a value from the author's source: `site` is added to what an exception tells of the calls that led to it.
    pub(crate) fn call_from(&mut self, function: &Value, mut args: Args, site: Option<Span>) -> Eval<Value> {
        match function {
            Value::Function(f) => self.call_function(f, args, site),
            Value::Native(n) => {
                self.step()?;
                self.check_stack()?;
                (n.f)(self, args)
            }
            Value::Operator(path) => {
                self.step()?;
                crate::torch::call_operator(self, path, args)
            }
            Value::BoundMethod(m) => {
                args.pos.insert(0, m.receiver());
                self.call_from(&m.function(), args, site)
            }
            Value::Class(c) => {
                let meta = c.meta.borrow().clone();
                match meta.and_then(|m| m.lookup(known::CALL)) {
                    Some(call @ Value::Function(_)) => {
                        args.pos.insert(0, function.clone());
                        self.call_from(&call, args, site)
                    }
                    _ => self.instantiate(c, args),
                }
            }
            Value::Instance(i) => self.call_instance(function, i, args),
            Value::Partial(p) => {
                let mut pos = p.args().to_vec();
                pos.extend(args.pos);
                let mut kw = p.keywords.clone();
                for (name, v) in args.kw {
                    match kw.iter_mut().find(|(n, _)| *n == name) {
                        Some(entry) => entry.1 = v,
                        None => kw.push((name, v)),
                    }
                }
                self.call_from(&p.function().clone(), Args { pos, kw }, site)
            }
            Value::StaticMethod(f) => match f.as_ref().as_ref() {
                Some(f) => self.call_from(&f.clone(), args, site),
                None => Ok(Value::None),
            },
            // Annotations and placeholders: `List[int]()`, a stub of a library that nothing depends on.
            Value::Opaque(name) if &**name == "typing.TypedDict" => Ok(Value::Class(self.builtins.class("dict"))),
            Value::Opaque(name) => Err(self.unsupported(format!("calling '{name}' is not supported"))),
            other => {
                let text = format!("'{}' object is not callable", self.type_name(other));
                Err(self.raise(Exc::TypeError, text))
            }
        }
    }

    fn call_instance(&mut self, object: &Value, i: &Rc<Instance>, mut args: Args) -> Eval<Value> {
        let class = i.class();
        match class.lookup(known::CALL) {
            Some(f @ (Value::Function(_) | Value::Native(_))) => {
                args.pos.insert(0, object.clone());
                self.call(&f, args)
            }
            Some(other) => {
                let bound = self.bind(other, object, &class)?;
                self.call(&bound, args)
            }
            None if class.kind == NativeKind::Module => crate::torch::module::call(self, i, args),
            None => Err(self.raise(Exc::TypeError, format!("'{}' object is not callable", class.name))),
        }
    }

    /// Calls a method by name.
    ///
    /// # Errors
    /// `AttributeError` where there is none, and whatever it raises.
    pub(crate) fn call_method(&mut self, object: &Value, name: &str, mut args: Args) -> Eval<Value> {
        let name = Sym::new(name);
        if let Some(method) = self.find_method(object, name)? {
            args.pos.insert(0, object.clone());
            return self.call(&method, args);
        }
        let bound = self.get_attr(object, name)?;
        self.call(&bound, args)
    }

    fn call_function(&mut self, function: &Rc<Function>, args: Args, site: Option<Span>) -> Eval<Value> {
        let mut frame = self.call_frame(function);
        self.bind_arguments(function, args, &mut frame)?;
        for (param, cell) in &function.code.layout().cell_params {
            let v = frame.slots[usize::from(*param)].take();
            frame.cells[usize::from(*cell)].set(v);
        }
        if function.code.kind == CodeKind::Generator {
            return Ok(self.make_generator(frame));
        }
        self.enter()?;
        let span = self.span;
        let result = self.exec_block(&function.code.body, &mut frame);
        self.leave();
        self.span = span;
        self.end_frame(&mut frame);
        match result {
            Ok(Flow::Return(v)) => Ok(v),
            Ok(_) => Ok(Value::None),
            Err(Raise::Exception(mut t)) => {
                if let Some(site) = site.filter(|_| t.calls.len() < 8)
                    && function.code.user
                {
                    t.calls.push((site, function.code.qualname.clone()));
                }
                Err(Raise::Exception(t))
            }
            Err(Raise::Abort(mut d)) => {
                if let Some(site) = site.filter(|_| d.labels.len() < 8)
                    && function.code.user
                {
                    d.labels.push((site, format!("called from here, in {}", function.code.qualname)));
                }
                Err(Raise::Abort(d))
            }
        }
    }

    fn bind_arguments(&mut self, function: &Rc<Function>, args: Args, frame: &mut Frame) -> Eval<()> {
        let params = &function.code.params;
        let positional = params.positional.len();
        let given = args.pos.len();
        let mut pos = args.pos.into_iter();
        for slot in frame.slots.iter_mut().take(positional.min(given)) {
            *slot = pos.next();
        }
        let mut next = positional;
        if params.star.is_some() {
            let rest: Vec<Value> = pos.collect();
            self.allocate(rest.len())?;
            frame.slots[next] = Some(Value::tuple(rest));
            next += 1;
        } else if given > positional {
            let named = args.kw.iter().filter(|(n, _)| params.keyword_only.iter().any(|p| p.name == *n)).count();
            return Err(self.too_many_arguments(function, given, named));
        }
        let keyword_start = next;
        let double_star = keyword_start + params.keyword_only.len();
        let mut rest = super::dict::Dict::default();
        for (name, value) in args.kw {
            let at = params.positional[params.positional_only..]
                .iter()
                .position(|p| p.name == name)
                .map(|at| at + params.positional_only)
                .or_else(|| params.keyword_only.iter().position(|p| p.name == name).map(|at| at + keyword_start));
            match at {
                Some(at) if frame.slots[at].is_some() => {
                    let text = format!("{}() got multiple values for argument '{name}'", function.code.qualname);
                    let raise = self.raise(Exc::TypeError, text);
                    return Err(self.hint_arguments(raise, function));
                }
                Some(at) => frame.slots[at] = Some(value),
                None if params.double_star.is_some() => {
                    rest.insert(super::dict::Key::str(&name.name()), value);
                }
                None if params.positional[..params.positional_only].iter().any(|p| p.name == name) => {
                    let text = format!(
                        "{}() got some positional-only arguments passed as keyword arguments: '{name}'",
                        function.code.qualname
                    );
                    return Err(self.raise(Exc::TypeError, text));
                }
                None => {
                    let text = format!("{}() got an unexpected keyword argument '{name}'", function.code.qualname);
                    let raise = self.raise(Exc::TypeError, text);
                    return Err(self.hint_keyword(raise, function, name));
                }
            }
        }
        if params.double_star.is_some() {
            frame.slots[double_star] = Some(Value::dict(rest));
        }
        let mut default = 0;
        let mut missing: (Vec<String>, Vec<String>) = Default::default();
        let all = params.positional.iter().enumerate();
        let keyword_only = params.keyword_only.iter().enumerate().map(|(k, p)| (k + keyword_start, p));
        for (at, p) in all.chain(keyword_only) {
            if p.has_default {
                if frame.slots[at].is_none() {
                    frame.slots[at] = function.defaults.get(default).cloned();
                }
                default += 1;
            } else if frame.slots[at].is_none() {
                let list = if at < positional { &mut missing.0 } else { &mut missing.1 };
                list.push(format!("'{}'", p.name));
            }
        }
        let (names, kind) = if missing.0.is_empty() { (missing.1, false) } else { (missing.0, true) };
        if names.is_empty() {
            return Ok(());
        }
        let raise = self.raise(Exc::TypeError, missing_arguments(&function.code.qualname, &names, kind));
        Err(self.hint_arguments(raise, function))
    }

    #[cold]
    fn too_many_arguments(&self, function: &Function, given: usize, named: usize) -> Raise {
        let params = &function.code.params;
        let n = params.positional.len();
        let defaults = params.positional.iter().filter(|p| p.has_default).count();
        let takes = if defaults > 0 { format!("from {} to {n}", n - defaults) } else { format!("{n}") };
        let given = match named {
            0 => format!("{given} {}", was(given)),
            _ => {
                format!("{given} positional argument{} (and {named} keyword-only argument{}) were", s(given), s(named))
            }
        };
        let text = format!("{}() takes {takes} positional argument{} but {given} given", function.code.qualname, s(n));
        let raise = self.raise(Exc::TypeError, text);
        self.hint_arguments(raise, function)
    }

    /// The name of something called, for messages.
    pub(crate) fn callable_name(&self, function: &Value) -> Rc<str> {
        match function {
            Value::Function(f) => f.code.qualname.clone(),
            Value::Native(n) => n.name.into(),
            Value::Operator(p) => (*p).into(),
            Value::Class(c) => c.name.clone(),
            Value::BoundMethod(m) => self.callable_name(&m.function()),
            other => self.type_name(other),
        }
    }

    /// Makes an instance of a class.
    pub(crate) fn instantiate(&mut self, class: &Rc<Class>, args: Args) -> Eval<Value> {
        if class.kind == NativeKind::Type && class.mutable {
            return self.call_metaclass(class, args);
        }
        if class.kind == NativeKind::Builtin || class.kind == NativeKind::Type {
            self.step()?;
            return match class.construct {
                Some(construct) => construct(self, args),
                None => Err(self.raise(Exc::TypeError, format!("cannot create '{}' instances", class.name))),
            };
        }
        if class.is_enum() {
            return crate::python::enums::member_of(self, class, args);
        }
        self.enter()?;
        let result = self.instantiate_inner(class, args);
        self.leave();
        result
    }

    fn instantiate_inner(&mut self, class: &Rc<Class>, args: Args) -> Eval<Value> {
        let new = class.lookup(known::NEW);
        let object = match new {
            Some(f @ (Value::Function(_) | Value::StaticMethod(_))) => {
                let mut with_class = args.clone();
                with_class.pos.insert(0, Value::Class(class.clone()));
                let v = self.call(&f, with_class)?;
                match &v {
                    Value::Instance(i) if i.class().is_subclass(class) => v,
                    _ => return Ok(v),
                }
            }
            _ => Value::Instance(self.new_object(class, &args)?),
        };
        if let Some(init @ (Value::Function(_) | Value::Native(_))) = class.lookup(known::INIT) {
            let mut all = args;
            all.pos.insert(0, object.clone());
            let result = match &object {
                Value::Instance(made) if class.kind == NativeKind::Module => {
                    let result = self.call(&init, all);
                    result.map_err(|raise| crate::torch::explain::construction(self, raise, made))?
                }
                _ => self.call(&init, all)?,
            };
            if !result.is_none() {
                let name = self.type_name(&result);
                let text = format!("__init__() should return None, not '{name}'");
                return Err(self.raise(Exc::TypeError, text));
            }
        }
        Ok(object)
    }

    /// What `object.__new__(class, …)` makes.
    pub(crate) fn new_object(&mut self, class: &Rc<Class>, args: &Args) -> Eval<Rc<Instance>> {
        if let Some(Value::Str(names)) = class.lookup(Sym::new("__abstract__")) {
            let n = names.split(", ").count();
            let text = format!("Can't instantiate abstract class {} with abstract method{} {names}", class.name, s(n));
            return Err(self.raise(Exc::TypeError, text));
        }
        let native = match class.kind {
            NativeKind::Exception => {
                NativeState::Exception(Box::new(ExceptionState { args: args.pos.clone(), cause: None, origin: None }))
            }
            NativeKind::Wrapper => NativeState::Wrapped(self.wrapped_value(class, args)?),
            _ => NativeState::None,
        };
        Ok(self.new_instance(class, native))
    }

    /// The builtin value that a fresh instance of a subclass of a builtin class wraps.
    fn wrapped_value(&mut self, class: &Rc<Class>, args: &Args) -> Eval<Value> {
        if let Some(fields) = std::iter::once(class).chain(&class.mro).find_map(|c| c.fields.borrow().clone()) {
            return crate::python::collections::named_tuple_items(self, class, &fields, args.clone());
        }
        let Some(construct) = class.construct else { return Ok(Value::None) };
        let base = class.mro.iter().find(|c| c.kind == NativeKind::Builtin);
        let mutable = base.is_some_and(|b| {
            matches!(
                &*b.name,
                "list" | "dict" | "set" | "OrderedDict" | "defaultdict" | "Counter" | "UserDict" | "deque"
            )
        });
        // A mutable one is filled by `__init__`.
        if mutable { construct(self, Args::none()) } else { construct(self, args.clone()) }
    }
}
