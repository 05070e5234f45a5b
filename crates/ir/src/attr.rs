//! Attribute values: the arguments of an operator that are not tensors.

use crate::types::DType;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A non-tensor argument of an operator, after binding to its signature. Equal as it is written: a NaN equals a NaN.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attr {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float; infinities and NaN are allowed.
    Float(#[serde(with = "float_text")] f64),
    /// A string.
    Str(String),
    /// A list of integers.
    Ints(Vec<i64>),
    /// A list of floats.
    Floats(Vec<f64>),
    /// An element type.
    DType(DType),
}

impl PartialEq for Attr {
    fn eq(&self, other: &Attr) -> bool {
        let same = |a: &f64, b: &f64| a == b || (a.is_nan() && b.is_nan());
        match (self, other) {
            (Attr::None, Attr::None) => true,
            (Attr::Bool(a), Attr::Bool(b)) => a == b,
            (Attr::Int(a), Attr::Int(b)) => a == b,
            (Attr::Float(a), Attr::Float(b)) => same(a, b),
            (Attr::Str(a), Attr::Str(b)) => a == b,
            (Attr::Ints(a), Attr::Ints(b)) => a == b,
            (Attr::Floats(a), Attr::Floats(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Attr::DType(a), Attr::DType(b)) => a == b,
            _ => false,
        }
    }
}

impl Attr {
    /// The value as a float, where it is a number or a truth value.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Attr::Float(v) => Some(*v),
            Attr::Int(v) => Some(*v as f64),
            Attr::Bool(v) => Some(f64::from(u8::from(*v))),
            _ => None,
        }
    }

    /// The value as an integer, where it is an integer or a truth value.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Attr::Int(v) => Some(*v),
            Attr::Bool(v) => Some(i64::from(*v)),
            _ => None,
        }
    }

    /// The default element type that PyTorch gives to a scalar of this kind.
    pub fn scalar_dtype(&self) -> Option<DType> {
        match self {
            Attr::Bool(_) => Some(DType::Bool),
            Attr::Int(_) => Some(DType::I64),
            Attr::Float(_) => Some(DType::F32),
            _ => None,
        }
    }
}

/// Python's spelling of the value.
impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attr::None => f.write_str("None"),
            Attr::Bool(true) => f.write_str("True"),
            Attr::Bool(false) => f.write_str("False"),
            Attr::Int(v) => write!(f, "{v}"),
            Attr::Float(v) => write!(f, "{v:?}"),
            Attr::Str(v) => write!(f, "{v:?}"),
            Attr::Ints(v) => write!(f, "{v:?}"),
            Attr::Floats(v) => write!(f, "{v:?}"),
            Attr::DType(v) => write!(f, "torch.{}", v.torch_name()),
        }
    }
}

/// JSON has no infinities: a non-finite float is stored as text.
pub(crate) mod float_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(v: &f64, s: S) -> Result<S::Ok, S::Error> {
        if v.is_finite() { s.serialize_f64(*v) } else { s.serialize_str(&v.to_string()) }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(f64),
            Text(String),
        }
        match Either::deserialize(d)? {
            Either::Number(v) => Ok(v),
            Either::Text(t) => t.parse().map_err(serde::de::Error::custom),
        }
    }
}
