//! Values that wrap functions: bound methods, properties, `super`, partial applications.

use super::class::Class;
use super::nest::Nest;
use super::value::Value;
use crate::syntax::Sym;
use std::rc::Rc;

/// A function with its receiver.
pub(crate) struct BoundMethod {
    content: Nest<Option<(Value, Value)>>,
}

impl BoundMethod {
    /// Binds.
    pub(crate) fn new(receiver: Value, function: Value) -> Self {
        BoundMethod { content: Nest::new(Some((receiver, function))) }
    }

    /// `__self__`.
    pub(crate) fn receiver(&self) -> Value {
        self.content.as_ref().map_or(Value::None, |c| c.0.clone())
    }

    /// `__func__`.
    pub(crate) fn function(&self) -> Value {
        self.content.as_ref().map_or(Value::None, |c| c.1.clone())
    }
}

/// A property's functions; `None` where there is none.
#[derive(Clone, Default)]
pub(crate) struct Property {
    /// Reads.
    pub get: Value,
    /// Writes.
    pub set: Value,
    /// Deletes.
    pub del: Value,
    /// `functools.cached_property`: the first reading is kept as an instance attribute of this name.
    pub cached: Option<Sym>,
}

/// `super(class, object)`.
pub(crate) struct Super {
    /// Attributes are searched after this class in the order of the object's class.
    pub after: Rc<Class>,
    /// An instance, or a class in a classmethod.
    pub object: Value,
}

/// `functools.partial(function, *args, **keywords)`.
pub(crate) struct Partial {
    content: Nest<Vec<Value>>,
    /// Keyword arguments.
    pub keywords: Vec<(Sym, Value)>,
}

impl Partial {
    /// A partial application.
    pub(crate) fn new(function: Value, args: Vec<Value>, keywords: Vec<(Sym, Value)>) -> Self {
        let mut content = vec![function];
        content.extend(args);
        Partial { content: Nest::new(content), keywords }
    }

    /// The function.
    pub(crate) fn function(&self) -> &Value {
        &self.content[0]
    }

    /// Its first positional arguments.
    pub(crate) fn args(&self) -> &[Value] {
        &self.content[1..]
    }
}
