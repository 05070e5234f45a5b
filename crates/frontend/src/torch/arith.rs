//! Python's operators on tensors: arithmetic, comparison, in place, reflected.

use super::trace::TensorArg;
use super::{Tensor, cast};
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::ast::{BinOp, CmpOp, UnaryOp};
use archsmith_ir::{Attr, DType};

/// The IR's name of a binary operator.
fn name_of(op: BinOp, boolean: bool) -> &'static str {
    match op {
        BinOp::Add => "add",
        BinOp::Sub => "sub",
        BinOp::Mul => "mul",
        BinOp::Div => "div",
        BinOp::FloorDiv => "floor_divide",
        BinOp::Mod => "remainder",
        BinOp::Pow => "pow",
        BinOp::MatMul => "matmul",
        BinOp::And if boolean => "logical_and",
        BinOp::Or if boolean => "logical_or",
        BinOp::Xor if boolean => "logical_xor",
        BinOp::And => "bitwise_and",
        BinOp::Or => "bitwise_or",
        BinOp::Xor => "bitwise_xor",
        BinOp::LShift => "bitwise_left_shift",
        BinOp::RShift => "bitwise_right_shift",
    }
}

/// An operand: a tensor or a number. `None`: something else.
fn operand(value: &Value) -> Option<TensorArg> {
    Some(match value {
        Value::Tensor(t) => TensorArg::Tensor(t.clone()),
        Value::Bool(b) => TensorArg::Attr(Attr::Bool(*b)),
        Value::Int(v) => TensorArg::Attr(Attr::Int(*v)),
        _ => TensorArg::Attr(Attr::Float(value.as_float()?)),
    })
}

/// `a op b` where one is a tensor. `None`: the other is nothing a tensor combines with.
pub(crate) fn tensor_binary(i: &mut Interp, op: BinOp, a: &Value, b: &Value) -> Eval<Option<Value>> {
    let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(None) };
    if op == BinOp::MatMul && !(matches!(x, TensorArg::Tensor(_)) && matches!(y, TensorArg::Tensor(_))) {
        return Ok(None);
    }
    let boolean = |v: &Value| match v {
        Value::Tensor(t) => t.dtype() == DType::Bool,
        Value::Bool(_) => true,
        _ => false,
    };
    let both = boolean(a) && boolean(b);
    if op == BinOp::Sub && both {
        return Err(i.raise(Exc::RuntimeError, "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead."));
    }
    let (op, y) = match (op, y) {
        (BinOp::LShift, TensorArg::Attr(Attr::Int(n @ 0..63))) => (BinOp::Mul, TensorArg::Attr(Attr::Int(1 << n))),
        (BinOp::RShift, TensorArg::Attr(Attr::Int(n @ 0..63))) => (BinOp::FloorDiv, TensorArg::Attr(Attr::Int(1 << n))),
        other => other,
    };
    // A number to the power of a tensor has the tensor second.
    let (first, second) = if op == BinOp::Pow { ("input", "exponent") } else { ("input", "other") };
    let out = i.op(name_of(op, both), &[(first, x), (second, y)])?;
    Ok(Some(Value::Tensor(out)))
}

/// A comparison where one side is a tensor. `None`: the other is nothing a tensor is compared with.
pub(crate) fn tensor_compare(i: &mut Interp, op: CmpOp, a: &Value, b: &Value) -> Eval<Option<Value>> {
    let name = match op {
        CmpOp::Eq => "eq",
        CmpOp::Ne => "ne",
        CmpOp::Lt => "lt",
        CmpOp::Le => "le",
        CmpOp::Gt => "gt",
        CmpOp::Ge => "ge",
        _ => return Ok(None),
    };
    let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(None) };
    // The comparisons take the tensor first: a number on the left turns the sign round.
    let (name, x, y) = match (&x, name) {
        (TensorArg::Attr(_), "lt") => ("gt", y, x),
        (TensorArg::Attr(_), "le") => ("ge", y, x),
        (TensorArg::Attr(_), "gt") => ("lt", y, x),
        (TensorArg::Attr(_), "ge") => ("le", y, x),
        (TensorArg::Attr(_), _) => (name, y, x),
        _ => (name, x, y),
    };
    Ok(Some(Value::Tensor(i.op(name, &[("input", x), ("other", y)])?)))
}

/// `-t`, `+t`, `~t`, `abs(t)` apart.
pub(crate) fn tensor_unary(i: &mut Interp, op: UnaryOp, t: &Tensor) -> Eval<Value> {
    let input = ("input", TensorArg::Tensor(t.clone()));
    match op {
        UnaryOp::Pos => Ok(Value::Tensor(t.clone())),
        UnaryOp::Neg if t.dtype() == DType::Bool => Err(i.raise(
            Exc::RuntimeError,
            "Negation, the `-` operator, on a bool tensor is not supported. Use the `~` or `logical_not()` operator instead.",
        )),
        UnaryOp::Neg => Ok(Value::Tensor(i.op("neg", &[input])?)),
        UnaryOp::Invert => {
            let name = if t.dtype() == DType::Bool { "logical_not" } else { "bitwise_not" };
            Ok(Value::Tensor(i.op(name, &[input])?))
        }
        UnaryOp::Not => Ok(Value::Bool(!super::tensor_truth(i, t)?)),
    }
}

/// `a op= b`: writes into `a`.
pub(crate) fn tensor_inplace(i: &mut Interp, op: BinOp, a: &Tensor, b: &Value) -> Eval<Value> {
    let Some(Value::Tensor(mut out)) = tensor_binary(i, op, &Value::Tensor(a.clone()), b)? else {
        return Err(i.raise(
            Exc::TypeError,
            format!("unsupported operand type(s) for {}=: 'Tensor' and '{}'", op.sign(), i.type_name(b)),
        ));
    };
    if op == BinOp::MatMul {
        return Ok(Value::Tensor(out));
    }
    if out.dtype() != a.dtype() {
        if out.dtype().category() > a.dtype().category() {
            let text = format!(
                "result type {} can't be cast to the desired output type {}",
                out.dtype().torch_name(),
                a.dtype().torch_name()
            );
            return Err(i.raise(Exc::RuntimeError, text));
        }
        out = cast(i, &out, a.dtype())?;
    }
    i.write(a, &out)?;
    Ok(Value::Tensor(a.clone()))
}
