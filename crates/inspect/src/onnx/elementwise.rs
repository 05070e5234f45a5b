//! Functions of one and two elements. Where ONNX lacks one, it is composed so that it stays exact near its difficult points.

use super::builder::{Builder, Name};
use super::form::Form;
use super::proto::Value;
use archsmith_ir::DType;
use archsmith_ir::prim::{BinaryOp, UnaryOp};
use std::f64::consts::{FRAC_1_SQRT_2, LN_2, LN_10, PI};

fn float(name: &'static str, value: f64) -> Vec<(&'static str, Value)> {
    vec![(name, Value::Float(value as f32))]
}

pub(super) fn unary(b: &mut Builder<'_>, op: UnaryOp, x: &str, dtype: DType) -> Name {
    let number = |b: &mut Builder<'_>, v: f64| b.scalar(dtype, v);
    match op {
        UnaryOp::Neg => b.op("Neg", &[x]),
        UnaryOp::Abs => b.op("Abs", &[x]),
        UnaryOp::Sign => b.op("Sign", &[x]),
        UnaryOp::Exp => b.op("Exp", &[x]),
        UnaryOp::Expm1 => {
            // eˣ − 1 = tanh(x/2)·(eˣ + 1), which loses nothing near 0.
            let (half, one) = (number(b, 0.5), number(b, 1.0));
            let h = b.op("Mul", &[x, &half]);
            let (t, e) = (b.op("Tanh", &[&h]), b.op("Exp", &[x]));
            let e = b.op("Add", &[&e, &one]);
            b.op("Mul", &[&t, &e])
        }
        UnaryOp::Log => b.op("Log", &[x]),
        UnaryOp::Log2 | UnaryOp::Log10 => {
            let base = number(b, if op == UnaryOp::Log2 { LN_2 } else { LN_10 });
            let y = b.op("Log", &[x]);
            b.op("Div", &[&y, &base])
        }
        UnaryOp::Log1p => {
            // With u = 1 + x rounded: log(u)·x / (u − 1), and x itself where u is 1.
            let one = number(b, 1.0);
            let u = b.op("Add", &[x, &one]);
            let (log, rest, same) = (b.op("Log", &[&u]), b.op("Sub", &[&u, &one]), b.op("Equal", &[&u, &one]));
            let y = b.op("Div", &[x, &rest]);
            let y = b.op("Mul", &[&log, &y]);
            b.op("Where", &[&same, x, &y])
        }
        UnaryOp::Sqrt => b.op("Sqrt", &[x]),
        UnaryOp::Rsqrt => {
            let y = b.op("Sqrt", &[x]);
            b.op("Reciprocal", &[&y])
        }
        UnaryOp::Reciprocal => b.op("Reciprocal", &[x]),
        UnaryOp::Sin => b.op("Sin", &[x]),
        UnaryOp::Cos => b.op("Cos", &[x]),
        UnaryOp::Tan => b.op("Tan", &[x]),
        UnaryOp::Asin => b.op("Asin", &[x]),
        UnaryOp::Acos => b.op("Acos", &[x]),
        UnaryOp::Atan => b.op("Atan", &[x]),
        UnaryOp::Sinh => b.op("Sinh", &[x]),
        UnaryOp::Cosh => b.op("Cosh", &[x]),
        UnaryOp::Tanh => b.op("Tanh", &[x]),
        UnaryOp::Erf => b.op("Erf", &[x]),
        UnaryOp::Floor => b.op("Floor", &[x]),
        UnaryOp::Ceil => b.op("Ceil", &[x]),
        UnaryOp::Round => b.op("Round", &[x]),
        UnaryOp::Trunc => {
            let (sign, abs) = (b.op("Sign", &[x]), b.op("Abs", &[x]));
            let whole = b.op("Floor", &[&abs]);
            b.op("Mul", &[&sign, &whole])
        }
        UnaryOp::Sigmoid => b.op("Sigmoid", &[x]),
        UnaryOp::Relu if dtype.is_float() => b.op("Relu", &[x]),
        UnaryOp::Relu => {
            let zero = number(b, 0.0);
            b.op("Max", &[x, &zero])
        }
        UnaryOp::Silu => {
            let y = b.op("Sigmoid", &[x]);
            b.op("Mul", &[x, &y])
        }
        UnaryOp::Mish => {
            let y = b.op("Softplus", &[x]);
            let y = b.op("Tanh", &[&y]);
            b.op("Mul", &[x, &y])
        }
        UnaryOp::HardSigmoid => {
            let attributes = vec![("alpha", Value::Float(1.0 / 6.0)), ("beta", Value::Float(0.5))];
            b.node("HardSigmoid", &[x], attributes)
        }
        UnaryOp::HardSwish => b.op("HardSwish", &[x]),
        UnaryOp::Gelu { tanh } => gelu(b, x, dtype, tanh),
        UnaryOp::LeakyRelu { slope } => b.node("LeakyRelu", &[x], float("alpha", slope)),
        UnaryOp::Elu { alpha, scale, input_scale } => {
            if scale == 1.0 && input_scale == 1.0 {
                return b.node("Elu", &[x], float("alpha", alpha));
            }
            // scale·relu(x) + scale·elu(min(input_scale·x, 0))
            let (zero, s, i) = (number(b, 0.0), number(b, scale), number(b, input_scale));
            let above = b.op("Relu", &[x]);
            let below = b.op("Mul", &[x, &i]);
            let below = b.op("Min", &[&below, &zero]);
            let below = b.node("Elu", &[&below], float("alpha", alpha));
            let sum = b.op("Add", &[&above, &below]);
            if scale == 1.0 { sum } else { b.op("Mul", &[&sum, &s]) }
        }
        UnaryOp::Softplus { beta, threshold } => {
            let factor = number(b, beta);
            let scaled = if beta == 1.0 { x.to_string() } else { b.op("Mul", &[x, &factor]) };
            let mut y = b.op("Softplus", &[&scaled]);
            if beta != 1.0 {
                y = b.op("Div", &[&y, &factor]);
            }
            // Beyond 20 the two agree to the last bit of f32.
            if threshold < 20.0 || dtype == DType::F64 {
                let limit = number(b, threshold);
                let linear = b.op("Greater", &[&scaled, &limit]);
                y = b.op("Where", &[&linear, x, &y]);
            }
            y
        }
        UnaryOp::Clamp { min, max } => {
            let low = if min == f64::NEG_INFINITY { String::new() } else { number(b, min) };
            let high = if max == f64::INFINITY { String::new() } else { number(b, max) };
            match (low.is_empty(), high.is_empty()) {
                (true, true) => b.op("Identity", &[x]),
                (_, true) => b.op("Clip", &[x, &low]),
                _ => b.op("Clip", &[x, &low, &high]),
            }
        }
        UnaryOp::Not => b.op("Not", &[x]),
        UnaryOp::IsNan if dtype.is_float() => b.op("IsNaN", &[x]),
        UnaryOp::IsInf if dtype.is_float() => b.op("IsInf", &[x]),
        UnaryOp::IsNan | UnaryOp::IsInf => {
            let same = b.op("Equal", &[x, x]);
            b.op("Not", &[&same])
        }
    }
}

fn gelu(b: &mut Builder<'_>, x: &str, dtype: DType, tanh: bool) -> Name {
    let (half, one) = (b.scalar(dtype, 0.5), b.scalar(dtype, 1.0));
    let inner = if tanh {
        let (cubic, factor) = (b.scalar(dtype, 0.044715), b.scalar(dtype, (2.0 / PI).sqrt()));
        let square = b.op("Mul", &[x, x]);
        let cube = b.op("Mul", &[&square, x]);
        let cube = b.op("Mul", &[&cube, &cubic]);
        let sum = b.op("Add", &[x, &cube]);
        let scaled = b.op("Mul", &[&sum, &factor]);
        b.op("Tanh", &[&scaled])
    } else {
        let root = b.scalar(dtype, FRAC_1_SQRT_2);
        let scaled = b.op("Mul", &[x, &root]);
        b.op("Erf", &[&scaled])
    };
    let share = b.op("Add", &[&inner, &one]);
    let y = b.op("Mul", &[x, &share]);
    b.op("Mul", &[&y, &half])
}

pub(super) fn binary(b: &mut Builder<'_>, op: BinaryOp, x: &str, y: &str, dtype: DType) -> Form {
    let truth = dtype == DType::Bool;
    // Comparisons of truth values are comparisons of numbers.
    let order = |b: &mut Builder<'_>, op: &'static str| {
        if truth {
            let (x, y) = (b.cast(x, DType::I32), b.cast(y, DType::I32));
            b.op(op, &[&x, &y])
        } else {
            b.op(op, &[x, y])
        }
    };
    Ok(match op {
        BinaryOp::Add | BinaryOp::Maximum if truth => b.op("Or", &[x, y]),
        BinaryOp::Mul | BinaryOp::Minimum if truth => b.op("And", &[x, y]),
        BinaryOp::Add => b.op("Add", &[x, y]),
        BinaryOp::Sub => b.op("Sub", &[x, y]),
        BinaryOp::Mul => b.op("Mul", &[x, y]),
        BinaryOp::Div => b.op("Div", &[x, y]),
        BinaryOp::FloorDiv if dtype.is_float() => {
            let q = b.op("Div", &[x, y]);
            b.op("Floor", &[&q])
        }
        BinaryOp::FloorDiv => {
            let r = b.op("Mod", &[x, y]);
            let whole = b.op("Sub", &[x, &r]);
            b.op("Div", &[&whole, y])
        }
        BinaryOp::Remainder if dtype.is_float() => {
            let r = b.node("Mod", &[x, y], vec![("fmod", Value::Int(1))]);
            let zero = b.scalar(dtype, 0.0);
            let (negative, other, none) =
                (b.op("Less", &[&r, &zero]), b.op("Less", &[y, &zero]), b.op("Equal", &[&r, &zero]));
            let differ = b.op("Xor", &[&negative, &other]);
            let some = b.op("Not", &[&none]);
            let correct = b.op("And", &[&differ, &some]);
            let moved = b.op("Add", &[&r, y]);
            b.op("Where", &[&correct, &moved, &r])
        }
        BinaryOp::Remainder => b.op("Mod", &[x, y]),
        BinaryOp::Pow => b.op("Pow", &[x, y]),
        BinaryOp::Maximum => b.op("Max", &[x, y]),
        BinaryOp::Minimum => b.op("Min", &[x, y]),
        BinaryOp::Atan2 => atan2(b, x, y, dtype),
        BinaryOp::Eq => b.op("Equal", &[x, y]),
        BinaryOp::Ne => {
            let same = b.op("Equal", &[x, y]);
            b.op("Not", &[&same])
        }
        BinaryOp::Lt => order(b, "Less"),
        BinaryOp::Le => order(b, "LessOrEqual"),
        BinaryOp::Gt => order(b, "Greater"),
        BinaryOp::Ge => order(b, "GreaterOrEqual"),
        BinaryOp::And if truth => b.op("And", &[x, y]),
        BinaryOp::Or if truth => b.op("Or", &[x, y]),
        BinaryOp::Xor if truth => b.op("Xor", &[x, y]),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => return Err(format!("a bit operation on {dtype}")),
    })
}

/// The angle of (x, y) with `y` first: atan(y/x), moved by ±π left of the axis; 0 at the origin.
fn atan2(b: &mut Builder<'_>, y: &str, x: &str, dtype: DType) -> Name {
    let (zero, pi, minus) = (b.scalar(dtype, 0.0), b.scalar(dtype, PI), b.scalar(dtype, -PI));
    let ratio = b.op("Div", &[y, x]);
    let base = b.op("Atan", &[&ratio]);
    let (left, below) = (b.op("Less", &[x, &zero]), b.op("Less", &[y, &zero]));
    let turn = b.op("Where", &[&below, &minus, &pi]);
    let turned = b.op("Add", &[&base, &turn]);
    let angle = b.op("Where", &[&left, &turned, &base]);
    let (x0, y0) = (b.op("Equal", &[x, &zero]), b.op("Equal", &[y, &zero]));
    let origin = b.op("And", &[&x0, &y0]);
    b.op("Where", &[&origin, &zero, &angle])
}
