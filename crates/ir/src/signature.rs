//! Signatures as text, in a notation close to PyTorch's own:
//! `torch.nn.functional.conv2d(input: Tensor, weight: Tensor, bias: Tensor? = None, stride: int[2] = 1)`.
//!
//! Kinds: `Tensor`, `Tensor[]`, `int`, `float`, `bool`, `str`, `dtype`, `Scalar` (a number), `int[]`, `int[2]` (an integer
//! stands for two), `float[]`; `|` for alternatives, `?` for "or None", `*` alone: keyword-only from here; `*shape: int[]`:
//! one list or the rest of the positional arguments.

use crate::attr::Attr;
use crate::types::DType;
use std::fmt;

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One tensor.
    Tensor,
    /// A list or tuple of tensors.
    Tensors,
    /// An integer.
    Int,
    /// A float; integers are accepted.
    Float,
    /// A truth value.
    Bool,
    /// A string.
    Str,
    /// A `torch.dtype`.
    DType,
    /// Any number or truth value, kept as it is.
    Scalar,
    /// A list of integers; with a length, one integer stands for all.
    Ints(Option<usize>),
    /// A list of floats.
    Floats,
}

/// One parameter of a signature.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it may be, in order of preference.
    pub kinds: Vec<Kind>,
    /// Whether `None` is accepted.
    pub optional: bool,
    /// The default, where it may be left out.
    pub default: Option<Attr>,
    /// Only by keyword.
    pub keyword_only: bool,
    /// Takes the remaining positional arguments, or one list.
    pub variadic: bool,
}

/// A parsed signature.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The dotted path before the parenthesis.
    pub path: &'static str,
    /// The parameters in order.
    pub params: Vec<Param>,
    /// The text it was parsed from.
    pub text: &'static str,
}

impl Signature {
    /// The position of a parameter.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|p| p.name == name)
    }

    /// Parses a signature. Signatures are constants of this crate, checked by a test; an error is a defect of an operator file.
    pub fn parse(text: &'static str) -> Result<Signature, String> {
        let open = text.find('(').ok_or_else(|| format!("no parenthesis in {text:?}"))?;
        let inner = text[open + 1..].strip_suffix(')').ok_or_else(|| format!("no closing parenthesis in {text:?}"))?;
        let mut params = Vec::new();
        let mut keyword_only = false;
        for part in split_top(inner) {
            if part == "*" {
                keyword_only = true;
                continue;
            }
            let (variadic, part) = part.strip_prefix('*').map_or((false, part), |p| (true, p));
            let (head, default) = match part.split_once('=') {
                Some((h, d)) => (h.trim(), Some(parse_default(d.trim())?)),
                None => (part, None),
            };
            let (name, kind) = head.split_once(':').ok_or_else(|| format!("no kind for {head:?} in {text:?}"))?;
            let kind = kind.trim();
            let (kind, optional) = kind.strip_suffix('?').map_or((kind, false), |k| (k, true));
            let kinds = kind.split('|').map(|k| parse_kind(k.trim())).collect::<Result<Vec<_>, _>>()?;
            params.push(Param { name: name.trim(), kinds, optional, default, keyword_only, variadic });
        }
        Ok(Signature { path: text[..open].trim(), params, text })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

fn split_top(text: &'static str) -> Vec<&'static str> {
    let (mut depth, mut start, mut parts) = (0i32, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|p| !p.is_empty());
    parts
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    Ok(match text {
        "Tensor" => Kind::Tensor,
        "Tensor[]" => Kind::Tensors,
        "int" => Kind::Int,
        "float" => Kind::Float,
        "bool" => Kind::Bool,
        "str" => Kind::Str,
        "dtype" => Kind::DType,
        "Scalar" => Kind::Scalar,
        "int[]" => Kind::Ints(None),
        "float[]" => Kind::Floats,
        _ => {
            let n = text.strip_prefix("int[").and_then(|t| t.strip_suffix(']')).and_then(|t| t.parse().ok());
            Kind::Ints(Some(n.ok_or_else(|| format!("unknown kind {text:?}"))?))
        }
    })
}

fn parse_default(text: &str) -> Result<Attr, String> {
    Ok(match text {
        "None" => Attr::None,
        "True" => Attr::Bool(true),
        "False" => Attr::Bool(false),
        "inf" => Attr::Float(f64::INFINITY),
        "-inf" => Attr::Float(f64::NEG_INFINITY),
        "[]" => Attr::Ints(Vec::new()),
        _ => {
            if let Some(name) = text.strip_prefix("torch.") {
                return DType::from_name(name).map(Attr::DType).ok_or_else(|| format!("unknown dtype {text:?}"));
            }
            if let Some(s) = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
                return Ok(Attr::Str(s.to_string()));
            }
            if let Some(list) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
                let items: Result<Vec<i64>, _> = list.split(',').map(|t| t.trim().parse::<i64>()).collect();
                return items.map(Attr::Ints).map_err(|e| format!("{text:?}: {e}"));
            }
            if let Ok(v) = text.parse::<i64>() {
                return Ok(Attr::Int(v));
            }
            return text.parse::<f64>().map(Attr::Float).map_err(|e| format!("{text:?}: {e}"));
        }
    })
}
