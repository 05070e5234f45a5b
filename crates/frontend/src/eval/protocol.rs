//! Truth, length, type names and classes of values.

use super::Interp;
use super::args::Args;
use super::class::Class;
use super::exception::{Eval, Exc};
use super::value::{DictKind, Value};
use crate::syntax::sym::known;
use std::rc::Rc;

impl Interp {
    /// Whether a value counts as true.
    ///
    /// # Errors
    /// What a tensor or a method of the source raises.
    pub(crate) fn truth(&mut self, v: &Value) -> Eval<bool> {
        Ok(match v {
            Value::Bool(b) => *b,
            Value::None => false,
            Value::Int(v) => *v != 0,
            Value::Float(v) => *v != 0.0,
            Value::Str(s) => !s.is_empty(),
            Value::Bytes(b) => !b.is_empty(),
            Value::Tuple(t) => !t.items().is_empty(),
            Value::List(l) => !l.borrow().is_empty(),
            Value::Dict(d) => !d.borrow().is_empty(),
            Value::View(v) => !v.dict.borrow().is_empty(),
            Value::Set(s) => !s.borrow().is_empty(),
            Value::Range(r) => !r.is_empty(),
            Value::Tensor(t) => return crate::torch::tensor_truth(self, t),
            Value::Instance(i) => {
                if let Some(v) = self.call_special(v, known::BOOL, Vec::new())? {
                    return match v {
                        Value::Bool(b) => Ok(b),
                        other => {
                            let name = self.type_name(&other);
                            Err(self.raise(Exc::TypeError, format!("__bool__ should return bool, returned {name}")))
                        }
                    };
                }
                if let Some(v) = self.call_special(v, known::LEN, Vec::new())? {
                    return Ok(v.as_int() != Some(0));
                }
                match i.payload_value() {
                    Some(inner) => return self.truth(&inner),
                    None => true,
                }
            }
            _ => true,
        })
    }

    /// `len(value)`.
    ///
    /// # Errors
    /// `TypeError` where it has none.
    pub(crate) fn len(&mut self, v: &Value) -> Eval<usize> {
        Ok(match v {
            Value::Str(s) => {
                if s.is_ascii() {
                    s.len()
                } else {
                    s.chars().count()
                }
            }
            Value::Bytes(b) => b.len(),
            Value::Tuple(t) => t.items().len(),
            Value::List(l) => l.borrow().len(),
            Value::Dict(d) => d.borrow().len(),
            Value::View(v) => v.dict.borrow().len(),
            Value::Set(s) => s.borrow().len(),
            Value::Range(r) => r.len(),
            Value::Tensor(t) => return crate::torch::tensor_len(self, t),
            Value::Class(c) if c.is_enum() => c.members.borrow().as_ref().map_or(0, Vec::len),
            Value::Instance(i) => {
                if let Some(n) = self.call_special(v, known::LEN, Vec::new())? {
                    return match n.as_int().map(usize::try_from) {
                        Some(Ok(n)) => Ok(n),
                        Some(Err(_)) => Err(self.raise(Exc::ValueError, "__len__() should return >= 0")),
                        None => {
                            let name = self.type_name(&n);
                            let text = format!("'{name}' object cannot be interpreted as an integer");
                            Err(self.raise(Exc::TypeError, text))
                        }
                    };
                }
                if let Some(inner) = i.payload_value() {
                    return self.len(&inner);
                }
                return Err(self.no_len(v));
            }
            _ => return Err(self.no_len(v)),
        })
    }

    #[cold]
    fn no_len(&self, v: &Value) -> super::Raise {
        let name = self.type_name(v);
        self.raise(Exc::TypeError, format!("object of type '{name}' has no len()"))
    }

    /// The class of a value.
    pub(crate) fn class_of(&self, v: &Value) -> Rc<Class> {
        if let Value::Instance(i) = v {
            return i.class();
        }
        if let Value::Class(c) = v
            && let Some(meta) = c.meta.borrow().clone()
        {
            return meta;
        }
        self.builtins.class_of(v)
    }

    /// `type(value).__name__`.
    pub(crate) fn type_name(&self, v: &Value) -> Rc<str> {
        match v {
            Value::Instance(i) => i.class.borrow().name.clone(),
            other => other.kind_name().into(),
        }
    }

    /// `type(value)`.
    pub(crate) fn type_of(&mut self, v: &Value) -> Rc<Class> {
        match crate::torch::value_class(self, v) {
            Some(c) => c,
            None => self.class_of(v),
        }
    }

    /// `isinstance(value, class)`.
    pub(crate) fn is_instance(&mut self, v: &Value, class: &Rc<Class>) -> bool {
        if let Value::Instance(i) = v {
            return i.class.borrow().is_subclass(class) || self.is_virtual(v, class);
        }
        if self.class_of(v).is_subclass(class) || self.is_virtual(v, class) {
            return true;
        }
        match crate::torch::value_class(self, v) {
            Some(c) => c.is_subclass(class),
            None => false,
        }
    }

    /// The abstract classes of `collections.abc` and `numbers` ask what a value can do.
    fn is_virtual(&self, v: &Value, class: &Rc<Class>) -> bool {
        if class.mutable || !matches!(&*class.module, "collections.abc" | "numbers" | "typing") {
            return false;
        }
        let inner = match v {
            Value::Instance(i) => i.payload_value(),
            _ => Option::None,
        };
        let has = |name| match v {
            Value::Instance(i) => i.class.borrow().lookup(name).is_some(),
            _ => false,
        };
        let b = inner.as_ref().unwrap_or(v);
        use Value::*;
        match &*class.name {
            "Iterable" => {
                matches!(
                    b,
                    List(_)
                        | Tuple(_)
                        | Dict(_)
                        | Set(_)
                        | Str(_)
                        | Bytes(_)
                        | Range(_)
                        | View(_)
                        | Iterator(_)
                        | Tensor(_)
                ) || has(known::ITER)
            }
            "Iterator" | "Generator" => matches!(b, Iterator(_)) || has(known::NEXT),
            "Sequence" => matches!(b, List(_) | Tuple(_) | Str(_) | Bytes(_) | Range(_)),
            "MutableSequence" => matches!(b, List(_)),
            "Collection" | "Container" => {
                matches!(b, List(_) | Tuple(_) | Dict(_) | Set(_) | Str(_) | Bytes(_) | Range(_) | View(_))
                    || has(known::CONTAINS)
            }
            "Sized" => {
                matches!(b, List(_) | Tuple(_) | Dict(_) | Set(_) | Str(_) | Bytes(_) | Range(_) | View(_))
                    || has(known::LEN)
            }
            "Mapping" | "MutableMapping" => matches!(b, Dict(_)),
            "Set" => matches!(b, Set(_)),
            "MutableSet" => matches!(b, Set(s) if !s.frozen),
            "Callable" => {
                matches!(b, Function(_) | Native(_) | Operator(_) | BoundMethod(_) | Class(_) | Partial(_))
                    || has(known::CALL)
            }
            "Hashable" => !matches!(b, List(_) | Dict(_)) && !matches!(b, Set(s) if !s.frozen),
            "Number" | "Complex" => matches!(b, Int(_) | Bool(_) | Big(_) | Float(_)),
            "Real" | "Rational" => {
                matches!(b, Int(_) | Bool(_) | Big(_)) || (matches!(b, Float(_)) && &*class.name == "Real")
            }
            "Integral" => matches!(b, Int(_) | Bool(_) | Big(_)),
            _ => false,
        }
    }

    /// `isinstance(value, what)`, where `what` may be a tuple of classes.
    pub(crate) fn is_instance_of(&mut self, v: &Value, what: &Value) -> Eval<bool> {
        match what {
            Value::Class(c) if c.attrs.borrow().contains_key(&crate::python::typing::protocol()) => {
                crate::python::typing::follows_protocol(self, v, &c.clone())
            }
            Value::Class(c) => Ok(self.is_instance(v, c)),
            Value::Tuple(t) => {
                for w in t.items().to_vec() {
                    if self.is_instance_of(v, &w)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Opaque(name) => crate::python::typing::is_instance(self, v, &name.clone()),
            Value::None => Err(self.isinstance_error()),
            other => match crate::torch::value_class(self, other) {
                Some(_) => Err(self.isinstance_error()),
                None => Err(self.isinstance_error()),
            },
        }
    }

    #[cold]
    fn isinstance_error(&self) -> super::Raise {
        self.raise(Exc::TypeError, "isinstance() arg 2 must be a type, a tuple of types, or a union")
    }

    /// An integer for an index or a size, through `__index__` where an instance has it.
    pub(crate) fn index_int(&mut self, v: &Value) -> Eval<i64> {
        if let Some(n) = v.as_int() {
            return Ok(n);
        }
        match v {
            Value::Big(_) => Err(self.raise(Exc::IndexError, "cannot fit 'int' into an index-sized integer")),
            Value::Tensor(t) => {
                let whole = t.ty().numel() == 1 && !t.dtype().is_float();
                match if whole { crate::torch::tensor_number(self, t)? } else { Value::None } {
                    Value::Int(n) => Ok(n),
                    Value::Bool(b) => Ok(i64::from(b)),
                    _ => Err(self.raise(
                        Exc::TypeError,
                        "only integer tensors of a single element can be converted to an index",
                    )),
                }
            }
            Value::Instance(_) => {
                let found = self.call_special(v, known::INDEX, Vec::new())?;
                match found.and_then(|n| n.as_int()) {
                    Some(n) => Ok(n),
                    None => Err(self.not_an_integer(v)),
                }
            }
            _ => Err(self.not_an_integer(v)),
        }
    }

    #[cold]
    fn not_an_integer(&self, v: &Value) -> super::Raise {
        let name = self.type_name(v);
        self.raise(Exc::TypeError, format!("'{name}' object cannot be interpreted as an integer"))
    }

    /// Calls the `default_factory` of a defaultdict for a missing key, and keeps what it gives.
    pub(crate) fn missing_key(&mut self, d: &Rc<super::value::DictObj>, key: &super::dict::Key) -> Eval<Option<Value>> {
        match &d.kind {
            DictKind::Default(factory) if !factory.is_none() => {
                let v = self.call(&factory.clone(), Args::none())?;
                d.borrow_mut().insert(key.clone(), v.clone());
                self.allocate(1)?;
                Ok(Some(v))
            }
            DictKind::Counter => Ok(Some(Value::Int(0))),
            DictKind::Names(m) => match key.value() {
                Value::Str(name) => self.module_attr(&m.clone(), crate::syntax::Sym::new(name)),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }
}
