//! Functions of single elements. Floats are computed in f64 and rounded once to their type.

use super::RefError;
use super::tensor::{Data, HostTensor, Offsets, round, scalar, wrap};
use crate::prim::{BinaryOp, UnaryOp};
use crate::types::{DType, TensorType};

/// Applies a float function to each element, in one loop for each kind of data.
fn map(x: &HostTensor, f: impl Fn(f64) -> f64) -> HostTensor {
    let dtype = x.ty.dtype;
    let data = match &x.data {
        Data::F32(v) if dtype == DType::F32 => Data::F32(v.iter().map(|&x| f(f64::from(x)) as f32).collect()),
        Data::F32(v) => Data::F32(v.iter().map(|&x| round(dtype, f(f64::from(x)))).collect()),
        Data::F64(v) => Data::F64(v.iter().map(|&x| f(x)).collect()),
        Data::Int(v) => Data::Int(v.iter().map(|&x| wrap(dtype, f(x as f64) as i64)).collect()),
        Data::Bool(v) => Data::Bool(v.iter().map(|&x| f(f64::from(u8::from(x))) != 0.0).collect()),
    };
    HostTensor { ty: x.ty.clone(), data }
}

fn predicate(x: &HostTensor, f: impl Fn(f64) -> bool) -> HostTensor {
    let data = Data::Bool(x.to_f64().iter().map(|&v| f(v)).collect());
    HostTensor { ty: TensorType::new(DType::Bool, x.ty.shape.clone()), data }
}

/// Numerically stable ln(1 + exp(x)).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// Like `f64::clamp`, but NaN stays NaN and `min > max` gives `max`, as in PyTorch.
fn clamp(x: f64, min: f64, max: f64) -> f64 {
    if x.is_nan() { x } else { x.max(min).min(max) }
}

pub(super) fn unary(op: UnaryOp, x: &HostTensor) -> HostTensor {
    use UnaryOp::*;
    let p = |v: f64| scalar(x.ty.dtype, v);
    if let Data::Int(v) = &x.data {
        // Exact beyond 2^53 where the function keeps integers.
        let exact: Option<Vec<i64>> = match op {
            Neg => Some(v.iter().map(|a| a.wrapping_neg()).collect()),
            Abs => Some(v.iter().map(|a| a.wrapping_abs()).collect()),
            Sign => Some(v.iter().map(|a| a.signum()).collect()),
            Relu => Some(v.iter().map(|&a| a.max(0)).collect()),
            Floor | Ceil | Round | Trunc => Some(v.clone()),
            Not => Some(v.iter().map(|&a| !a).collect()),
            _ => None,
        };
        if let Some(values) = exact {
            return HostTensor::wrapped(x.ty.clone(), values);
        }
    }
    match op {
        Neg => map(x, |a| -a),
        Abs => map(x, f64::abs),
        Sign => map(x, |a| f64::from(i8::from(a > 0.0) - i8::from(a < 0.0))),
        Exp => map(x, libm::exp),
        Expm1 => map(x, libm::expm1),
        Log => map(x, libm::log),
        Log2 => map(x, libm::log2),
        Log10 => map(x, libm::log10),
        Log1p => map(x, libm::log1p),
        Sqrt => map(x, f64::sqrt),
        Rsqrt => map(x, |a| 1.0 / a.sqrt()),
        Reciprocal => map(x, |a| 1.0 / a),
        Sin => map(x, libm::sin),
        Cos => map(x, libm::cos),
        Tan => map(x, libm::tan),
        Asin => map(x, libm::asin),
        Acos => map(x, libm::acos),
        Atan => map(x, libm::atan),
        Sinh => map(x, libm::sinh),
        Cosh => map(x, libm::cosh),
        Tanh => map(x, libm::tanh),
        Erf => map(x, libm::erf),
        Floor => map(x, f64::floor),
        Ceil => map(x, f64::ceil),
        Round => map(x, f64::round_ties_even),
        Trunc => map(x, f64::trunc),
        Sigmoid => map(x, sigmoid),
        Relu => map(x, |a| if a < 0.0 { 0.0 } else { a }),
        Silu => map(x, |a| a * sigmoid(a)),
        Mish => map(x, |a| a * libm::tanh(softplus(a))),
        HardSigmoid => map(x, |a| clamp(a + 3.0, 0.0, 6.0) / 6.0),
        HardSwish => map(x, |a| a * clamp(a + 3.0, 0.0, 6.0) / 6.0),
        Gelu { tanh: false } => map(x, |a| 0.5 * a * (1.0 + libm::erf(a * std::f64::consts::FRAC_1_SQRT_2))),
        Gelu { tanh: true } => {
            let k = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
            map(x, |a| 0.5 * a * (1.0 + libm::tanh(k * (a + 0.044715 * a * a * a))))
        }
        LeakyRelu { slope } => {
            let slope = p(slope);
            map(x, |a| if a > 0.0 { a } else { a * slope })
        }
        Elu { alpha, scale, input_scale } => {
            let (negative, scale, input_scale) = (p(alpha * scale), p(scale), p(input_scale));
            map(x, |a| if a <= 0.0 { libm::expm1(a * input_scale) * negative } else { a * scale })
        }
        Softplus { beta, threshold } => {
            let (beta, threshold) = (p(beta), p(threshold));
            map(x, |a| if a * beta > threshold { a } else { softplus(a * beta) / beta })
        }
        Clamp { min, max } => {
            let (min, max) = (p(min), p(max));
            map(x, |a| clamp(a, min, max))
        }
        Not => map(x, |a| f64::from(u8::from(a == 0.0))),
        IsNan => predicate(x, f64::is_nan),
        IsInf => predicate(x, f64::is_infinite),
    }
}

/// One operand of a binary function: elements with their shape.
struct Operand<'a, T> {
    values: &'a [T],
    shape: &'a [usize],
}

/// Calls `f` on the elements that broadcasting brings together.
fn zip<T: Copy, R>(a: &Operand<'_, T>, b: &Operand<'_, T>, shape: &[usize], f: impl Fn(T, T) -> R) -> Vec<R> {
    if a.shape == shape && b.shape == shape {
        return a.values.iter().zip(b.values).map(|(&x, &y)| f(x, y)).collect();
    }
    if a.shape == shape
        && let [y] = b.values
    {
        return a.values.iter().map(|&x| f(x, *y)).collect();
    }
    if b.shape == shape
        && let [x] = a.values
    {
        return b.values.iter().map(|&y| f(*x, y)).collect();
    }
    let (ia, ib) = (Offsets::broadcast(a.shape, shape), Offsets::broadcast(b.shape, shape));
    ia.zip(ib).map(|(i, j)| f(a.values[i], b.values[j])).collect()
}

fn remainder(a: f64, b: f64) -> f64 {
    let r = libm::fmod(a, b);
    if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r }
}

fn floor_div(a: f64, b: f64) -> f64 {
    if b == 0.0 {
        return a / b;
    }
    let r = libm::fmod(a, b);
    let q = (a - r) / b;
    let q = if r != 0.0 && (r < 0.0) != (b < 0.0) { q - 1.0 } else { q };
    let floor = q.floor();
    if q - floor > 0.5 { floor + 1.0 } else { floor }
}

fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn minimum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// Expands the body once for each function, so that no loop asks which function it applies. `$cmp` is the body for those
/// that give bool.
macro_rules! each_float_op {
    ($op:expr, $f:ident => $body:expr, $cmp:expr) => {{
        type N = fn(f64, f64) -> f64;
        match $op {
            BinaryOp::Add => {
                let $f = |a: f64, b: f64| a + b;
                $body
            }
            BinaryOp::Sub => {
                let $f = |a: f64, b: f64| a - b;
                $body
            }
            BinaryOp::Mul => {
                let $f = |a: f64, b: f64| a * b;
                $body
            }
            BinaryOp::Div => {
                let $f = |a: f64, b: f64| a / b;
                $body
            }
            BinaryOp::FloorDiv => {
                let $f: N = floor_div;
                $body
            }
            BinaryOp::Remainder => {
                let $f: N = remainder;
                $body
            }
            BinaryOp::Pow => {
                let $f: N = libm::pow;
                $body
            }
            BinaryOp::Maximum => {
                let $f: N = maximum;
                $body
            }
            BinaryOp::Minimum => {
                let $f: N = minimum;
                $body
            }
            BinaryOp::Atan2 => {
                let $f: N = libm::atan2;
                $body
            }
            BinaryOp::And => {
                let $f: N = |a, b| f64::from(u8::from(a != 0.0 && b != 0.0));
                $body
            }
            BinaryOp::Or => {
                let $f: N = |a, b| f64::from(u8::from(a != 0.0 || b != 0.0));
                $body
            }
            BinaryOp::Xor => {
                let $f: N = |a, b| f64::from(u8::from((a != 0.0) != (b != 0.0)));
                $body
            }
            BinaryOp::Eq => {
                let $f = |a: f64, b: f64| a == b;
                $cmp
            }
            BinaryOp::Ne => {
                let $f = |a: f64, b: f64| a != b;
                $cmp
            }
            BinaryOp::Lt => {
                let $f = |a: f64, b: f64| a < b;
                $cmp
            }
            BinaryOp::Le => {
                let $f = |a: f64, b: f64| a <= b;
                $cmp
            }
            BinaryOp::Gt => {
                let $f = |a: f64, b: f64| a > b;
                $cmp
            }
            BinaryOp::Ge => {
                let $f = |a: f64, b: f64| a >= b;
                $cmp
            }
        }
    }};
}

/// Integer arithmetic wraps, as in PyTorch.
fn int_op(op: BinaryOp, a: i64, b: i64) -> i64 {
    match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        // A zero divisor was refused before the loop.
        BinaryOp::Div => a.checked_div(b).unwrap_or(0),
        BinaryOp::FloorDiv => {
            let (q, r) = (a.checked_div(b).unwrap_or(0), a.checked_rem(b).unwrap_or(0));
            if r != 0 && (r < 0) != (b < 0) { q - 1 } else { q }
        }
        BinaryOp::Remainder => {
            let r = a.checked_rem(b).unwrap_or(0);
            if r != 0 && (r < 0) != (b < 0) { r + b } else { r }
        }
        BinaryOp::Pow => match u32::try_from(b) {
            Ok(n) => a.wrapping_pow(n),
            // A negative (or absurd) exponent: only 1 and −1 stay integers.
            Err(_) if a == 1 => 1,
            Err(_) if a == -1 => {
                if b % 2 == 0 {
                    1
                } else {
                    -1
                }
            }
            Err(_) => 0,
        },
        BinaryOp::Maximum => a.max(b),
        BinaryOp::Minimum => a.min(b),
        BinaryOp::Atan2 => libm::atan2(a as f64, b as f64) as i64,
        BinaryOp::Eq => i64::from(a == b),
        BinaryOp::Ne => i64::from(a != b),
        BinaryOp::Lt => i64::from(a < b),
        BinaryOp::Le => i64::from(a <= b),
        BinaryOp::Gt => i64::from(a > b),
        BinaryOp::Ge => i64::from(a >= b),
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
    }
}

fn bool_op(op: BinaryOp, a: bool, b: bool) -> bool {
    int_op(op, i64::from(a), i64::from(b)) != 0
}

pub(super) fn binary(op: BinaryOp, a: &HostTensor, b: &HostTensor, out: &TensorType) -> Result<HostTensor, RefError> {
    let (sa, sb, shape) = (&a.ty.shape[..], &b.ty.shape[..], &out.shape[..]);
    let dtype = a.ty.dtype;
    let data = match (&a.data, &b.data) {
        (Data::F32(x), Data::F32(y)) => {
            let (x, y) = (Operand { values: x, shape: sa }, Operand { values: y, shape: sb });
            each_float_op!(op,
                f => Data::F32(if dtype == DType::F32 {
                    zip(&x, &y, shape, |p: f32, q: f32| f(f64::from(p), f64::from(q)) as f32)
                } else {
                    zip(&x, &y, shape, |p: f32, q: f32| round(dtype, f(f64::from(p), f64::from(q))))
                }),
                Data::Bool(zip(&x, &y, shape, |p: f32, q: f32| f(f64::from(p), f64::from(q)))))
        }
        (Data::F64(x), Data::F64(y)) => {
            let (x, y) = (Operand { values: x, shape: sa }, Operand { values: y, shape: sb });
            each_float_op!(op, f => Data::F64(zip(&x, &y, shape, f)), Data::Bool(zip(&x, &y, shape, f)))
        }
        (Data::Int(x), Data::Int(y)) => {
            if matches!(op, BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Remainder) && y.contains(&0) {
                return Err(RefError::DivisionByZero);
            }
            let values = zip(&Operand { values: x, shape: sa }, &Operand { values: y, shape: sb }, shape, |p, q| {
                int_op(op, p, q)
            });
            return Ok(HostTensor::wrapped(out.clone(), values));
        }
        (Data::Bool(x), Data::Bool(y)) => {
            let (x, y) = (Operand { values: x, shape: sa }, Operand { values: y, shape: sb });
            Data::Bool(zip(&x, &y, shape, |p, q| bool_op(op, p, q)))
        }
        _ => return Err(RefError::Damaged("operands of different element types".into())),
    };
    Ok(HostTensor { ty: out.clone(), data })
}

pub(super) fn with_scalar(
    op: BinaryOp,
    x: &HostTensor,
    value: f64,
    reversed: bool,
    out: &TensorType,
) -> Result<HostTensor, RefError> {
    let c = scalar(x.ty.dtype, value);
    let dtype = x.ty.dtype;
    let data = match &x.data {
        // The hot case of initial weights: one tight loop for each function.
        Data::F32(v) if dtype == DType::F32 && !reversed => each_float_op!(op,
            f => Data::F32(v.iter().map(|&p| f(f64::from(p), c) as f32).collect()),
            Data::Bool(v.iter().map(|&p| f(f64::from(p), c)).collect())),
        Data::F32(_) | Data::F64(_) => {
            let one = HostTensor::full(TensorType::new(dtype, []), c);
            return if reversed { binary(op, &one, x, out) } else { binary(op, x, &one, out) };
        }
        // An integer against a fraction, as in `x > 0.5`: compared as numbers.
        Data::Int(v) if op.is_comparison() && value.fract() != 0.0 => {
            let one = HostTensor { ty: TensorType::new(DType::F64, []), data: Data::F64(vec![value]) };
            let wide = HostTensor {
                ty: TensorType::new(DType::F64, x.ty.shape.clone()),
                data: Data::F64(v.iter().map(|&p| p as f64).collect()),
            };
            return if reversed { binary(op, &one, &wide, out) } else { binary(op, &wide, &one, out) };
        }
        Data::Int(_) | Data::Bool(_) => {
            let one = HostTensor::full(TensorType::new(dtype, []), value);
            return if reversed { binary(op, &one, x, out) } else { binary(op, x, &one, out) };
        }
    };
    Ok(HostTensor { ty: out.clone(), data })
}

pub(super) fn choose(
    condition: &HostTensor,
    a: &HostTensor,
    b: &HostTensor,
    out: &TensorType,
) -> Result<HostTensor, RefError> {
    let Data::Bool(c) = &condition.data else {
        return Err(RefError::Damaged("a condition that is not bool".into()));
    };
    let shape = &out.shape[..];
    let indices = Offsets::broadcast(&condition.ty.shape, shape)
        .zip(Offsets::broadcast(&a.ty.shape, shape).zip(Offsets::broadcast(&b.ty.shape, shape)));
    fn pick<T: Copy>(c: &[bool], a: &[T], b: &[T], indices: impl Iterator<Item = (usize, (usize, usize))>) -> Vec<T> {
        indices.map(|(i, (j, k))| if c[i] { a[j] } else { b[k] }).collect()
    }
    let data = match (&a.data, &b.data) {
        (Data::F32(x), Data::F32(y)) => Data::F32(pick(c, x, y, indices)),
        (Data::F64(x), Data::F64(y)) => Data::F64(pick(c, x, y, indices)),
        (Data::Int(x), Data::Int(y)) => Data::Int(pick(c, x, y, indices)),
        (Data::Bool(x), Data::Bool(y)) => Data::Bool(pick(c, x, y, indices)),
        _ => return Err(RefError::Damaged("operands of different element types".into())),
    };
    Ok(HostTensor { ty: out.clone(), data })
}

/// As `Tensor.to`: floats become integers by cutting, everything becomes bool by comparing with zero.
pub(super) fn cast(x: &HostTensor, to: DType) -> HostTensor {
    let ty = TensorType::new(to, x.ty.shape.clone());
    match &x.data {
        Data::Int(v) => HostTensor::wrapped(ty, v.clone()),
        _ => HostTensor::rounded(ty, x.to_f64().into_owned()),
    }
}
