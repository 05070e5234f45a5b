//! Keys of dicts and sets.
//!
//! Equality and hashing of keys run without the interpreter, so they are those of the builtin types: numbers by value, strings
//! and tuples by content, everything else by identity. For an instance whose class defines `__eq__` and `__hash__` in Python
//! they run once, when the key is made: the first of the keys that are equal stands for all of them from then on.

use super::exception::Exc;
use super::value::Value;
use super::{Eval, Interp};
use crate::syntax::sym::known;
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
pub(crate) struct Key {
    value: Value,
    /// What stands for it where its class has an `__eq__` and `__hash__` of its own: the first key that it equals.
    same: Option<Value>,
}

impl Key {
    /// A value as a key. `__hash__` and `__eq__` of the source run here: no container may be borrowed.
    ///
    /// # Errors
    /// `TypeError` for a value that cannot be hashed, and whatever its methods raise.
    pub(crate) fn new(i: &mut Interp, value: &Value) -> Eval<Key> {
        match value {
            Value::Str(_) | Value::Int(_) => return Ok(Key { value: value.clone(), same: None }),
            _ => {}
        }
        let same = representative(i, value, 0)?;
        Ok(Key { value: value.clone(), same })
    }

    /// A string as a key.
    pub(crate) fn str(text: &str) -> Key {
        Key { value: Value::Str(text.into()), same: None }
    }

    /// The value.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// A hash that equal keys share; also Python's `hash()` here.
    pub(crate) fn code(&self) -> u64 {
        let mut h = rustc_hash::FxHasher::default();
        self.hash(&mut h);
        h.finish()
    }
}

/// What stands for a value as a key, where that is not the value itself.
fn representative(i: &mut Interp, value: &Value, depth: u32) -> Eval<Option<Value>> {
    let unhashable = |i: &Interp| {
        let text = format!("unhashable type: '{}'", i.type_name(value));
        Err(i.raise(Exc::TypeError, text))
    };
    match value {
        Value::List(_) | Value::Dict(_) | Value::Slice(_) => unhashable(i),
        Value::Set(s) if !s.frozen => unhashable(i),
        Value::Tuple(t) => {
            if depth >= MAX_DEPTH {
                return Err(i.raise(Exc::RecursionError, "a tuple used as a key is nested too deeply"));
            }
            let mut changed: Option<Vec<Value>> = None;
            for (k, v) in t.items().iter().enumerate() {
                if let Some(same) = representative(i, v, depth + 1)? {
                    changed.get_or_insert_with(|| t.items().to_vec())[k] = same;
                }
            }
            Ok(changed.map(Value::tuple))
        }
        Value::Instance(o) => {
            let class = o.class();
            match class.lookup(known::HASH) {
                Some(Value::None) => return unhashable(i),
                Some(Value::Function(_)) => {
                    let hash = i.call_special(value, known::HASH, Vec::new())?.unwrap_or_default();
                    let Some(hash) = hash.as_int() else {
                        return Err(i.raise(Exc::TypeError, "__hash__ method should return an integer"));
                    };
                    for other in i.equals.get(&hash).cloned().unwrap_or_default() {
                        i.step()?;
                        if i.equal(&other, value)? {
                            return Ok(Some(other));
                        }
                    }
                    i.allocate(1)?;
                    i.equals.entry(hash).or_default().push(value.clone());
                    return Ok(Some(value.clone()));
                }
                _ => {}
            }
            match o.payload_value() {
                Some(Value::List(_) | Value::Dict(_)) => unhashable(i),
                Some(inner @ Value::Tuple(_)) => representative(i, &inner, depth),
                _ => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

fn hash_str<H: Hasher>(text: &str, state: &mut H) {
    3u8.hash(state);
    text.hash(state);
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.same {
            // The first of its equals, whatever it wraps.
            Some(v @ Value::Instance(_)) => v.id().hash(state),
            Some(v) => hash_into(v, state),
            None => hash_into(&self.value, state),
        }
    }
}

fn hash_into<H: Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Int(v) => v.hash(state),
        Value::Bool(b) => i64::from(*b).hash(state),
        Value::Float(f) if f.fract() == 0.0 && f.abs() < 9e18 => (*f as i64).hash(state),
        Value::Float(f) => f.to_bits().hash(state),
        Value::Big(b) => b.hash(state),
        Value::Str(s) => hash_str(s, state),
        Value::Tuple(t) => {
            7u8.hash(state);
            t.items().iter().for_each(|v| hash_into(v, state));
        }
        Value::Set(s) => s.borrow().len().hash(state),
        Value::Bytes(b) => b.hash(state),
        Value::Range(r) => r.len().hash(state),
        Value::Device(d) => d.hash(state),
        Value::Operator(d) => d.hash(state),
        Value::Opaque(d) => d.hash(state),
        Value::BoundMethod(m) => m.function().id().hash(state),
        Value::Instance(i) => match i.payload_value() {
            Some(v) => hash_into(&v, state),
            None => value.id().hash(state),
        },
        other => other.id().hash(state),
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (&self.same, &other.same) {
            (None, None) => key_eq(&self.value, &other.value),
            (Some(a @ Value::Instance(_)), Some(b)) => a.is(b),
            (a, b) => key_eq(a.as_ref().unwrap_or(&self.value), b.as_ref().unwrap_or(&other.value)),
        }
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
        matches!(&key.value, Value::Str(s) if **s == *self.0)
    }
}
