//! Functions of one and of two elements.

use super::value::{Place, Value};
use crate::kernels::Kernels;
use archsmith_ir::prim::{BinaryOp, UnaryOp};
use archsmith_ir::{DType, TensorType};
use burn::tensor::TensorMetadata;
use burn::tensor::ops::{FloatTensor, IntTensor};
use std::f64::consts::{LN_2, LN_10};

/// A function of each element.
pub(super) fn unary<B: Kernels>(op: UnaryOp, x: Value<B>, place: &Place<B>) -> Value<B> {
    match (op, x) {
        (UnaryOp::Not, x) => Value::Bool(B::bool_not(place.to_bool(x))),
        (UnaryOp::IsNan, Value::Float(x)) => Value::Bool(B::float_is_nan(x, place.bool_store)),
        (UnaryOp::IsInf, Value::Float(x)) => Value::Bool(B::float_is_inf(x, place.bool_store)),
        (UnaryOp::IsNan | UnaryOp::IsInf, x) => {
            let zero = B::int_mul_scalar(place.to_int(x), 0.into());
            Value::Bool(B::int_not_equal_elem(zero, 0.into(), place.bool_store))
        }
        (op, Value::Int(x)) if keeps_integers(op) => Value::Int(int_unary::<B>(op, x)),
        (op, x) => Value::Float(float_unary::<B>(op, x.float(place), place)),
    }
}

fn keeps_integers(op: UnaryOp) -> bool {
    use UnaryOp::*;
    matches!(op, Neg | Abs | Sign | Floor | Ceil | Round | Trunc | Relu | Clamp { .. })
}

fn int_unary<B: Kernels>(op: UnaryOp, x: IntTensor<B>) -> IntTensor<B> {
    match op {
        UnaryOp::Neg => B::int_neg(x),
        UnaryOp::Abs => B::int_abs(x),
        UnaryOp::Sign => B::int_sign(x),
        UnaryOp::Relu => B::int_clamp_min(x, 0.into()),
        UnaryOp::Clamp { min, max } => {
            let x = if min.is_finite() { B::int_clamp_min(x, (min.ceil() as i64).into()) } else { x };
            if max.is_finite() { B::int_clamp_max(x, (max.floor() as i64).into()) } else { x }
        }
        _ => x,
    }
}

fn float_unary<B: Kernels>(op: UnaryOp, x: FloatTensor<B>, place: &Place<B>) -> FloatTensor<B> {
    use UnaryOp::*;
    let x = match B::activate(op, x) {
        Ok(y) => return y,
        Err(x) => x,
    };
    match op {
        Neg => B::float_neg(x),
        Abs => B::float_abs(x),
        Sign => B::float_sign(x),
        Exp => B::float_exp(x),
        Expm1 => expm1::<B>(x),
        Log => B::float_log(x),
        Log2 => B::float_mul_scalar(B::float_log(x), (1.0 / LN_2).into()),
        Log10 => B::float_mul_scalar(B::float_log(x), (1.0 / LN_10).into()),
        Log1p => B::float_log1p(x),
        Sqrt => B::float_sqrt(x),
        Rsqrt => B::float_recip(B::float_sqrt(x)),
        Reciprocal => B::float_recip(x),
        Sin => B::float_sin(x),
        Cos => B::float_cos(x),
        Tan => B::float_tan(x),
        Asin => B::float_asin(x),
        Acos => B::float_acos(x),
        Atan => B::float_atan(x),
        Sinh => B::float_sinh(x),
        Cosh => B::float_cosh(x),
        Tanh => B::float_tanh(x),
        Erf => B::float_erf(x),
        Floor => B::float_floor(x),
        Ceil => B::float_ceil(x),
        Round => B::float_round(x),
        Trunc => B::float_trunc(x),
        Sigmoid => B::sigmoid(x),
        Relu => B::relu(x),
        Silu => B::float_mul(x.clone(), B::sigmoid(x)),
        Mish => {
            let soft = softplus::<B>(x.clone(), 1.0, 20.0, place);
            B::float_mul(x, B::float_tanh(soft))
        }
        HardSigmoid => hard_sigmoid::<B>(x),
        HardSwish => B::float_mul(x.clone(), hard_sigmoid::<B>(x)),
        Gelu { tanh: false } => {
            let e = B::float_erf(B::float_mul_scalar(x.clone(), std::f64::consts::FRAC_1_SQRT_2.into()));
            B::float_mul(x, B::float_add_scalar(B::float_mul_scalar(e, 0.5.into()), 0.5.into()))
        }
        Gelu { tanh: true } => {
            // 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), Hendrycks and Gimpel 2016.
            let square = B::float_mul(x.clone(), x.clone());
            let factor = B::float_add_scalar(B::float_mul_scalar(square, 0.044715.into()), 1.0.into());
            let inner =
                B::float_mul_scalar(B::float_mul(x.clone(), factor), (2.0 / std::f64::consts::PI).sqrt().into());
            B::float_mul(x, B::float_add_scalar(B::float_mul_scalar(B::float_tanh(inner), 0.5.into()), 0.5.into()))
        }
        LeakyRelu { slope } => {
            let positive = B::float_greater_elem(x.clone(), 0.0.into(), place.bool_store);
            B::float_mask_where(B::float_mul_scalar(x.clone(), slope.into()), positive, x)
        }
        Elu { alpha, scale, input_scale } => {
            // The exponential never sees a positive argument: where it overflowed, its gradient would be 0·∞.
            let positive = B::float_greater_elem(x.clone(), 0.0.into(), place.bool_store);
            let below = B::float_clamp_max(B::float_mul_scalar(x.clone(), input_scale.into()), 0.0.into());
            let below = B::float_mul_scalar(expm1::<B>(below), (alpha * scale).into());
            let above = if scale == 1.0 { x } else { B::float_mul_scalar(x, scale.into()) };
            B::float_mask_where(below, positive, above)
        }
        Softplus { beta, threshold } => softplus::<B>(x, beta, threshold, place),
        Clamp { min, max } => {
            let x = if min > f64::NEG_INFINITY { B::float_clamp_min(x, min.into()) } else { x };
            if max < f64::INFINITY { B::float_clamp_max(x, max.into()) } else { x }
        }
        Not | IsNan | IsInf => x,
    }
}

/// `exp(x) − 1` without cancellation: `2·sinh(x/2)·exp(x/2)`. Far below zero it is −1 in every precision, where the factors
/// would be ∞ and 0.
fn expm1<B: Kernels>(x: FloatTensor<B>) -> FloatTensor<B> {
    let half = B::float_mul_scalar(B::float_clamp_min(x, (-80.0).into()), 0.5.into());
    B::float_mul_scalar(B::float_mul(B::float_sinh(half.clone()), B::float_exp(half)), 2.0.into())
}

/// `clamp(x + 3, 0, 6) / 6`.
fn hard_sigmoid<B: Kernels>(x: FloatTensor<B>) -> FloatTensor<B> {
    let limited = B::float_clamp(B::float_add_scalar(x, 3.0.into()), 0.0.into(), 6.0.into());
    B::float_mul_scalar(limited, (1.0 / 6.0).into())
}

fn softplus<B: Kernels>(x: FloatTensor<B>, beta: f64, threshold: f64, place: &Place<B>) -> FloatTensor<B> {
    let scaled = B::float_mul_scalar(x.clone(), beta.into());
    let linear = B::float_greater_elem(scaled.clone(), threshold.into(), place.bool_store);
    let curved = B::float_log1p(B::float_exp(B::float_clamp_max(scaled, threshold.into())));
    B::float_mask_where(B::float_mul_scalar(curved, (1.0 / beta).into()), linear, x)
}

/// A function of two elements; equal ranks and element types, broadcast.
pub(super) fn binary<B: Kernels>(op: BinaryOp, a: Value<B>, b: Value<B>, place: &Place<B>) -> Value<B> {
    match (a, b) {
        (Value::Float(a), b) => float_binary(op, a, b.float(place), place),
        (Value::Bool(a), Value::Bool(b)) => bool_binary(op, a, b, place),
        (a, b) => int_binary(op, place.to_int(a), place.to_int(b), place),
    }
}

/// A sum, broadcast.
pub(super) fn sum<B: Kernels>(a: FloatTensor<B>, b: FloatTensor<B>) -> FloatTensor<B> {
    spread::<B>(false, a, b).unwrap_or_else(|(a, b)| B::float_add(a, b))
}

/// A product, broadcast.
pub(super) fn product<B: Kernels>(a: FloatTensor<B>, b: FloatTensor<B>) -> FloatTensor<B> {
    spread::<B>(true, a, b).unwrap_or_else(|(a, b)| B::float_mul(a, b))
}

/// Through the backend's kernel, where one operand has size 1 in adjacent dimensions and agrees in the others.
fn spread<B: Kernels>(
    product: bool,
    a: FloatTensor<B>,
    b: FloatTensor<B>,
) -> Result<FloatTensor<B>, (FloatTensor<B>, FloatTensor<B>)> {
    let sizes = |x: &[usize], v: &[usize]| {
        let differ = |d: &usize| x[*d] != v[*d];
        let (first, last) = ((0..x.len()).find(differ)?, (0..x.len()).rfind(differ)?);
        let inside = v[first..=last].iter().all(|&n| n == 1);
        let n = |d: &[usize]| d.iter().product::<usize>();
        inside.then(|| [n(&x[..first]), n(&x[first..=last]), n(&x[last + 1..])])
    };
    let (sa, sb) = (a.shape().to_vec(), b.shape().to_vec());
    if sa.len() != sb.len() {
        return Err((a, b));
    }
    if let Some(sizes) = sizes(&sa, &sb) {
        return B::spread(product, a, b, sizes);
    }
    match sizes(&sb, &sa) {
        Some(sizes) => B::spread(product, b, a, sizes).map_err(|(b, a)| (a, b)),
        None => Err((a, b)),
    }
}

fn float_binary<B: Kernels>(op: BinaryOp, a: FloatTensor<B>, b: FloatTensor<B>, place: &Place<B>) -> Value<B> {
    use BinaryOp::*;
    let store = place.bool_store;
    Value::Float(match op {
        Add => sum::<B>(a, b),
        Sub if a.shape() != b.shape() => sum::<B>(a, B::float_neg(b)),
        Sub => B::float_sub(a, b),
        Mul => product::<B>(a, b),
        Div => B::float_div(a, b),
        FloorDiv => B::float_floor(B::float_div(a, b)),
        Remainder => B::float_remainder(a, b),
        Pow => B::float_powf(a, b),
        Atan2 => B::float_atan2(a, b),
        Maximum | Minimum => {
            // From the mean, which is right where both are equal: value, gradient (a half each) and NaN.
            let (a, b) = broadcast::<B>(a, b);
            let mean = B::float_mul_scalar(B::float_add(a.clone(), b.clone()), 0.5.into());
            let a_above = B::float_greater(a.clone(), b.clone(), store);
            let b_above = B::float_greater(b.clone(), a.clone(), store);
            let (take_a, take_b) = if op == Maximum { (a_above, b_above) } else { (b_above, a_above) };
            B::float_mask_where(B::float_mask_where(mean, take_a, a), take_b, b)
        }
        Eq | Ne | Lt | Le | Gt | Ge => {
            let (a, b) = broadcast::<B>(a, b);
            return Value::Bool(match op {
                Eq => B::float_equal(a, b, store),
                Ne => B::float_not_equal(a, b, store),
                Lt => B::float_lower(a, b, store),
                Le => B::float_lower_equal(a, b, store),
                Gt => B::float_greater(a, b, store),
                _ => B::float_greater_equal(a, b, store),
            });
        }
        And | Or | Xor => {
            let (a, b) = broadcast::<B>(a, b);
            return bool_binary(op, place.to_bool(Value::Float(a)), place.to_bool(Value::Float(b)), place);
        }
    })
}

fn broadcast<B: Kernels>(a: FloatTensor<B>, b: FloatTensor<B>) -> (FloatTensor<B>, FloatTensor<B>) {
    let (sa, sb) = (a.shape(), b.shape());
    if sa == sb {
        return (a, b);
    }
    let to: Vec<usize> = sa.iter().zip(sb.iter()).map(|(&x, &y)| if x == 1 { y } else { x }).collect();
    let a = if sa[..] == to[..] { a } else { B::float_expand(a, to.clone().into()) };
    let b = if sb[..] == to[..] { b } else { B::float_expand(b, to.into()) };
    (a, b)
}

fn int_binary<B: Kernels>(op: BinaryOp, a: IntTensor<B>, b: IntTensor<B>, place: &Place<B>) -> Value<B> {
    use BinaryOp::*;
    let store = place.bool_store;
    let (sa, sb) = (a.shape(), b.shape());
    let to: Vec<usize> = sa.iter().zip(sb.iter()).map(|(&x, &y)| if x == 1 { y } else { x }).collect();
    let a = if sa[..] == to[..] { a } else { B::int_expand(a, to.clone().into()) };
    let b = if sb[..] == to[..] { b } else { B::int_expand(b, to.into()) };
    Value::Int(match op {
        Add => B::int_add(a, b),
        Sub => B::int_sub(a, b),
        Mul => B::int_mul(a, b),
        // The remainder has the divisor's sign, so the difference divides without rest and rounds towards minus infinity.
        Div | FloorDiv => {
            let rest = B::int_remainder(a.clone(), b.clone());
            B::int_div(B::int_sub(a, rest), b)
        }
        Remainder => B::int_remainder(a, b),
        Pow => B::int_powi(a, b),
        Maximum => {
            let take = B::int_greater(b.clone(), a.clone(), store);
            B::int_mask_where(a, take, b)
        }
        Minimum => {
            let take = B::int_lower(b.clone(), a.clone(), store);
            B::int_mask_where(a, take, b)
        }
        Atan2 => {
            let f = burn::tensor::FloatDType::F32;
            return Value::Float(B::float_atan2(B::int_into_float(a, f), B::int_into_float(b, f)));
        }
        And => B::bitwise_and(a, b),
        Or => B::bitwise_or(a, b),
        Xor => B::bitwise_xor(a, b),
        Eq => return Value::Bool(B::int_equal(a, b, store)),
        Ne => return Value::Bool(B::int_not_equal(a, b, store)),
        Lt => return Value::Bool(B::int_lower(a, b, store)),
        Le => return Value::Bool(B::int_lower_equal(a, b, store)),
        Gt => return Value::Bool(B::int_greater(a, b, store)),
        Ge => return Value::Bool(B::int_greater_equal(a, b, store)),
    })
}

fn bool_binary<B: Kernels>(
    op: BinaryOp,
    a: burn::tensor::ops::BoolTensor<B>,
    b: burn::tensor::ops::BoolTensor<B>,
    place: &Place<B>,
) -> Value<B> {
    use BinaryOp::*;
    let (sa, sb) = (a.shape(), b.shape());
    let to: Vec<usize> = sa.iter().zip(sb.iter()).map(|(&x, &y)| if x == 1 { y } else { x }).collect();
    let a = if sa[..] == to[..] { a } else { B::bool_expand(a, to.clone().into()) };
    let b = if sb[..] == to[..] { b } else { B::bool_expand(b, to.into()) };
    Value::Bool(match op {
        And | Mul | Minimum => B::bool_and(a, b),
        Or | Add | Maximum => B::bool_or(a, b),
        Xor | Ne => B::bool_xor(a, b),
        Eq => B::bool_equal(a, b),
        _ => {
            let result = int_binary::<B>(op, place.to_int(Value::Bool(a)), place.to_int(Value::Bool(b)), place);
            place.to_bool(result)
        }
    })
}

/// A function of each element and a number.
pub(super) fn scalar<B: Kernels>(
    op: BinaryOp,
    x: Value<B>,
    ty: &TensorType,
    value: f64,
    reversed: bool,
    place: &Place<B>,
) -> Value<B> {
    use BinaryOp::*;
    let store = place.bool_store;
    let x = match x {
        Value::Float(x) => x,
        other => {
            let dtype = if ty.dtype == DType::Bool { DType::Bool } else { DType::I64 };
            let number = place.full(&TensorType::new(dtype, vec![1; ty.rank()]), value);
            return if reversed { binary(op, number, other, place) } else { binary(op, other, number, place) };
        }
    };
    if !reversed {
        match op {
            Add => return Value::Float(B::float_add_scalar(x, value.into())),
            Sub => return Value::Float(B::float_sub_scalar(x, value.into())),
            Mul => return Value::Float(B::float_mul_scalar(x, value.into())),
            Div => return Value::Float(B::float_div_scalar(x, value.into())),
            Remainder => return Value::Float(B::float_remainder_scalar(x, value.into())),
            Pow if value == 2.0 => return Value::Float(B::float_mul(x.clone(), x)),
            Pow if value == 0.5 => return Value::Float(B::float_sqrt(x)),
            Pow if value == 1.0 => return Value::Float(x),
            Pow => return Value::Float(B::float_powf_scalar(x, value.into())),
            Eq => return Value::Bool(B::float_equal_elem(x, value.into(), store)),
            Ne => return Value::Bool(B::float_not_equal_elem(x, value.into(), store)),
            Lt => return Value::Bool(B::float_lower_elem(x, value.into(), store)),
            Le => return Value::Bool(B::float_lower_equal_elem(x, value.into(), store)),
            Gt => return Value::Bool(B::float_greater_elem(x, value.into(), store)),
            Ge => return Value::Bool(B::float_greater_equal_elem(x, value.into(), store)),
            _ => {}
        }
    } else {
        match op {
            Add => return Value::Float(B::float_add_scalar(x, value.into())),
            Mul => return Value::Float(B::float_mul_scalar(x, value.into())),
            Sub => return Value::Float(B::float_add_scalar(B::float_neg(x), value.into())),
            Div => return Value::Float(B::float_mul_scalar(B::float_recip(x), value.into())),
            // value^x = exp(x·ln value): the library's gradient for a constant base is not defined at its edges.
            Pow if value > 0.0 => return Value::Float(B::float_exp(B::float_mul_scalar(x, value.ln().into()))),
            _ => {}
        }
    }
    let number = place.full(&TensorType::new(ty.dtype, vec![1; ty.rank()]), value).float(place);
    let number = B::float_cast(number, x.dtype().into());
    if reversed { float_binary(op, number, x, place) } else { float_binary(op, x, number, place) }
}
