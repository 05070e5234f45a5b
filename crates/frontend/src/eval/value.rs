//! Python values.
//!
//! Single-threaded and reference-counted. Everything that holds other values does so in a [`Nest`], so freeing never recurses
//! deeply. A value is never executed code: natives are functions of this crate.

pub(crate) use super::bound::{BoundMethod, Partial, Property, Super};
pub(crate) use super::container::{DictKind, DictObj, List, Range, SetObj, Slice, Tuple, View, ViewKind};

use super::args::Args;
use super::class::{Class, Instance};
use super::dict::{Dict, Set};
use super::function::Function;
use super::iter::Iter;
use super::module::PyModule;
use super::nest::Nest;
use super::{Eval, Interp};
use crate::syntax::Sym;
use crate::torch::Tensor;
use archsmith_ir::DType;
use indexmap::IndexMap;
use num_bigint::BigInt;
use rustc_hash::FxBuildHasher;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// Names and their values, in order of definition.
pub(crate) type Attrs = IndexMap<Sym, Value, FxBuildHasher>;

/// A Python value.
#[derive(Clone, Default)]
pub(crate) enum Value {
    /// `None`.
    #[default]
    None,
    /// `NotImplemented`.
    NotImplemented,
    /// `...`.
    Ellipsis,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// An integer beyond 64 bits; never one that would fit.
    Big(Rc<BigInt>),
    /// A float.
    Float(f64),
    /// A string.
    Str(Rc<str>),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// A tuple, or a `torch.Size`.
    Tuple(Rc<Tuple>),
    /// A list.
    List(Rc<List>),
    /// A dict.
    Dict(Rc<DictObj>),
    /// A set or frozenset.
    Set(Rc<SetObj>),
    /// `dict.keys()`, `dict.values()`, `dict.items()`.
    View(Rc<View>),
    /// A slice.
    Slice(Rc<Nest<Slice>>),
    /// A range.
    Range(Rc<Range>),
    /// A function of the source.
    Function(Rc<Function>),
    /// A function of this crate.
    Native(Native),
    /// A torch function or method by its path (`torch.nn.functional.relu`, `Tensor.view`); called through
    /// [`crate::torch::call_operator`].
    Operator(&'static str),
    /// A function bound to its first argument.
    BoundMethod(Rc<BoundMethod>),
    /// A property.
    Property(Rc<Nest<Property>>),
    /// A staticmethod.
    StaticMethod(Rc<Nest<Option<Value>>>),
    /// A classmethod.
    ClassMethod(Rc<Nest<Option<Value>>>),
    /// What `super()` gives.
    Super(Rc<Super>),
    /// `functools.partial`.
    Partial(Rc<Partial>),
    /// A class.
    Class(Rc<Class>),
    /// An instance of a class.
    Instance(Rc<Instance>),
    /// A module.
    Module(Rc<PyModule>),
    /// An iterator.
    Iterator(Rc<RefCell<Nest<Iter>>>),
    /// A thing that only its name matters of: annotations of `typing`, placeholders.
    Opaque(Rc<str>),
    /// A tensor.
    Tensor(Tensor),
    /// A `torch.dtype`.
    DType(DType),
    /// A `torch.device`, by its text.
    Device(Rc<str>),
}

/// A function of this crate that Python code can call.
#[derive(Clone, Copy)]
pub(crate) struct Native {
    /// Its Python name, for messages.
    pub name: &'static str,
    /// The function. A method gets its receiver as the first positional argument.
    pub f: NativeFn,
}

/// The type of a native function.
pub(crate) type NativeFn = fn(&mut Interp, Args) -> Eval<Value>;

impl Value {
    /// A string.
    pub(crate) fn str(text: impl AsRef<str>) -> Value {
        Value::Str(text.as_ref().into())
    }

    /// A list.
    pub(crate) fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(List::new(items)))
    }

    /// A tuple.
    pub(crate) fn tuple(items: Vec<Value>) -> Value {
        Value::Tuple(Rc::new(Tuple::new(items)))
    }

    /// A `torch.Size`.
    pub(crate) fn size(shape: &[usize]) -> Value {
        let items = shape.iter().map(|&d| Value::Int(d as i64)).collect();
        Value::Tuple(Rc::new(Tuple::size(items)))
    }

    /// A plain dict.
    pub(crate) fn dict(content: Dict) -> Value {
        Value::Dict(Rc::new(DictObj::new(content)))
    }

    /// A set.
    pub(crate) fn set(content: Set) -> Value {
        Value::Set(Rc::new(SetObj::new(content, false)))
    }

    /// A native function.
    pub(crate) fn native(name: &'static str, f: NativeFn) -> Value {
        Value::Native(Native { name, f })
    }

    /// A bound method.
    pub(crate) fn bound(receiver: Value, function: Value) -> Value {
        Value::BoundMethod(Rc::new(BoundMethod::new(receiver, function)))
    }

    /// An iterator.
    pub(crate) fn iterator(iter: Iter) -> Value {
        Value::Iterator(Rc::new(RefCell::new(Nest::new(iter))))
    }

    /// A staticmethod.
    pub(crate) fn static_method(function: Value) -> Value {
        Value::StaticMethod(Rc::new(Nest::new(Some(function))))
    }

    /// A classmethod.
    pub(crate) fn class_method(function: Value) -> Value {
        Value::ClassMethod(Rc::new(Nest::new(Some(function))))
    }

    /// An integer of any size, in its canonical variant.
    pub(crate) fn big(value: BigInt) -> Value {
        match i64::try_from(&value) {
            Ok(v) => Value::Int(v),
            Err(_) => Value::Big(Rc::new(value)),
        }
    }

    /// Whether it is `None`.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    /// An integer or truth value of 64 bits.
    pub(crate) fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(v) => Some(*v),
            Value::Bool(b) => Some(i64::from(*b)),
            Value::Instance(i) => i.payload_value().and_then(|v| v.as_int()),
            _ => None,
        }
    }

    /// A number as a float.
    pub(crate) fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(v) => Some(*v),
            Value::Int(v) => Some(*v as f64),
            Value::Bool(b) => Some(f64::from(u8::from(*b))),
            Value::Big(b) => Some(super::number::big_to_f64(b)),
            Value::Instance(i) => i.payload_value().and_then(|v| v.as_float()),
            _ => None,
        }
    }

    /// A string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The tensor.
    pub(crate) fn as_tensor(&self) -> Option<&Tensor> {
        match self {
            Value::Tensor(t) => Some(t),
            _ => None,
        }
    }

    /// The instance.
    pub(crate) fn as_instance(&self) -> Option<&Rc<Instance>> {
        match self {
            Value::Instance(i) => Some(i),
            _ => None,
        }
    }

    /// The items of a list, tuple or named tuple.
    pub(crate) fn as_sequence(&self) -> Option<Vec<Value>> {
        match self {
            Value::List(l) => Some(l.borrow().clone()),
            Value::Tuple(t) => Some(t.items().to_vec()),
            Value::Instance(i) => i.payload_value().and_then(|v| v.as_sequence()),
            _ => None,
        }
    }

    /// Python's `is`.
    pub(crate) fn is(&self, other: &Value) -> bool {
        use Value::*;
        match (self, other) {
            (None, None) | (NotImplemented, NotImplemented) | (Ellipsis, Ellipsis) => true,
            (Bool(a), Bool(b)) => a == b,
            (Int(a), Int(b)) => a == b,
            (Float(a), Float(b)) => a.to_bits() == b.to_bits(),
            (Str(a), Str(b)) => a == b,
            (DType(a), DType(b)) => a == b,
            (Device(a), Device(b)) => a == b,
            (Native(a), Native(b)) => a.name == b.name && std::ptr::fn_addr_eq(a.f, b.f),
            (Operator(a), Operator(b)) => a == b,
            (Tuple(a), Tuple(b)) => Rc::ptr_eq(a, b) || (a.items().is_empty() && b.items().is_empty()),
            (List(a), List(b)) => Rc::ptr_eq(a, b),
            (Dict(a), Dict(b)) => Rc::ptr_eq(a, b),
            (Set(a), Set(b)) => Rc::ptr_eq(a, b),
            (Function(a), Function(b)) => Rc::ptr_eq(a, b),
            (BoundMethod(a), BoundMethod(b)) => Rc::ptr_eq(a, b),
            (Property(a), Property(b)) => Rc::ptr_eq(a, b),
            (StaticMethod(a), StaticMethod(b)) | (ClassMethod(a), ClassMethod(b)) => Rc::ptr_eq(a, b),
            (Partial(a), Partial(b)) => Rc::ptr_eq(a, b),
            (Class(a), Class(b)) => Rc::ptr_eq(a, b),
            (Instance(a), Instance(b)) => Rc::ptr_eq(a, b),
            (Module(a), Module(b)) => Rc::ptr_eq(a, b),
            (Iterator(a), Iterator(b)) => Rc::ptr_eq(a, b),
            (Opaque(a), Opaque(b)) => a == b,
            (View(a), View(b)) => Rc::ptr_eq(a, b),
            (Range(a), Range(b)) => Rc::ptr_eq(a, b),
            (Slice(a), Slice(b)) => Rc::ptr_eq(a, b),
            (Tensor(a), Tensor(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// A number that two values share exactly when they are one object: the address, or something of the content.
    pub(crate) fn id(&self) -> i64 {
        use Value::*;
        fn at<T: ?Sized>(rc: &Rc<T>) -> i64 {
            Rc::as_ptr(rc).cast::<u8>().addr() as i64
        }
        match self {
            None => 1,
            NotImplemented => 2,
            Ellipsis => 3,
            Bool(b) => 4 + i64::from(*b),
            Int(v) => v.wrapping_mul(32).wrapping_add(9),
            Float(v) => v.to_bits() as i64,
            Big(v) => at(v),
            Str(v) => at(v),
            Bytes(v) => at(v),
            Tuple(v) => at(v),
            List(v) => at(v),
            Dict(v) => at(v),
            Set(v) => at(v),
            View(v) => at(v),
            Slice(v) => at(v),
            Range(v) => at(v),
            Function(v) => at(v),
            Native(v) => v.name.as_ptr().addr() as i64,
            Operator(v) => v.as_ptr().addr() as i64,
            BoundMethod(v) => at(v),
            Property(v) => at(v),
            StaticMethod(v) | ClassMethod(v) => at(v),
            Super(v) => at(v),
            Partial(v) => at(v),
            Class(v) => at(v),
            Instance(v) => at(v),
            Module(v) => at(v),
            Iterator(v) => at(v),
            Opaque(v) => at(v),
            Tensor(v) => at(v),
            DType(v) => 100 + *v as i64,
            Device(v) => at(v),
        }
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Value::Bool(v)
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Value::Int(v)
    }
}

impl From<usize> for Value {
    fn from(v: usize) -> Self {
        i64::try_from(v).map_or_else(|_| Value::Float(v as f64), Value::Int)
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Value::Float(v)
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Value::Str(v.into())
    }
}

impl From<String> for Value {
    fn from(v: String) -> Self {
        Value::Str(v.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(v: Vec<Value>) -> Self {
        Value::list(v)
    }
}

/// For messages of this crate's own tests; Python's `repr` is [`Interp::repr`].
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(v) => write!(f, "{v}"),
            Value::Int(v) => write!(f, "{v}"),
            Value::Float(v) => write!(f, "{v:?}"),
            Value::Str(v) => write!(f, "{v:?}"),
            other => write!(f, "<{}>", other.kind_name()),
        }
    }
}
