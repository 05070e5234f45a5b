//! `int`, `bool`, `float`.

use super::support::{arg, table, this, wrong};
use crate::eval::args::Args;
use crate::eval::number::{parse_float, to_big, whole_float};
use crate::eval::value::{Attrs, Value};
use crate::eval::{Eval, Exc, Interp, Raise, repr};
use crate::syntax::Sym;
use crate::syntax::ast::BinOp;
use num_bigint::{BigInt, Sign};

/// `int(…)`.
pub(super) fn int(i: &mut Interp, args: Args) -> Eval<Value> {
    let [x, base] = args.bind(i, "int", ["x", "base"], 0)?;
    let x = x.unwrap_or(Value::Int(0));
    let Some(base) = base else { return to_int(i, &x) };
    let base = i.index_int(&base)?;
    if base != 0 && !(2..=36).contains(&base) {
        return Err(i.raise(Exc::ValueError, "int() base must be >= 2 and <= 36, or 0"));
    }
    match &x {
        Value::Str(s) => i.parse_int(s, base as u32),
        _ => Err(i.raise(Exc::TypeError, "int() can't convert non-string with explicit base")),
    }
}

fn to_int(i: &mut Interp, x: &Value) -> Eval<Value> {
    match x {
        Value::Int(_) | Value::Big(_) => Ok(x.clone()),
        Value::Bool(b) => Ok(Value::Int(i64::from(*b))),
        Value::Float(v) => i.float_to_int(*v),
        Value::Str(s) => i.parse_int(s, 10),
        Value::Bytes(b) => {
            let text = String::from_utf8_lossy(b).to_string();
            i.parse_int(&text, 10)
        }
        Value::Tensor(t) => {
            let v = crate::torch::tensor_number(i, t)?;
            to_int(i, &v)
        }
        Value::Instance(p) => {
            if let Some(v) = p.payload_value() {
                return to_int(i, &v);
            }
            for m in ["__int__", "__index__", "__trunc__"] {
                if let Some(v) = i.call_special(x, Sym::new(m), Vec::new())? {
                    return Ok(v);
                }
            }
            Err(not_a_number(i, x, "int() argument must be a string, a bytes-like object or a real number"))
        }
        _ => Err(not_a_number(i, x, "int() argument must be a string, a bytes-like object or a real number")),
    }
}

#[cold]
fn not_a_number(i: &Interp, x: &Value, what: &str) -> Raise {
    let name = i.type_name(x);
    i.raise(Exc::TypeError, format!("{what}, not '{name}'"))
}

/// `bool(…)`.
pub(super) fn bool(i: &mut Interp, args: Args) -> Eval<Value> {
    let [x] = args.bind(i, "bool", ["x"], 0)?;
    Ok(Value::Bool(match x {
        Some(v) => i.truth(&v)?,
        None => false,
    }))
}

/// `float(…)`.
pub(super) fn float(i: &mut Interp, args: Args) -> Eval<Value> {
    let [x] = args.bind(i, "float", ["x"], 0)?;
    let x = x.unwrap_or(Value::Float(0.0));
    match &x {
        Value::Str(s) => match parse_float(s) {
            Some(v) => Ok(Value::Float(v)),
            None => {
                let q = repr::quote(s);
                Err(i.raise(Exc::ValueError, format!("could not convert string to float: {q}")))
            }
        },
        Value::Tensor(t) => {
            let v = crate::torch::tensor_number(i, t)?;
            Ok(Value::Float(v.as_float().unwrap_or(f64::NAN)))
        }
        Value::Instance(_) if x.as_float().is_none() => match i.call_special(&x, Sym::new("__float__"), Vec::new())? {
            Some(v) => Ok(v),
            None => Err(not_a_number(i, &x, "float() argument must be a string or a real number")),
        },
        _ => match x.as_float() {
            Some(v) if v.is_infinite() && !matches!(x, Value::Float(_)) => {
                Err(i.raise(Exc::OverflowError, "int too large to convert to float"))
            }
            Some(v) => Ok(Value::Float(v)),
            None => Err(not_a_number(i, &x, "float() argument must be a string or a real number")),
        },
    }
}

/// `round(number, digits)`.
pub(super) fn round(i: &mut Interp, args: Args) -> Eval<Value> {
    let [v, digits] = args.bind(i, "round", ["number", "ndigits"], 1)?;
    let v = v.unwrap_or_default();
    let digits = match digits {
        None | Some(Value::None) => None,
        Some(d) => Some(i.index_int(&d)?),
    };
    match (&v, digits) {
        (Value::Int(_) | Value::Big(_) | Value::Bool(_), Some(n)) if n < 0 => round_int(i, &v, n.unsigned_abs()),
        (Value::Int(_) | Value::Big(_) | Value::Bool(_), _) => i.binary(BinOp::Add, &Value::Int(0), &v),
        (Value::Float(x), None) => i.float_to_int(crate::eval::number::round_half_even(*x)),
        (Value::Float(x), Some(_)) if !x.is_finite() => Ok(v),
        (Value::Float(x), Some(n)) if n >= 0 => {
            // The shortest text with so many digits, as CPython does it.
            let text = format!("{:.*}", n.min(400) as usize, x);
            Ok(Value::Float(text.parse().unwrap_or(*x)))
        }
        (Value::Float(x), Some(n)) => {
            let digits = n.unsigned_abs().min(400) as usize;
            // To a whole multiple of a power of ten, half to even, by the decimal digits of the exact value.
            let scaled = format!("{:.0}", x.abs());
            let rounded =
                if digits > scaled.len() { 0.0 } else { round_decimal(&scaled, digits, x.abs().fract() > 0.0) };
            Ok(Value::Float(rounded.copysign(*x)))
        }
        (Value::Tensor(t), _) => {
            let x = crate::torch::tensor_number(i, t)?;
            let mut pos = vec![x];
            pos.extend(digits.map(Value::Int));
            round(i, Args::from(pos))
        }
        (Value::Instance(_), _) => {
            let rest = digits.map(Value::Int).into_iter().collect();
            match i.call_special(&v, Sym::new("__round__"), rest)? {
                Some(v) => Ok(v),
                None => Err(no_round(i, &v)),
            }
        }
        _ => Err(no_round(i, &v)),
    }
}

#[cold]
fn no_round(i: &Interp, v: &Value) -> Raise {
    i.raise(Exc::TypeError, format!("type {} doesn't define __round__ method", i.type_name(v)))
}

fn round_decimal(digits: &str, drop: usize, tail: bool) -> f64 {
    let keep = digits.len() - drop.min(digits.len());
    let (head, rest) = digits.split_at(keep);
    let odd = head.bytes().last().is_some_and(|b| b % 2 == 1);
    let half = rest.bytes().next().unwrap_or(b'0');
    let beyond = tail || rest.bytes().skip(1).any(|b| b != b'0');
    let up = half > b'5' || (half == b'5' && (beyond || odd));
    let head: f64 = if head.is_empty() { 0.0 } else { head.parse().unwrap_or(0.0) };
    let text = format!("{}e{drop}", head + f64::from(u8::from(up)));
    text.parse().unwrap_or(0.0)
}

fn round_int(i: &mut Interp, v: &Value, digits: u64) -> Eval<Value> {
    let value = to_big(v).unwrap_or_default();
    if digits > value.bits() {
        return Ok(Value::Int(0));
    }
    i.steps(digits as usize)?;
    let unit = BigInt::from(10).pow(digits as u32);
    let two = BigInt::from(2);
    let magnitude = BigInt::from_biguint(Sign::Plus, value.magnitude().clone());
    let (mut q, r) = (&magnitude / &unit, &magnitude % &unit);
    let twice = r * &two;
    if twice > unit || (twice == unit && &q % &two == BigInt::from(1)) {
        q += 1;
    }
    let rounded = q * unit;
    Ok(Value::big(if value.sign() == Sign::Minus { -rounded } else { rounded }))
}

fn int_of(i: &Interp, v: &Value) -> Eval<BigInt> {
    to_big(v).ok_or_else(|| wrong(i, v))
}

fn little(order: &Value) -> bool {
    order.as_str() == Some("little")
}

pub(super) fn int_methods() -> Attrs {
    let mut attrs = table(&[
        ("bit_length", |i, args| Ok(Value::Int(int_of(i, &this(args).0)?.bits() as i64))),
        ("bit_count", |i, args| {
            let v = int_of(i, &this(args).0)?;
            Ok(Value::Int(v.magnitude().iter_u64_digits().map(|d| i64::from(d.count_ones())).sum()))
        }),
        ("is_integer", |_, _| Ok(Value::Bool(true))),
        ("conjugate", |_, args| Ok(this(args).0)),
        ("as_integer_ratio", |_, args| Ok(Value::tuple(vec![this(args).0, Value::Int(1)]))),
        ("to_bytes", |i, args| {
            let (v, rest) = this(args);
            let [n, order, _] = rest.bind(i, "to_bytes", ["length", "byteorder", "signed"], 0)?;
            let n = i.index_int(&n.unwrap_or(Value::Int(1)))?;
            let n = usize::try_from(n).map_err(|_| i.raise(Exc::ValueError, "length argument must be non-negative"))?;
            i.allocate(n)?;
            let v = int_of(i, &v)?;
            let (sign, mut bytes) = v.to_bytes_le();
            if sign == Sign::Minus || (bytes.len() > n && bytes.iter().skip(n).any(|b| *b != 0)) {
                return Err(i.raise(Exc::OverflowError, "int too big to convert"));
            }
            bytes.resize(n, 0);
            if !little(&order.unwrap_or_default()) {
                bytes.reverse();
            }
            Ok(Value::Bytes(bytes.into()))
        }),
        ("__index__", |_, args| Ok(this(args).0)),
        ("__int__", |_, args| Ok(this(args).0)),
        ("__float__", |i, args| float(i, Args::from([this(args).0]))),
    ]);
    let from_bytes = Value::native("from_bytes", |i: &mut Interp, args: Args| match (arg(&args, 0), arg(&args, 1)) {
        (Value::Bytes(b), order) if little(&order) => Ok(Value::big(BigInt::from_bytes_le(Sign::Plus, &b))),
        (Value::Bytes(b), _) => Ok(Value::big(BigInt::from_bytes_be(Sign::Plus, &b))),
        (v, _) => Err(wrong(i, &v)),
    });
    attrs.insert(Sym::new("from_bytes"), Value::static_method(from_bytes));
    attrs
}

pub(super) fn float_methods() -> Attrs {
    table(&[
        ("is_integer", |_, args| {
            Ok(Value::Bool(this(args).0.as_float().is_some_and(|v| v.is_finite() && v == v.trunc())))
        }),
        ("conjugate", |_, args| Ok(this(args).0)),
        ("as_integer_ratio", |i, args| {
            let v = this(args).0;
            let x = v.as_float().unwrap_or(f64::NAN);
            if !x.is_finite() {
                return Err(i.raise(Exc::ValueError, "cannot convert NaN or infinity to integer ratio"));
            }
            let (mut x, mut bits) = (x, 0u32);
            while x != x.trunc() {
                x *= 2.0;
                bits += 1;
            }
            Ok(Value::tuple(vec![whole_float(x), Value::big(BigInt::from(1) << bits)]))
        }),
        ("__int__", |i, args| to_int(i, &this(args).0)),
        ("__float__", |_, args| Ok(this(args).0)),
    ])
}
