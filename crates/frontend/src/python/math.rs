//! `math`.

use crate::eval::args::Args;
use crate::eval::module::PyModule;
use crate::eval::value::{NativeFn, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::ast::BinOp;
use num_bigint::BigInt;

/// A number as a float.
pub(super) fn number(i: &mut Interp, args: &Args, k: usize, name: &str) -> Eval<f64> {
    match args.pos.get(k) {
        Some(Value::Tensor(t)) => {
            let v = crate::torch::tensor_number(i, t)?;
            Ok(v.as_float().unwrap_or(f64::NAN))
        }
        Some(v) => match v.as_float() {
            Some(v) => Ok(v),
            None => Err(i.raise(Exc::TypeError, format!("must be real number, not {}", i.type_name(v)))),
        },
        None => Err(i.raise(Exc::TypeError, format!("math.{name} takes more arguments"))),
    }
}

/// Fills the module.
pub(super) fn fill(m: &PyModule) {
    for (name, v) in [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ] {
        m.set(name, Value::Float(v));
    }
    macro_rules! one {
        ($($name:literal: $f:expr),* $(,)?) => { $(
            m.set($name, Value::native($name, |i: &mut Interp, args: Args| {
                let x = number(i, &args, 0, $name)?;
                let f: fn(f64) -> f64 = $f;
                let y = f(x);
                if y.is_nan() && !x.is_nan() {
                    return Err(i.raise(Exc::ValueError, "math domain error"));
                }
                if y.is_infinite() && x.is_finite() {
                    let class = if $name == "exp" { Exc::OverflowError } else { Exc::ValueError };
                    return Err(i.raise(class, if $name == "exp" { "math range error" } else { "math domain error" }));
                }
                Ok(Value::Float(y))
            }));
        )* };
    }
    one! {
        "sqrt": f64::sqrt, "exp": f64::exp, "exp2": f64::exp2, "expm1": f64::exp_m1, "log2": f64::log2, "log10": f64::log10, "log1p": f64::ln_1p,
        "sin": f64::sin, "cos": f64::cos, "tan": f64::tan, "asin": f64::asin, "acos": f64::acos, "atan": f64::atan,
        "sinh": f64::sinh, "cosh": f64::cosh, "tanh": f64::tanh, "fabs": f64::abs, "degrees": f64::to_degrees,
        "radians": f64::to_radians, "cbrt": f64::cbrt,
    }
    macro_rules! round {
        ($($name:literal: $f:expr),*) => { $(
            m.set($name, Value::native($name, |i: &mut Interp, args: Args| {
                if let Some(v @ (Value::Int(_) | Value::Big(_))) = args.pos.first() {
                    return Ok(v.clone());
                }
                let x = number(i, &args, 0, $name)?;
                let f: fn(f64) -> f64 = $f;
                i.float_to_int(f(x))
            }));
        )* };
    }
    round! { "floor": f64::floor, "ceil": f64::ceil, "trunc": f64::trunc }
    for (name, f) in MATH {
        m.set(name, Value::native(name, *f));
    }
}

fn big(i: &mut Interp, v: &Value) -> Eval<BigInt> {
    match v {
        Value::Int(_) | Value::Bool(_) | Value::Big(_) => Ok(crate::eval::number::to_big(v).unwrap_or_default()),
        Value::Instance(_) => Ok(BigInt::from(i.index_int(v)?)),
        v => Err(i.raise(Exc::TypeError, format!("'{}' object cannot be interpreted as an integer", i.type_name(v)))),
    }
}

fn gcd(a: BigInt, b: BigInt) -> BigInt {
    let zero = BigInt::from(0);
    let (mut a, mut b) = (a, b);
    while b != zero {
        let r = &a % &b;
        a = b;
        b = r;
    }
    if a < zero { -a } else { a }
}

const MATH: &[(&str, NativeFn)] = &[
    ("log", |i: &mut Interp, args: Args| {
        let x = number(i, &args, 0, "log")?;
        if x <= 0.0 {
            return Err(i.raise(Exc::ValueError, "math domain error"));
        }
        Ok(Value::Float(if args.pos.len() > 1 {
            let base = number(i, &args, 1, "log")?;
            x.ln() / base.ln()
        } else {
            x.ln()
        }))
    }),
    ("pow", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "pow")?, number(i, &args, 1, "pow")?);
        Ok(Value::Float(a.powf(b)))
    }),
    ("atan2", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "atan2")?, number(i, &args, 1, "atan2")?);
        Ok(Value::Float(a.atan2(b)))
    }),
    ("hypot", |i: &mut Interp, args: Args| {
        let mut s = 0.0;
        for k in 0..args.pos.len() {
            s += number(i, &args, k, "hypot")?.powi(2);
        }
        Ok(Value::Float(s.sqrt()))
    }),
    ("fmod", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "fmod")?, number(i, &args, 1, "fmod")?);
        if b == 0.0 {
            return Err(i.raise(Exc::ValueError, "math domain error"));
        }
        Ok(Value::Float(a % b))
    }),
    ("copysign", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "copysign")?, number(i, &args, 1, "copysign")?);
        Ok(Value::Float(a.copysign(b)))
    }),
    ("isnan", |i: &mut Interp, args: Args| Ok(Value::Bool(number(i, &args, 0, "isnan")?.is_nan()))),
    ("isinf", |i: &mut Interp, args: Args| Ok(Value::Bool(number(i, &args, 0, "isinf")?.is_infinite()))),
    ("isfinite", |i: &mut Interp, args: Args| Ok(Value::Bool(number(i, &args, 0, "isfinite")?.is_finite()))),
    ("isclose", |i: &mut Interp, mut args: Args| {
        let rel = args.take_kw("rel_tol").and_then(|v| v.as_float()).unwrap_or(1e-9);
        let abs = args.take_kw("abs_tol").and_then(|v| v.as_float()).unwrap_or(0.0);
        let (a, b) = (number(i, &args, 0, "isclose")?, number(i, &args, 1, "isclose")?);
        Ok(Value::Bool(a == b || (a - b).abs() <= (rel * a.abs().max(b.abs())).max(abs)))
    }),
    ("modf", |i: &mut Interp, args: Args| {
        let x = number(i, &args, 0, "modf")?;
        let rest = if x.is_infinite() { 0.0_f64.copysign(x) } else { x.fract().copysign(x) };
        Ok(Value::tuple(vec![Value::Float(rest), Value::Float(x.trunc())]))
    }),
    ("frexp", |i: &mut Interp, args: Args| {
        let x = number(i, &args, 0, "frexp")?;
        if x == 0.0 || !x.is_finite() {
            return Ok(Value::tuple(vec![Value::Float(x), Value::Int(0)]));
        }
        // Subnormal numbers are brought into range first.
        let (x, shift) = if x.is_normal() { (x, 0) } else { (x * 2.0_f64.powi(64), 64) };
        let exponent = (x.to_bits() >> 52 & 0x7ff) as i64 - 1022;
        let mantissa = f64::from_bits(x.to_bits() & !(0x7ff << 52) | 1022 << 52);
        Ok(Value::tuple(vec![Value::Float(mantissa), Value::Int(exponent - shift)]))
    }),
    ("ldexp", |i: &mut Interp, args: Args| {
        let x = number(i, &args, 0, "ldexp")?;
        let n = i.index_int(&args.pos.get(1).cloned().unwrap_or_default())?.clamp(-3000, 3000) as i32;
        // In two steps, so that neither factor leaves the range of a float.
        Ok(Value::Float(x * 2.0_f64.powi(n / 2) * 2.0_f64.powi(n - n / 2)))
    }),
    ("dist", |i: &mut Interp, args: Args| {
        let [p, q] = args.exactly(i, "dist")?;
        let (p, q) = (i.iterate(&p)?, i.iterate(&q)?);
        if p.len() != q.len() {
            return Err(i.raise(Exc::ValueError, "both points must have the same number of dimensions"));
        }
        let mut sum = 0.0;
        for (a, b) in p.into_iter().zip(q) {
            let pair = Args::from([a, b]);
            sum += (number(i, &pair, 0, "dist")? - number(i, &pair, 1, "dist")?).powi(2);
        }
        Ok(Value::Float(sum.sqrt()))
    }),
    ("perm", |i: &mut Interp, args: Args| {
        let n = i.index_int(&args.pos.first().cloned().unwrap_or_default())?;
        let k = match args.pos.get(1) {
            None | Some(Value::None) => n,
            Some(k) => i.index_int(&k.clone())?,
        };
        if n < 0 || k < 0 || k.min(n) > 2000 {
            return Err(i.raise(Exc::ValueError, "perm() of these numbers is not supported"));
        }
        let start = BigInt::from(i64::from(k <= n));
        Ok(Value::big((0..k.min(n)).fold(start, |p, j| p * (n - j))))
    }),
    ("gcd", |i: &mut Interp, args: Args| {
        let mut out = BigInt::from(0);
        for v in &args.pos {
            out = gcd(out, big(i, v)?);
        }
        Ok(Value::big(out))
    }),
    ("lcm", |i: &mut Interp, args: Args| {
        let mut out = BigInt::from(1);
        for v in &args.pos {
            let b = big(i, v)?;
            let g = gcd(out.clone(), b.clone());
            if g == BigInt::from(0) {
                return Ok(Value::Int(0));
            }
            out = out * b / g;
        }
        Ok(Value::big(if out < BigInt::from(0) { -out } else { out }))
    }),
    ("isqrt", |i: &mut Interp, args: Args| {
        let v = big(i, &args.pos.first().cloned().unwrap_or_default())?;
        if v < BigInt::from(0) {
            return Err(i.raise(Exc::ValueError, "isqrt() argument must be nonnegative"));
        }
        Ok(Value::big(v.sqrt()))
    }),
    ("factorial", |i: &mut Interp, args: Args| {
        let n = i.index_int(&args.pos.first().cloned().unwrap_or_default())?;
        if !(0..=2000).contains(&n) {
            return Err(i.raise(Exc::ValueError, "factorial() of this number is not supported"));
        }
        Ok(Value::big((1..=n).fold(BigInt::from(1), |p, k| p * k)))
    }),
    ("comb", |i: &mut Interp, args: Args| {
        let n = i.index_int(&args.pos.first().cloned().unwrap_or_default())?;
        let k = i.index_int(&args.pos.get(1).cloned().unwrap_or_default())?;
        if n < 0 || k < 0 || n > 5000 {
            return Err(i.raise(Exc::ValueError, "comb() of these numbers is not supported"));
        }
        let mut out = BigInt::from(i64::from(k <= n));
        for j in 0..k.min(n - k).max(0) {
            out = out * (n - j) / (j + 1);
        }
        Ok(Value::big(out))
    }),
    ("prod", |i: &mut Interp, mut args: Args| {
        let mut out = args.take_kw("start").unwrap_or(Value::Int(1));
        for v in i.iterate(&args.pos.first().cloned().unwrap_or_default())? {
            out = i.binary(BinOp::Mul, &out, &v)?;
        }
        Ok(out)
    }),
    ("fsum", |i: &mut Interp, args: Args| {
        // Shewchuk's exact partial sums; they do not overlap, so adding them up rounds once.
        let mut partials: Vec<f64> = Vec::new();
        for v in i.iterate(&args.pos.first().cloned().unwrap_or_default())? {
            let mut x = number(i, &Args::from([v]), 0, "fsum")?;
            let mut kept = Vec::with_capacity(partials.len() + 1);
            for mut y in partials {
                if x.abs() < y.abs() {
                    std::mem::swap(&mut x, &mut y);
                }
                let high = x + y;
                let low = y - (high - x);
                if low != 0.0 {
                    kept.push(low);
                }
                x = high;
            }
            kept.push(x);
            partials = kept;
        }
        let s: f64 = partials.iter().rev().sum();
        Ok(Value::Float(s))
    }),
    ("erf", |i: &mut Interp, args: Args| {
        // Abramowitz and Stegun 7.1.5 (the series), enough for the small arguments of initial values.
        let x = number(i, &args, 0, "erf")?;
        if x.abs() > 6.0 {
            return Ok(Value::Float(x.signum()));
        }
        let (mut sum, mut term) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        Ok(Value::Float(sum * 2.0 / std::f64::consts::PI.sqrt()))
    }),
];
