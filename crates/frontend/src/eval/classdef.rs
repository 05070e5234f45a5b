//! Class statements.

use super::Interp;
use super::args::Args;
use super::class::{Class, Hooks, NativeKind, linearize};
use super::exception::{Eval, Exc};
use super::frame::Frame;
use super::nest::Nest;
use super::value::{Attrs, NativeFn, Value};
use crate::python::enums::Auto;
use crate::syntax::ast::ClassDef;
use crate::syntax::sym::{Sym, known};
use archsmith_ir::Span;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// Ancestors of one class; far beyond what any network has.
const MAX_ANCESTORS: usize = 500;

impl Interp {
    pub(crate) fn define_class(&mut self, def: &ClassDef, f: &mut Frame) -> Eval<Value> {
        let mut decorators = Vec::with_capacity(def.decorators.len());
        for d in &def.decorators {
            decorators.push(self.eval(d, f)?);
        }
        let mut bases = Vec::with_capacity(def.bases.len());
        for b in &def.bases {
            match &b.kind {
                crate::syntax::ast::ExprKind::Starred(inner) => {
                    let v = self.eval(inner, f)?;
                    bases.extend(self.iterate(&v)?);
                }
                _ => bases.push(self.eval(b, f)?),
            }
        }
        let mut keywords = Vec::new();
        let mut meta = None;
        for (name, e) in &def.keywords {
            let v = self.eval(e, f)?;
            if *name != known::METACLASS {
                keywords.push((*name, v));
            } else if let Value::Class(c) = v {
                meta = Some(c);
            } else if !matches!(v, Value::Opaque(_)) {
                return Err(self.unsupported("a metaclass that is no class is not supported"));
            }
        }
        let span = def.code.span;
        self.at(span, f);
        self.enter()?;
        let mut body = Frame::new(f.module.clone(), def.code.clone(), &self.capture(&def.code, f));
        body.auto = Auto::of(&bases);
        let run = self.exec_top(&def.code.body, &mut body);
        self.leave();
        run?;
        self.at(span, f);
        let module = f.module.name.clone();
        let mut attrs = std::mem::take(&mut body.class);
        if let Some(doc) = &def.code.doc {
            attrs.entry(known::DOC).or_insert_with(|| Value::Str(doc.clone()));
        }
        let span = if f.code.user { span } else { self.span };
        if let Some(meta) = own_metaclass(meta.as_ref(), &bases) {
            attrs.entry(known::MODULE).or_insert_with(|| Value::Str(module));
            attrs.entry(known::QUALNAME).or_insert_with(|| Value::Str(def.code.qualname.clone()));
            let pairs = attrs.into_iter().map(|(n, v)| (super::dict::Key::str(&n.name()), v)).collect();
            let args = vec![Value::Str(def.name.clone()), Value::tuple(bases), Value::dict(pairs)];
            let mut v = self.call(&Value::Class(meta), Args { pos: args, kw: keywords })?;
            self.set_class_cell(def, &body, &v);
            for d in decorators.into_iter().rev() {
                v = self.call(&d, Args::from([v]))?;
            }
            return Ok(v);
        }
        let class = self.make_class(def.name.clone(), module, &bases, attrs, span)?;
        if let Some(meta) = meta.filter(|m| &*m.name != "type") {
            class.meta.replace(Some(meta));
        }
        let _ = class.qualname.set(def.code.qualname.clone());
        self.set_class_cell(def, &body, &Value::Class(class.clone()));
        self.finish_class(&class, keywords)?;
        let mut v = Value::Class(class);
        for d in decorators.into_iter().rev() {
            v = self.call(&d, Args::from([v]))?;
        }
        Ok(v)
    }

    /// What `__class__` and `super()` mean in the methods of a class.
    fn set_class_cell(&mut self, def: &ClassDef, body: &Frame, class: &Value) {
        if let Some(cell) = def.code.layout().class_cell {
            body.cells[usize::from(cell)].set(Some(class.clone()));
            self.hold_cell(&body.cells[usize::from(cell)].clone());
        }
    }

    /// `Meta(name, bases, attributes)` of a metaclass of the source: its `__new__`, then its `__init__`.
    pub(crate) fn call_metaclass(&mut self, meta: &Rc<Class>, args: Args) -> Eval<Value> {
        let mut with_meta = args.clone();
        with_meta.pos.insert(0, Value::Class(meta.clone()));
        let made = match meta.lookup(known::NEW) {
            Some(Value::Function(f)) => self.call(&Value::Function(f), with_meta)?,
            Some(Value::StaticMethod(f)) => self.call(&Value::StaticMethod(f), with_meta)?,
            _ => self.new_class(with_meta)?,
        };
        if let (Value::Class(c), Some(init @ Value::Function(_))) = (&made, meta.lookup(known::INIT))
            && c.meta.borrow().as_ref().is_some_and(|m| m.is_subclass(meta))
        {
            let mut all = args;
            all.pos.insert(0, made.clone());
            self.call(&init, all)?;
        }
        Ok(made)
    }

    /// `type.__new__(meta, name, bases, attributes, **keywords)`.
    pub(crate) fn new_class(&mut self, args: Args) -> Eval<Value> {
        let [Value::Class(meta), Value::Str(name), bases, dict] = args.pos.as_slice() else {
            return Err(self.raise(Exc::TypeError, "type.__new__() takes a metaclass, a name, bases and a dict"));
        };
        let Some(dict) = dict.as_dict() else {
            return Err(self.raise(Exc::TypeError, "type.__new__() argument 3 must be dict"));
        };
        let bases = self.iterate(bases)?;
        let mut attrs = super::container::attributes(&dict.borrow());
        let module = match attrs.shift_remove(&known::MODULE) {
            Some(Value::Str(module)) => module,
            _ => "__main__".into(),
        };
        let qualname = attrs.shift_remove(&known::QUALNAME);
        let span = self.span;
        let class = self.make_class(name.clone(), module, &bases, attrs, span)?;
        if let Some(Value::Str(qualname)) = qualname {
            let _ = class.qualname.set(qualname);
        }
        if &*meta.name != "type" {
            class.meta.replace(Some(meta.clone()));
        }
        self.finish_class(&class, args.kw)?;
        Ok(Value::Class(class))
    }

    /// A class from its name, bases and attributes: what `type(name, bases, dict)` does.
    pub(crate) fn make_class(
        &mut self,
        name: Rc<str>,
        module: Rc<str>,
        bases: &[Value],
        mut attrs: Attrs,
        span: Span,
    ) -> Eval<Rc<Class>> {
        let mut classes: Vec<Rc<Class>> = Vec::new();
        for b in bases {
            match b {
                Value::Class(c) => {
                    if &*c.name == "bool"
                        || (c.kind == NativeKind::Type && !c.mutable && !matches!(&*c.name, "type" | "ABCMeta"))
                    {
                        let text = format!("type '{}' is not an acceptable base type", c.name);
                        return Err(self.raise(Exc::TypeError, text));
                    }
                    if c.is_enum() && c.members.borrow().as_ref().is_some_and(|m| !m.is_empty()) {
                        let text = format!("<enum '{name}'> cannot extend <enum '{}'>", c.name);
                        return Err(self.raise(Exc::TypeError, text));
                    }
                    if !classes.iter().any(|k| Rc::ptr_eq(k, c)) {
                        classes.push(c.clone());
                    } else {
                        return Err(self.raise(Exc::TypeError, format!("duplicate base class {}", c.name)));
                    }
                }
                // `Generic[T]` and other names that only matter to type checkers, and the few that do more.
                Value::Opaque(name) => crate::python::typing::derive(&name.clone(), &mut attrs),
                // `class X(namedtuple(…))` is a class already; a function here is what `typing.NamedTuple` is.
                other => {
                    if let Some(c) = crate::torch::value_class(self, other) {
                        classes.push(c);
                    } else {
                        let text = format!("a class cannot derive from a value of type '{}'", self.type_name(other));
                        return Err(self.raise(Exc::TypeError, text));
                    }
                }
            }
        }
        if classes.is_empty() {
            classes.push(self.builtins.class("object"));
        }
        // A class that says what is equal and not how it is hashed has no hash (data model, `__hash__`).
        if attrs.contains_key(&known::EQ) {
            attrs.entry(known::HASH).or_insert(Value::None);
        }
        let Some(mro) = linearize(&classes) else {
            let names: Vec<&str> = classes.iter().map(|c| &*c.name).collect();
            let text =
                format!("Cannot create a consistent method resolution order (MRO) for bases {}", names.join(", "));
            return Err(self.raise(Exc::TypeError, text));
        };
        if mro.len() > MAX_ANCESTORS {
            return Err(
                self.abort(crate::code::OUT_OF_FUEL, format!("a class with more than {MAX_ANCESTORS} ancestors"))
            );
        }
        self.steps(mro.len())?;
        let kind = mro.iter().map(|c| c.kind).find(|k| *k != NativeKind::Object).unwrap_or(NativeKind::Object);
        let kind = if kind == NativeKind::Builtin { NativeKind::Wrapper } else { kind };
        let inherited = mro.iter().fold(Hooks::default(), |h, c| h.or(c.hooks.get()));
        let own = |name| attrs.contains_key(&name);
        let hooks = inherited.or(Hooks {
            getattr: own(known::GETATTR),
            getattribute: own(known::GETATTRIBUTE),
            setattr: own(known::SETATTR),
            delattr: own(known::DELATTR),
        });
        let construct: Option<NativeFn> = mro.iter().find_map(|c| c.construct);
        let is_enum = mro.iter().any(|c| c.is_enum());
        let meta = classes.iter().find_map(|c| c.meta.borrow().clone());
        let class = Rc::new(Class {
            name,
            qualname: OnceCell::new(),
            module,
            bases: classes,
            mro,
            attrs: RefCell::new(Nest::new(attrs)),
            found: RefCell::default(),
            kind,
            construct,
            members: RefCell::new(is_enum.then(Vec::new)),
            fields: RefCell::new(None),
            hooks: Cell::new(hooks),
            mutable: true,
            meta: RefCell::new(meta),
            span,
        });
        self.hold_class(&class);
        Ok(class)
    }

    /// What follows the making of a class: enumeration members, named tuple fields, `__set_name__`, `__init_subclass__`.
    pub(crate) fn finish_class(&mut self, class: &Rc<Class>, keywords: Vec<(Sym, Value)>) -> Eval<()> {
        if class.is_enum() {
            crate::python::enums::collect(self, class)?;
        }
        if class.bases.iter().any(|b| b.derives_from("typing", "NamedTuple") && b.fields.borrow().is_none()) {
            crate::python::collections::typed_named_tuple(self, class)?;
        }
        crate::python::abc::note_abstract(class);
        let set_name: Vec<(Sym, Value)> = class
            .attrs
            .borrow()
            .iter()
            .filter(|(_, v)| matches!(v, Value::Instance(i) if i.class().lookup(known::SET_NAME).is_some()))
            .map(|(n, v)| (*n, v.clone()))
            .collect();
        for (name, v) in set_name {
            let args = Args::from([Value::Class(class.clone()), Value::Str(name.name())]);
            self.call_method(&v, "__set_name__", args)?;
        }
        let hook = class.mro.iter().find_map(|c| c.attrs.borrow().get(&known::INIT_SUBCLASS).cloned());
        let hook = match hook {
            Some(Value::ClassMethod(f)) => f.as_ref().as_ref().cloned(),
            other => other,
        };
        if let Some(hook @ Value::Function(_)) = hook {
            self.call(&hook, Args { pos: vec![Value::Class(class.clone())], kw: keywords })?;
        }
        Ok(())
    }
}

/// The metaclass of the source that a class statement names or inherits.
fn own_metaclass(named: Option<&Rc<Class>>, bases: &[Value]) -> Option<Rc<Class>> {
    let inherited = bases.iter().filter_map(|b| match b {
        Value::Class(c) => c.meta.borrow().clone(),
        _ => None,
    });
    let mut found: Option<Rc<Class>> = None;
    for meta in named.cloned().into_iter().chain(inherited) {
        if found.as_ref().is_none_or(|f| meta.is_subclass(f)) {
            found = Some(meta);
        }
    }
    found.filter(|m| m.mutable)
}

impl Hooks {
    fn or(self, other: Hooks) -> Hooks {
        Hooks {
            getattr: self.getattr || other.getattr,
            getattribute: self.getattribute || other.getattribute,
            setattr: self.setattr || other.setattr,
            delattr: self.delattr || other.delattr,
        }
    }
}

impl Class {
    /// A class of this crate, without a definition in the source. `bases` must have a consistent order.
    pub(crate) fn native(
        name: &str,
        module: &str,
        bases: Vec<Rc<Class>>,
        kind: NativeKind,
        construct: Option<NativeFn>,
        attrs: Attrs,
    ) -> Class {
        let mro = linearize(&bases).unwrap_or_default();
        let hooks = mro.iter().fold(Hooks::default(), |h, c| h.or(c.hooks.get()));
        let construct = construct.or_else(|| mro.iter().find_map(|c| c.construct));
        Class {
            name: name.into(),
            qualname: OnceCell::new(),
            module: module.into(),
            bases,
            mro,
            attrs: RefCell::new(Nest::new(attrs)),
            found: RefCell::default(),
            kind,
            construct,
            members: RefCell::new(None),
            fields: RefCell::new(None),
            hooks: Cell::new(hooks),
            mutable: false,
            meta: RefCell::new(None),
            span: Span::default(),
        }
    }
}
