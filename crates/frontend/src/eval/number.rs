//! Numbers: integers of any size, floats, Python's division, power, rounding and text forms.

use super::Interp;
use super::exception::{Eval, Exc};
use super::value::Value;
use crate::syntax::ast::BinOp;
use num_bigint::{BigInt, Sign};
use std::cmp::Ordering;

/// Bits of an integer; larger ones are refused before they are made.
const MAX_BITS: u64 = 1 << 17;

/// The nearest float; infinite where there is none.
pub(crate) fn big_to_f64(b: &BigInt) -> f64 {
    let (sign, digits) = b.to_u64_digits();
    let n = digits.len();
    let top = match n {
        0 => return 0.0,
        1 => digits[0] as f64,
        _ => {
            // 128 leading bits, the rest as a sticky bit, so that rounding is right.
            let high = (u128::from(digits[n - 1]) << 64) | u128::from(digits[n - 2]);
            let sticky = u128::from(digits[..n - 2].iter().any(|d| *d != 0));
            let exponent = i32::try_from((n - 2) * 64).unwrap_or(i32::MAX);
            if exponent > 1100 { f64::INFINITY } else { (high | sticky) as f64 * 2f64.powi(exponent) }
        }
    };
    if sign == Sign::Minus { -top } else { top }
}

/// An integer of either variant as a big one.
pub(crate) fn to_big(v: &Value) -> Option<BigInt> {
    match v {
        Value::Int(v) => Some(BigInt::from(*v)),
        Value::Bool(b) => Some(BigInt::from(u8::from(*b))),
        Value::Big(b) => Some((**b).clone()),
        _ => None,
    }
}

/// The order of two numbers; none where one is not a number.
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => int_float(*a, *b),
        (Value::Float(a), Value::Int(b)) => int_float(*b, *a).map(Ordering::reverse),
        (Value::Big(_), Value::Float(f)) | (Value::Float(f), Value::Big(_)) if f.is_nan() => None,
        (Value::Big(a), Value::Float(f)) => big_to_f64(a).partial_cmp(f),
        (Value::Float(f), Value::Big(b)) => f.partial_cmp(&big_to_f64(b)),
        _ => Some(to_big(a)?.cmp(&to_big(b)?)),
    }
}

fn int_float(a: i64, b: f64) -> Option<Ordering> {
    if a.unsigned_abs() < 1 << 53 {
        return (a as f64).partial_cmp(&b);
    }
    if b.is_nan() {
        return None;
    }
    if b >= 9.3e18 {
        return Some(Ordering::Less);
    }
    if b <= -9.3e18 {
        return Some(Ordering::Greater);
    }
    let whole = (a as i128).cmp(&(b.trunc() as i128));
    Some(whole.then((0.0).partial_cmp(&b.fract())?))
}

impl Interp {
    /// Arithmetic on two numbers; truth values count as integers. `None`: one of them is not a number.
    pub(crate) fn arithmetic(&mut self, op: BinOp, a: &Value, b: &Value) -> Eval<Option<Value>> {
        let as_number = |v: &Value| match v {
            Value::Bool(b) => Some(Value::Int(i64::from(*b))),
            Value::Int(_) | Value::Float(_) | Value::Big(_) => Some(v.clone()),
            _ => None,
        };
        let (Some(x), Some(y)) = (as_number(a), as_number(b)) else { return Ok(None) };
        if matches!((a, b), (Value::Bool(_), Value::Bool(_))) && matches!(op, BinOp::And | BinOp::Or | BinOp::Xor) {
            let (p, q) = (x.as_int() == Some(1), y.as_int() == Some(1));
            return Ok(Some(Value::Bool(match op {
                BinOp::And => p && q,
                BinOp::Or => p || q,
                _ => p != q,
            })));
        }
        match (&x, &y) {
            (Value::Int(p), Value::Int(q)) => self.int_op(op, *p, *q).map(Some),
            (Value::Float(_), _) | (_, Value::Float(_)) => {
                if matches!(op, BinOp::And | BinOp::Or | BinOp::Xor | BinOp::LShift | BinOp::RShift | BinOp::MatMul) {
                    return Ok(None);
                }
                let (p, q) = (x.as_float().unwrap_or(f64::NAN), y.as_float().unwrap_or(f64::NAN));
                if matches!((&x, &y), (Value::Big(_), _) | (_, Value::Big(_))) && (p.is_infinite() || q.is_infinite()) {
                    return Err(self.raise(Exc::OverflowError, "int too large to convert to float"));
                }
                self.float_op(op, p, q).map(Some)
            }
            _ => match (to_big(&x), to_big(&y)) {
                (Some(p), Some(q)) => self.big_op(op, p, q),
                _ => Ok(None),
            },
        }
    }

    pub(super) fn int_op(&mut self, op: BinOp, a: i64, b: i64) -> Eval<Value> {
        let checked = match op {
            BinOp::Add => a.checked_add(b),
            BinOp::Sub => a.checked_sub(b),
            BinOp::Mul => a.checked_mul(b),
            BinOp::Div => {
                if b == 0 {
                    return Err(self.raise(Exc::ZeroDivisionError, "division by zero"));
                }
                return Ok(Value::Float(a as f64 / b as f64));
            }
            BinOp::FloorDiv | BinOp::Mod if b == 0 => {
                let text =
                    if op == BinOp::Mod { "integer modulo by zero" } else { "integer division or modulo by zero" };
                return Err(self.raise(Exc::ZeroDivisionError, text));
            }
            BinOp::FloorDiv => a.checked_div(b).map(|q| if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q }),
            BinOp::Mod => {
                let r = a.wrapping_rem(b);
                Some(if r != 0 && (r < 0) != (b < 0) { r + b } else { r })
            }
            BinOp::Pow if b < 0 => {
                if a == 0 {
                    return Err(self.raise(Exc::ZeroDivisionError, "0.0 cannot be raised to a negative power"));
                }
                return Ok(Value::Float((a as f64).powf(b as f64)));
            }
            BinOp::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
            BinOp::And => Some(a & b),
            BinOp::Or => Some(a | b),
            BinOp::Xor => Some(a ^ b),
            BinOp::LShift if b >= 0 => {
                if a == 0 {
                    Some(0)
                } else if b < 63 && (a << b) >> b == a {
                    Some(a << b)
                } else {
                    None
                }
            }
            BinOp::RShift if b >= 0 => Some(a >> b.min(63)),
            BinOp::LShift | BinOp::RShift => return Err(self.raise(Exc::ValueError, "negative shift count")),
            BinOp::MatMul => {
                return Err(self.raise(Exc::TypeError, "unsupported operand type(s) for @: 'int' and 'int'"));
            }
        };
        match checked {
            Some(v) => Ok(Value::Int(v)),
            None => Ok(self.big_op(op, BigInt::from(a), BigInt::from(b))?.unwrap_or_default()),
        }
    }

    fn big_op(&mut self, op: BinOp, a: BigInt, b: BigInt) -> Eval<Option<Value>> {
        let zero = BigInt::from(0);
        let bits = match op {
            BinOp::Mul => a.bits() + b.bits(),
            BinOp::Pow if b > zero => a.bits().saturating_mul(u64::try_from(&b).unwrap_or(u64::MAX)),
            BinOp::LShift => a.bits().saturating_add(u64::try_from(&b).unwrap_or(u64::MAX)),
            _ => 0,
        };
        let unit = op == BinOp::Pow && a.bits() <= 1;
        if bits > MAX_BITS && !unit {
            return Err(self.abort(crate::code::OUT_OF_FUEL, format!("an integer of more than {MAX_BITS} bits")));
        }
        self.steps((bits / 64) as usize)?;
        Ok(Some(match op {
            BinOp::Add => Value::big(a + b),
            BinOp::Sub => Value::big(a - b),
            BinOp::Mul => Value::big(a * b),
            BinOp::Div => {
                if b == zero {
                    return Err(self.raise(Exc::ZeroDivisionError, "division by zero"));
                }
                let q = big_to_f64(&a) / big_to_f64(&b);
                if !q.is_finite() {
                    return Err(self.raise(Exc::OverflowError, "integer division result too large for a float"));
                }
                Value::Float(q)
            }
            BinOp::FloorDiv | BinOp::Mod => {
                if b == zero {
                    return Err(self.raise(Exc::ZeroDivisionError, "integer division or modulo by zero"));
                }
                let (q, r) = (&a / &b, &a % &b);
                let adjust = r != zero && (r.sign() == Sign::Minus) != (b.sign() == Sign::Minus);
                match op {
                    BinOp::FloorDiv => Value::big(if adjust { q - 1 } else { q }),
                    _ => Value::big(if adjust { r + b } else { r }),
                }
            }
            BinOp::Pow if b < zero => return self.float_op(op, big_to_f64(&a), big_to_f64(&b)).map(Some),
            BinOp::Pow => match u32::try_from(&b) {
                Ok(e) => Value::big(a.pow(e)),
                // The base is -1, 0 or 1.
                Err(_) if a.sign() == Sign::Minus && &b % 2 == zero => Value::Int(1),
                Err(_) => Value::big(a),
            },
            BinOp::And => Value::big(a & b),
            BinOp::Or => Value::big(a | b),
            BinOp::Xor => Value::big(a ^ b),
            BinOp::LShift | BinOp::RShift => match (u64::try_from(&b), b.sign()) {
                (_, Sign::Minus) => return Err(self.raise(Exc::ValueError, "negative shift count")),
                (Ok(n), _) if op == BinOp::LShift => Value::big(a << n),
                (Ok(n), _) => Value::big(a >> n),
                (Err(_), _) => Value::Int(if a.sign() == Sign::Minus { -1 } else { 0 }),
            },
            BinOp::MatMul => return Ok(None),
        }))
    }

    pub(super) fn float_op(&mut self, op: BinOp, a: f64, b: f64) -> Eval<Value> {
        Ok(Value::Float(match op {
            BinOp::Add => a + b,
            BinOp::Sub => a - b,
            BinOp::Mul => a * b,
            BinOp::Div | BinOp::FloorDiv | BinOp::Mod if b == 0.0 => {
                let text = match op {
                    BinOp::Div => "float division by zero",
                    BinOp::Mod => "float modulo",
                    _ => "float floor division by zero",
                };
                return Err(self.raise(Exc::ZeroDivisionError, text));
            }
            BinOp::Div => a / b,
            BinOp::FloorDiv => {
                // Like CPython, from the remainder, so that the pair is consistent.
                let m = float_mod(a, b);
                let q = (a - m) / b;
                let floor = q.floor();
                if q - floor > 0.5 { floor + 1.0 } else { floor }
            }
            BinOp::Mod => float_mod(a, b),
            BinOp::Pow => {
                if a == 0.0 && b < 0.0 {
                    return Err(self.raise(Exc::ZeroDivisionError, "0.0 cannot be raised to a negative power"));
                }
                if a < 0.0 && b.fract() != 0.0 && b.is_finite() && a.is_finite() {
                    return Err(
                        self.unsupported("complex numbers are not supported: a negative number to a fractional power")
                    );
                }
                let r = a.powf(b);
                if r.is_infinite() && a.is_finite() && b.is_finite() {
                    return Err(self.raise_args(
                        Exc::OverflowError,
                        vec![Value::Int(34), Value::str("Numerical result out of range")],
                    ));
                }
                r
            }
            _ => {
                let text = format!("unsupported operand type(s) for {}: 'float' and 'float'", op.sign());
                return Err(self.raise(Exc::TypeError, text));
            }
        }))
    }

    /// A float as an integer, toward zero.
    pub(crate) fn float_to_int(&self, v: f64) -> Eval<Value> {
        if v.is_nan() {
            return Err(self.raise(Exc::ValueError, "cannot convert float NaN to integer"));
        }
        if v.is_infinite() {
            return Err(self.raise(Exc::OverflowError, "cannot convert float infinity to integer"));
        }
        Ok(whole_float(v.trunc()))
    }

    /// An integer from its text.
    pub(crate) fn parse_int(&self, text: &str, base: u32) -> Eval<Value> {
        let bad = || {
            let quoted = super::repr::quote(text);
            self.raise(Exc::ValueError, format!("invalid literal for int() with base {base}: {quoted}"))
        };
        let t = text.trim();
        let (negative, t) = match t.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, t.strip_prefix('+').unwrap_or(t)),
        };
        let lower = t.to_ascii_lowercase();
        let (radix, digits) = match (base, lower.get(..2)) {
            (0 | 16, Some("0x")) => (16, &lower[2..]),
            (0 | 8, Some("0o")) => (8, &lower[2..]),
            (0 | 2, Some("0b")) => (2, &lower[2..]),
            (0, _) => (10, &lower[..]),
            (b, _) => (b, &lower[..]),
        };
        if digits.is_empty()
            || digits.starts_with('_')
            || digits.ends_with('_')
            || digits.contains("__")
            || digits.len() > 4300
        {
            return Err(bad());
        }
        let plain = digits.replace('_', "");
        if !plain.chars().all(|c| c.is_digit(radix)) {
            return Err(bad());
        }
        let v = BigInt::parse_bytes(plain.as_bytes(), radix).ok_or_else(bad)?;
        Ok(Value::big(if negative { -v } else { v }))
    }
}

/// A whole float as an integer.
pub(crate) fn whole_float(v: f64) -> Value {
    if v.abs() < 9.2e18 {
        return Value::Int(v as i64);
    }
    let bits = v.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1075;
    let mantissa = BigInt::from((bits & ((1 << 52) - 1)) | (1 << 52));
    let shifted = mantissa << exponent.max(0) as u64;
    Value::big(if v < 0.0 { -shifted } else { shifted })
}

/// Python's `%`: the sign of the divisor.
pub(crate) fn float_mod(a: f64, b: f64) -> f64 {
    let m = a % b;
    if m != 0.0 && (m < 0.0) != (b < 0.0) {
        m + b
    } else if m == 0.0 {
        0f64.copysign(b)
    } else {
        m
    }
}

/// A float from its text, as `float()` reads it.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let t = text.trim().to_ascii_lowercase();
    let unsigned = t.trim_start_matches(['+', '-']);
    if t.len() - unsigned.len() > 1 {
        return None;
    }
    match unsigned {
        "inf" | "infinity" => return Some(if t.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') || t.ends_with('_') || t.contains("__") {
        return None;
    }
    t.replace('_', "").parse().ok()
}

/// `repr` of a float: the shortest digits that read back, in Python's layout.
pub(crate) fn repr_float(v: f64) -> String {
    if v.is_nan() {
        return "nan".into();
    }
    if v.is_infinite() {
        return if v > 0.0 { "inf".into() } else { "-inf".into() };
    }
    if v == 0.0 {
        return if v.is_sign_negative() { "-0.0".into() } else { "0.0".into() };
    }
    let text = format!("{v:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let fixed = format!("{v}");
        return if fixed.contains('.') { fixed } else { format!("{fixed}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Rounds half to even.
pub(crate) fn round_half_even(v: f64) -> f64 {
    v.round_ties_even()
}
