//! Attributes of classes: their own, those of their metaclass, and what every class has.

use super::Interp;
use super::args::Args;
use super::class::Class;
use super::dict::Key;
use super::exception::Eval;
use super::value::Value;
use crate::syntax::sym::{Sym, known};
use std::rc::Rc;

impl Interp {
    /// `class.name`, or `None` where there is no such attribute.
    pub(super) fn class_attr(&mut self, c: &Rc<Class>, name: Sym) -> Eval<Option<Value>> {
        if let Some(found) = c.lookup(name) {
            return Ok(Some(match found {
                Value::ClassMethod(f) => {
                    Value::bound(Value::Class(c.clone()), f.as_ref().as_ref().cloned().unwrap_or_default())
                }
                Value::Instance(ref d) if d.class().lookup(known::GET).is_some() => {
                    let class = Value::Class(c.clone());
                    self.call_method(&found, "__get__", Args::from([Value::None, class]))?
                }
                other => unwrap_static(other),
            }));
        }
        let meta = c.meta.borrow().clone();
        if let Some(meta) = meta
            && let Some(found) = meta.lookup(name).filter(|v| !matches!(v, Value::Native(_)))
        {
            let object = Value::Class(c.clone());
            return match found {
                Value::Property(p) => self.call(&p.get.clone(), Args::from([object])).map(Some),
                found => self.bind(found, &object, &meta).map(Some),
            };
        }
        let classes = |list: &[Rc<Class>]| Value::tuple(list.iter().cloned().map(Value::Class).collect());
        Ok(match &*name.name() {
            "__name__" => Some(Value::Str(c.name.clone())),
            "__qualname__" => Some(Value::Str(c.qualname.get().unwrap_or(&c.name).clone())),
            "__module__" => Some(Value::Str(c.module.clone())),
            "__doc__" => Some(Value::None),
            "__class__" => Some(Value::Class(self.class_of(&Value::Class(c.clone())))),
            "__bases__" => Some(classes(&c.bases)),
            "__base__" => c.bases.first().cloned().map(Value::Class),
            "__mro__" => {
                let all: Vec<Rc<Class>> = std::iter::once(c.clone()).chain(c.mro.iter().cloned()).collect();
                Some(classes(&all))
            }
            "__dict__" => {
                Some(Value::dict(c.attrs.borrow().iter().map(|(n, v)| (Key::str(&n.name()), v.clone())).collect()))
            }
            "__members__" if c.is_enum() => {
                let members = c.members.borrow().clone().unwrap_or_default();
                let mut dict = super::dict::Dict::default();
                for m in members {
                    if let Value::Instance(i) = &m {
                        let key = i.get(known::ENUM_NAME).unwrap_or_default();
                        dict.insert(Key::new(self, &key)?, m);
                    }
                }
                Some(Value::dict(dict))
            }
            "__annotations__" => Some(Value::dict(Default::default())),
            "_fields" => {
                c.fields.borrow().as_ref().map(|f| Value::tuple(f.iter().map(|n| Value::Str(n.name())).collect()))
            }
            text => {
                if let Some(method) = crate::torch::class_method(self, c, text) {
                    return Ok(Some(method));
                }
                let meta = self.builtins.class("type");
                let found = meta.attrs.borrow().get(&name).cloned();
                found.map(|f| Value::bound(Value::Class(c.clone()), f))
            }
        })
    }
}

/// What a static method is when it is read.
pub(super) fn unwrap_static(v: Value) -> Value {
    match v {
        Value::StaticMethod(f) => f.as_ref().as_ref().cloned().unwrap_or_default(),
        other => other,
    }
}
