//! Attribute access: the order of lookup, binding, and the hooks of classes.

use super::Interp;
use super::args::Args;
use super::class::{Class, Instance, NativeKind, NativeState};
use super::class_attribute::unwrap_static;
use super::container::attributes;
use super::dict::Key;
use super::exception::{Eval, Exc};
use super::nest::Nest;
use super::value::{DictKind, DictObj, Property, Value};
use crate::syntax::sym::{Sym, known};
use std::rc::Rc;

impl Interp {
    /// `object.name`.
    ///
    /// # Errors
    /// `AttributeError` where there is none, and whatever a property or `__getattr__` raises.
    pub(crate) fn get_attr(&mut self, object: &Value, name: Sym) -> Eval<Value> {
        match self.find_attr(object, name)? {
            Some(v) => Ok(v),
            None => {
                let raise = self.no_attribute(object, name);
                Err(self.hint_attribute(raise, object, name))
            }
        }
    }

    #[cold]
    fn no_attribute(&mut self, object: &Value, name: Sym) -> super::Raise {
        let text = match object {
            Value::Module(m) => format!("module '{}' has no attribute '{name}'", m.name),
            Value::Class(c) => format!("type object '{}' has no attribute '{name}'", c.name),
            Value::Super(_) => format!("'super' object has no attribute '{name}'"),
            other => format!("'{}' object has no attribute '{name}'", self.type_name(other)),
        };
        self.raise(Exc::AttributeError, text)
    }

    /// `object.name`, or `None` where there is no such attribute; no exception is made for that, except by code of the source.
    pub(crate) fn find_attr(&mut self, object: &Value, name: Sym) -> Eval<Option<Value>> {
        match object {
            Value::Instance(i) => self.instance_attr(i, name),
            Value::Module(m) => match self.module_attr(m, name)? {
                Some(v) => Ok(Some(v)),
                None if name == known::NAME => Ok(Some(Value::Str(m.name.clone()))),
                None if name == known::DICT => self.module_dict(m).map(Some),
                None if name == known::DOC => Ok(Some(m.get(known::DOC).unwrap_or_default())),
                None => Ok(None),
            },
            Value::Class(c) => self.class_attr(c, name),
            Value::Tensor(t) => {
                if let Some(v) = crate::torch::tensor_get_attr(self, t, &name.name())? {
                    return Ok(Some(v));
                }
                self.builtin_attr(object, name)
            }
            Value::Super(s) => {
                let (class, instance) = match &s.object {
                    Value::Instance(i) => (i.class(), true),
                    // In a method of a metaclass the object is a class.
                    Value::Class(c) if !c.is_subclass(&s.after) => match c.meta.borrow().clone() {
                        Some(meta) => (meta, true),
                        None => return Ok(None),
                    },
                    Value::Class(c) => (c.clone(), false),
                    _ => return Ok(None),
                };
                match class.lookup_after(&s.after, name) {
                    Some(found) if instance => self.bind(found, &s.object, &class).map(Some),
                    Some(found) => match found {
                        Value::ClassMethod(f) => {
                            Ok(f.as_ref().as_ref().cloned().map(|f| Value::bound(s.object.clone(), f)))
                        }
                        other => Ok(Some(unwrap_static(other))),
                    },
                    // A torch module's own attributes are found through `super()` too.
                    None => match &s.object {
                        Value::Instance(i) if class.kind == NativeKind::Module => {
                            crate::torch::module::get_attr(self, i, name)
                        }
                        _ => Ok(None),
                    },
                }
            }
            Value::Operator(_) | Value::DType(_) | Value::Device(_) => {
                match crate::torch::value_attr(self, object, &name.name())? {
                    Some(v) => Ok(Some(v)),
                    None => self.builtin_attr(object, name),
                }
            }
            Value::Tuple(t) if t.size => match crate::torch::value_attr(self, object, &name.name())? {
                Some(v) => Ok(Some(v)),
                None => self.builtin_attr(object, name),
            },
            _ => self.builtin_attr(object, name),
        }
    }

    /// The method that `object.name(…)` calls, unbound, where calling it with the object in front is the same. `None`: look the
    /// attribute up in the ordinary way.
    pub(crate) fn find_method(&mut self, object: &Value, name: Sym) -> Eval<Option<Value>> {
        let class = match object {
            Value::Instance(i) => {
                if i.own_dict.get() || i.attrs.borrow().contains_key(&name) {
                    return Ok(None);
                }
                let class = i.class.borrow();
                if class.hooks.get().getattribute {
                    return Ok(None);
                }
                let found = class.lookup(name);
                return Ok(found.filter(|v| matches!(v, Value::Function(_) | Value::Native(_))));
            }
            Value::Module(_) | Value::Class(_) | Value::Super(_) | Value::Tensor(_) => return Ok(None),
            Value::Operator(_) | Value::DType(_) | Value::Device(_) | Value::Function(_) => return Ok(None),
            Value::Tuple(t) if t.size => return Ok(None),
            other => self.class_of(other),
        };
        Ok(class.lookup(name).filter(|v| matches!(v, Value::Native(_))))
    }

    fn instance_attr(&mut self, i: &Rc<Instance>, name: Sym) -> Eval<Option<Value>> {
        let class = i.class();
        let hooks = class.hooks.get();
        if hooks.getattribute
            && let Some(hook) = class.lookup(known::GETATTRIBUTE).filter(|h| matches!(h, Value::Function(_)))
        {
            let args = Args::from([Value::Instance(i.clone()), Value::Str(name.name())]);
            return match self.call(&hook, args) {
                Ok(v) => Ok(Some(v)),
                Err(e) if e.is(self, Exc::AttributeError) => self.attribute_hook(i, &class, name),
                Err(e) => Err(e),
            };
        }
        if let Some(v) = self.plain_instance_attr(i, &class, name)? {
            return Ok(Some(v));
        }
        self.attribute_hook(i, &class, name)
    }

    fn attribute_hook(&mut self, i: &Rc<Instance>, class: &Rc<Class>, name: Sym) -> Eval<Option<Value>> {
        if class.hooks.get().getattr
            && let Some(hook) = class.lookup(known::GETATTR)
        {
            let args = Args::from([Value::Instance(i.clone()), Value::Str(name.name())]);
            return match self.call(&hook, args) {
                Ok(v) => Ok(Some(v)),
                Err(e) if e.is(self, Exc::AttributeError) => Err(e),
                Err(e) => Err(e),
            };
        }
        Ok(None)
    }

    /// `object.__getattribute__(name)`: everything but the hooks.
    pub(crate) fn plain_instance_attr(
        &mut self,
        i: &Rc<Instance>,
        class: &Rc<Class>,
        name: Sym,
    ) -> Eval<Option<Value>> {
        let object = || Value::Instance(i.clone());
        let found = class.lookup(name);
        if let Some(Value::Property(p)) = &found {
            return self.read_property(p, i, name).map(Some);
        }
        if let Some(v) = i.get(name) {
            return Ok(Some(v));
        }
        if let Some(found) = found {
            return self.bind(found, &object(), class).map(Some);
        }
        if class.kind == NativeKind::Module
            && let Some(v) = crate::torch::module::get_attr(self, i, name)?
        {
            return Ok(Some(v));
        }
        self.special_instance_attr(i, class, name)
    }

    fn special_instance_attr(&mut self, i: &Rc<Instance>, class: &Rc<Class>, name: Sym) -> Eval<Option<Value>> {
        let fields = std::iter::once(class).chain(&class.mro).find_map(|c| c.fields.borrow().clone());
        if let Some(at) = fields.and_then(|f| f.iter().position(|n| *n == name))
            && let Some(Value::Tuple(t)) = i.payload_value()
        {
            return Ok(t.items().get(at).cloned());
        }
        if name == known::CLASS {
            return Ok(Some(Value::Class(class.clone())));
        }
        if name == known::DICT {
            return Ok(Some(if i.own_dict.get() {
                Value::Instance(i.clone())
            } else {
                Value::Dict(Rc::new(DictObj::of(Default::default(), DictKind::Attributes(i.clone()))))
            }));
        }
        if name == known::DOC {
            return Ok(Some(class.attrs.borrow().get(&name).cloned().unwrap_or(Value::None)));
        }
        if name == known::MODULE {
            return Ok(Some(Value::Str(class.module.clone())));
        }
        if let NativeState::Exception(state) = &*i.native.borrow() {
            if name == known::ARGS {
                return Ok(Some(Value::tuple(state.args.clone())));
            }
            if name == known::CAUSE || name == known::CONTEXT || name == known::TRACEBACK {
                return Ok(Some(state.cause.clone().unwrap_or(Value::None)));
            }
            if &*name.name() == "value" && &*class.name == "StopIteration" {
                return Ok(Some(state.args.first().cloned().unwrap_or(Value::None)));
            }
        }
        Ok(None)
    }

    fn read_property(&mut self, p: &Property, i: &Rc<Instance>, name: Sym) -> Eval<Value> {
        if let Some(cached) = p.cached {
            if let Some(v) = i.get(cached) {
                return Ok(v);
            }
            let v = self.call(&p.get, Args::from([Value::Instance(i.clone())]))?;
            i.set(cached, v.clone());
            return Ok(v);
        }
        if p.get.is_none() {
            let class = i.class().name.clone();
            return Err(self.raise(Exc::AttributeError, format!("property '{name}' of '{class}' object has no getter")));
        }
        self.call(&p.get, Args::from([Value::Instance(i.clone())]))
    }

    /// What an attribute found in a class is, seen from an instance.
    pub(crate) fn bind(&mut self, found: Value, object: &Value, class: &Rc<Class>) -> Eval<Value> {
        Ok(match found {
            Value::Function(_) | Value::Native(_) => Value::bound(object.clone(), found),
            Value::StaticMethod(f) => f.as_ref().as_ref().cloned().unwrap_or_default(),
            Value::ClassMethod(f) => {
                Value::bound(Value::Class(class.clone()), f.as_ref().as_ref().cloned().unwrap_or_default())
            }
            Value::Property(p) => match object {
                Value::Instance(i) => self.read_property(&p, i, known::UNDERSCORE)?,
                _ => Value::Property(p),
            },
            Value::Instance(ref d) if d.class().lookup(known::GET).is_some() => {
                let class = Value::Class(class.clone());
                self.call_method(&found, "__get__", Args::from([object.clone(), class]))?
            }
            other => other,
        })
    }

    /// Attributes of values that are not instances.
    fn builtin_attr(&mut self, object: &Value, name: Sym) -> Eval<Option<Value>> {
        if let Value::Function(f) = object
            && let Some(v) = f.attrs.borrow().get(&name)
        {
            return Ok(Some(v.clone()));
        }
        let class = self.class_of(object);
        if let Some(found) = class.lookup(name) {
            return Ok(Some(match found {
                Value::Native(_) => Value::bound(object.clone(), found),
                Value::ClassMethod(f) => {
                    Value::bound(Value::Class(class), f.as_ref().as_ref().cloned().unwrap_or_default())
                }
                other => unwrap_static(other),
            }));
        }
        let text = name.name();
        if &*text == "__class__" {
            return Ok(Some(Value::Class(class)));
        }
        Ok(match (object, &*text) {
            (Value::Function(f), "__name__") => Some(Value::Str(f.name())),
            (Value::Function(f), "__qualname__") => Some(Value::Str(f.code.qualname.clone())),
            (Value::Function(f), "__module__") => Some(Value::Str(f.module.name.clone())),
            (Value::Function(f), "__doc__") => Some(f.code.doc.clone().map_or(Value::None, Value::Str)),
            (Value::Function(f), "__defaults__") => Some(Value::tuple(f.defaults.to_vec())),
            (Value::Function(f), "__dict__") => {
                Some(Value::dict(f.attrs.borrow().iter().map(|(n, v)| (Key::str(&n.name()), v.clone())).collect()))
            }
            (Value::Function(_), "__annotations__") => Some(Value::dict(Default::default())),
            (Value::Function(f), "__code__") => Some(Value::Opaque(f.code.qualname.clone())),
            (Value::Function(_) | Value::Native(_) | Value::BoundMethod(_) | Value::Operator(_), "__call__") => {
                Some(object.clone())
            }
            (Value::Native(n), "__name__" | "__qualname__") => Some(Value::from(n.name)),
            (Value::Operator(p), "__name__" | "__qualname__") => Some(Value::from(p.rsplit('.').next().unwrap_or(p))),
            (Value::BoundMethod(m), "__self__") => Some(m.receiver()),
            (Value::BoundMethod(m), "__func__") => Some(m.function()),
            (Value::BoundMethod(m), _) => return self.find_attr(&m.function(), name),
            (Value::Partial(p), "func") => Some(p.function().clone()),
            (Value::Partial(p), "args") => Some(Value::tuple(p.args().to_vec())),
            (Value::Partial(p), "keywords") => {
                Some(Value::dict(p.keywords.iter().map(|(n, v)| (Key::str(&n.name()), v.clone())).collect()))
            }
            (Value::Property(p), "fget") => Some(p.get.clone()),
            (Value::Property(p), "fset") => Some(p.set.clone()),
            (Value::Slice(s), "start") => Some(s.start.clone()),
            (Value::Slice(s), "stop") => Some(s.stop.clone()),
            (Value::Slice(s), "step") => Some(s.step.clone()),
            (Value::Range(r), "start") => Some(Value::Int(r.start)),
            (Value::Range(r), "stop") => Some(Value::Int(r.stop)),
            (Value::Range(r), "step") => Some(Value::Int(r.step)),
            (Value::Int(_) | Value::Bool(_) | Value::Big(_) | Value::Float(_), "real") => Some(object.clone()),
            (Value::Int(_) | Value::Bool(_) | Value::Big(_), "numerator") => Some(object.clone()),
            (Value::Int(_) | Value::Bool(_) | Value::Big(_), "denominator") => Some(Value::Int(1)),
            (Value::Int(_) | Value::Bool(_), "imag") => Some(Value::Int(0)),
            (Value::Float(_), "imag") => Some(Value::Float(0.0)),
            (Value::Dict(d), "default_factory") => match &d.kind {
                super::value::DictKind::Default(f) => Some(f.clone()),
                _ => None,
            },
            (Value::StaticMethod(f) | Value::ClassMethod(f), "__func__") => f.as_ref().as_ref().cloned(),
            (Value::Opaque(_), "__name__") => Some(Value::Str(self.repr(object)?)),
            (Value::Opaque(o), attr) if !attr.starts_with("__") => Some(Value::Opaque(format!("{o}.{attr}").into())),
            (_, "__doc__") => Some(Value::None),
            _ => None,
        })
    }

    /// `object.name = value`.
    ///
    /// # Errors
    /// `AttributeError` where it cannot be set, and whatever a property or `__setattr__` raises.
    pub(crate) fn set_attr(&mut self, object: &Value, name: Sym, value: Value) -> Eval<()> {
        match object {
            Value::Instance(i) => {
                let class = i.class();
                if class.hooks.get().setattr
                    && let Some(hook) = class.lookup(known::SETATTR).filter(|h| matches!(h, Value::Function(_)))
                {
                    self.call(&hook, Args::from([object.clone(), Value::Str(name.name()), value]))?;
                    return Ok(());
                }
                self.set_instance_attr(i, &class, name, value, false)
            }
            Value::Class(c) => {
                if !c.mutable {
                    let text = format!("cannot set '{name}' attribute of immutable type '{}'", c.name);
                    return Err(self.raise(Exc::TypeError, text));
                }
                let mut hooks = c.hooks.get();
                hooks.getattr |= name == known::GETATTR;
                hooks.setattr |= name == known::SETATTR;
                c.hooks.set(hooks);
                c.set(name, value);
                Ok(())
            }
            Value::Module(m) => {
                let old = m.attrs.borrow_mut().insert(name, value);
                drop(old);
                Ok(())
            }
            Value::Function(f) => {
                let old = f.attrs.borrow_mut().insert(name, value);
                drop(old);
                Ok(())
            }
            Value::Tensor(t) => crate::torch::tensor_set_attr(self, t, &name.name(), value),
            // Placeholders swallow what is set on them.
            Value::Opaque(_) => Ok(()),
            Value::Super(s) => match &s.object {
                Value::Instance(i) => {
                    let class = i.class();
                    self.set_instance_attr(i, &class, name, value, false)
                }
                _ => Err(self.no_attribute(object, name)),
            },
            _ => {
                let what = if self.find_attr(object, name)?.is_some() {
                    format!("attribute '{name}' of '{}' objects is not writable", self.type_name(object))
                } else {
                    format!("'{}' object has no attribute '{name}'", self.type_name(object))
                };
                Err(self.raise(Exc::AttributeError, what))
            }
        }
    }

    /// `object.__setattr__(name, value)`: everything but the hook. `plain`: a frozen data class does not refuse it.
    pub(crate) fn set_instance_attr(
        &mut self,
        i: &Rc<Instance>,
        class: &Rc<Class>,
        name: Sym,
        value: Value,
        plain: bool,
    ) -> Eval<()> {
        if name == known::CLASS {
            if let Value::Class(c) = value {
                i.class.replace(c);
            }
            return Ok(());
        }
        if name == known::DICT {
            return self.set_instance_dict(i, &value);
        }
        match class.lookup(name) {
            Some(Value::Property(p)) if p.cached.is_none() => {
                if p.set.is_none() {
                    let text = format!("property '{name}' of '{}' object has no setter", class.name);
                    return Err(self.raise(Exc::AttributeError, text));
                }
                self.call(&p.set.clone(), Args::from([Value::Instance(i.clone()), value]))?;
                return Ok(());
            }
            Some(d @ Value::Instance(_)) if self.find_special(&d, known::SET)?.is_some() => {
                self.call_method(&d, "__set__", Args::from([Value::Instance(i.clone()), value]))?;
                return Ok(());
            }
            _ => {}
        }
        if class.kind == NativeKind::Module {
            return self.set_module_attr(i, name, value);
        }
        if !plain && class.lookup(Sym::new("__dataclass_frozen__")).is_some() {
            return Err(self.frozen(name)?);
        }
        i.set(name, value);
        Ok(())
    }

    /// `instance.__dict__ = value`.
    fn set_instance_dict(&mut self, i: &Rc<Instance>, value: &Value) -> Eval<()> {
        let Some(dict) = value.as_dict() else {
            let text = format!("__dict__ must be set to a dictionary, not a '{}'", self.type_name(value));
            return Err(self.raise(Exc::TypeError, text));
        };
        if value.as_instance().is_some_and(|o| Rc::ptr_eq(o, i)) {
            i.own_dict.set(true);
            return Ok(());
        }
        let attrs = attributes(&dict.borrow());
        i.own_dict.set(false);
        let old = i.attrs.replace(Nest::new(attrs));
        drop(old);
        Ok(())
    }

    /// `module.__dict__`: of a module of our library, with the definitions that can be run.
    fn module_dict(&mut self, m: &Rc<super::module::PyModule>) -> Eval<Value> {
        for name in m.names() {
            match self.module_attr(m, name) {
                Err(super::Raise::Abort(d)) if d.code == crate::code::OUT_OF_FUEL => {
                    return Err(super::Raise::Abort(d));
                }
                _ => {}
            }
        }
        let pairs: super::dict::Dict = m.attrs.borrow().iter().map(|(n, v)| (Key::str(&n.name()), v.clone())).collect();
        self.allocate(pairs.len())?;
        Ok(Value::Dict(Rc::new(DictObj::of(pairs, DictKind::Names(m.clone())))))
    }

    #[cold]
    fn frozen(&mut self, name: Sym) -> Eval<super::Raise> {
        let text = format!("cannot assign to field '{name}'");
        if let Some(m) = self.import_module("dataclasses")?
            && let Some(class) = self.module_attr(&m, Sym::new("FrozenInstanceError"))?
        {
            let e = self.call(&class, Args::from([Value::from(text)]))?;
            return self.raise_value(&e);
        }
        Ok(self.raise(Exc::AttributeError, text))
    }

    fn set_module_attr(&mut self, i: &Rc<Instance>, name: Sym, value: Value) -> Eval<()> {
        if !crate::torch::module::set_attr(self, i, name, &value)? {
            let old = i.attrs.borrow_mut().insert(name, value);
            drop(old);
        }
        Ok(())
    }

    /// `del object.name`.
    ///
    /// # Errors
    /// `AttributeError` where there is none.
    pub(crate) fn del_attr(&mut self, object: &Value, name: Sym) -> Eval<()> {
        let removed = match object {
            Value::Instance(i) => {
                let class = i.class();
                if class.hooks.get().delattr
                    && let Some(hook) = class.lookup(known::DELATTR).filter(|h| matches!(h, Value::Function(_)))
                {
                    self.call(&hook, Args::from([object.clone(), Value::Str(name.name())]))?;
                    return Ok(());
                }
                return self.del_instance_attr(i, &class, name);
            }
            Value::Class(c) if c.mutable => c.remove(name),
            Value::Module(m) => m.attrs.borrow_mut().shift_remove(&name),
            Value::Function(f) => f.attrs.borrow_mut().shift_remove(&name),
            _ => None,
        };
        match removed {
            Some(_) => Ok(()),
            None => Err(self.no_attribute(object, name)),
        }
    }

    /// `object.__delattr__(name)`: everything but the hook.
    pub(crate) fn del_instance_attr(&mut self, i: &Rc<Instance>, class: &Rc<Class>, name: Sym) -> Eval<()> {
        let object = Value::Instance(i.clone());
        if let Some(Value::Property(p)) = class.lookup(name)
            && !p.del.is_none()
        {
            self.call(&p.del.clone(), Args::from([object]))?;
            return Ok(());
        }
        if class.kind == NativeKind::Module && crate::torch::module::del_attr(self, i, name)? {
            return Ok(());
        }
        let removed = i.remove(name);
        if removed.is_some() { Ok(()) } else { Err(self.no_attribute(&object, name)) }
    }

    /// A special method, found in the class as Python does, bound. `None`: the class has none.
    pub(crate) fn find_special(&mut self, object: &Value, name: Sym) -> Eval<Option<Value>> {
        let class = match object {
            Value::Instance(i) => i.class(),
            Value::Class(c) => match c.meta.borrow().clone() {
                Some(meta) => meta,
                None => return Ok(None),
            },
            Value::Module(_) => return Ok(None),
            Value::Tensor(_) => return self.find_attr(object, name),
            other => self.class_of(other),
        };
        match class.lookup(name) {
            Some(Value::None) | None => Ok(None),
            Some(found) => self.bind(found, object, &class).map(Some),
        }
    }

    /// Calls a special method of the object's class. `None`: the class has none.
    pub(crate) fn call_special(&mut self, object: &Value, name: Sym, args: Vec<Value>) -> Eval<Option<Value>> {
        let Value::Instance(i) = object else { return Ok(None) };
        let class = i.class();
        match class.lookup(name) {
            None | Some(Value::None) => Ok(None),
            Some(f @ (Value::Function(_) | Value::Native(_))) => {
                let mut all = Vec::with_capacity(args.len() + 1);
                all.push(object.clone());
                all.extend(args);
                self.call(&f, Args::from(all)).map(Some)
            }
            Some(other) => {
                let bound = self.bind(other, object, &class)?;
                self.call(&bound, Args::from(args)).map(Some)
            }
        }
    }
}
