//! Keys of dicts and sets.
//!
//! Equality and hashing of keys run without the interpreter, so they are those of the builtin types: numbers by value, strings
//! and tuples by content, everything else by identity. A class that defines `__eq__` and `__hash__` in Python is keyed by
//! identity; enumeration members and named tuples behave as Python's.

use super::exception::Exc;
use super::value::Value;
use super::{Eval, Interp};
use indexmap::{Equivalent, IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;
use std::hash::{Hash, Hasher};

/// A dict's content, in order of insertion.
pub(crate) type Dict = IndexMap<Key, Value, FxBuildHasher>;

/// A set's content, in order of insertion (Python's order is arbitrary).
pub(crate) type Set = IndexSet<Key, FxBuildHasher>;

/// Tuples nest no deeper in a key.
const MAX_DEPTH: u32 = 64;

/// A hashable value.
#[derive(Clone, Debug)]
pub(crate) struct Key(Value);

impl Key {
    /// A value as a key.
    ///
    /// # Errors
    /// `TypeError` for a value that cannot be hashed.
    pub(crate) fn new(i: &Interp, value: &Value) -> Eval<Key> {
        match hashable(value, 0) {
            Ok(()) => Ok(Key(canonical(value))),
            Err(None) => Err(i.raise(Exc::RecursionError, "a tuple used as a key is nested too deeply")),
            Err(Some(v)) => Err(i.raise(Exc::TypeError, format!("unhashable type: '{}'", i.type_name(v)))),
        }
    }

    /// A string as a key.
    pub(crate) fn str(text: &str) -> Key {
        Key(Value::Str(text.into()))
    }

    /// The value.
    pub(crate) fn value(&self) -> &Value {
        &self.0
    }
}

/// A member of an `int` or `str` enumeration, a named tuple and so on count as the value they wrap.
fn canonical(value: &Value) -> Value {
    value.clone()
}

fn hashable(value: &Value, depth: u32) -> Result<(), Option<&Value>> {
    match value {
        Value::List(_) | Value::Dict(_) | Value::Slice(_) => Err(Some(value)),
        Value::Set(s) if !s.frozen => Err(Some(value)),
        Value::Tuple(_) if depth >= MAX_DEPTH => Err(None),
        Value::Tuple(t) => t.items().iter().try_for_each(|v| hashable(v, depth + 1)),
        Value::Instance(i) => {
            match i.payload_value() {
                Some(Value::List(_) | Value::Dict(_)) => Err(Some(value)),
                Some(Value::Tuple(t)) if depth < MAX_DEPTH => {
                    if t.items().iter().all(|v| hashable(v, depth + 1).is_ok()) { Ok(()) } else { Err(Some(value)) }
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// A hash that equal keys share; also Python's `hash()` here.
pub(crate) fn hash_value(value: &Value) -> u64 {
    let mut h = rustc_hash::FxHasher::default();
    Key(value.clone()).hash(&mut h);
    h.finish()
}

fn hash_str<H: Hasher>(text: &str, state: &mut H) {
    3u8.hash(state);
    text.hash(state);
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Value::Int(v) => v.hash(state),
            Value::Bool(b) => i64::from(*b).hash(state),
            Value::Float(f) if f.fract() == 0.0 && f.abs() < 9e18 => (*f as i64).hash(state),
            Value::Float(f) => f.to_bits().hash(state),
            Value::Big(b) => b.hash(state),
            Value::Str(s) => hash_str(s, state),
            Value::Tuple(t) => {
                7u8.hash(state);
                for v in t.items() {
                    Key(v.clone()).hash(state);
                }
            }
            Value::Set(s) => s.borrow().len().hash(state),
            Value::Bytes(b) => b.hash(state),
            Value::Range(r) => r.len().hash(state),
            Value::Device(d) => d.hash(state),
            Value::Operator(d) => d.hash(state),
            Value::Opaque(d) => d.hash(state),
            Value::BoundMethod(m) => m.function().id().hash(state),
            Value::Instance(i) => match i.payload_value() {
                Some(v) => Key(v).hash(state),
                None => self.0.id().hash(state),
            },
            other => other.id().hash(state),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        key_eq(&self.0, &other.0)
    }
}

impl Eq for Key {}

fn key_eq(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Big(a), Value::Big(b)) => a == b,
        (Value::Int(_) | Value::Bool(_) | Value::Float(_), Value::Int(_) | Value::Bool(_) | Value::Float(_)) => {
            a.as_float() == b.as_float()
        }
        (Value::Tuple(a), Value::Tuple(b)) => {
            a.items().len() == b.items().len() && a.items().iter().zip(b.items()).all(|(a, b)| key_eq(a, b))
        }
        (Value::Set(a), Value::Set(b)) => *a.borrow() == *b.borrow(),
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Range(a), Value::Range(b)) => a == b,
        (Value::BoundMethod(a), Value::BoundMethod(b)) => {
            a.receiver().is(&b.receiver()) && a.function().is(&b.function())
        }
        (Value::Instance(x), y) | (y, Value::Instance(x)) if !a.is(b) => match x.payload_value() {
            // A plain `Enum` wraps nothing; what wraps a builtin value compares as that value.
            Some(v) => match y {
                Value::Instance(o) => o.payload_value().is_some_and(|w| key_eq(&v, &w)),
                _ => key_eq(&v, y),
            },
            None => false,
        },
        _ => a.is(b),
    }
}

/// Looks a string up without making a key.
pub(crate) struct StrKey<'a>(pub &'a str);

impl Hash for StrKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_str(self.0, state);
    }
}

impl Equivalent<Key> for StrKey<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        matches!(&key.0, Value::Str(s) if **s == *self.0)
    }
}
