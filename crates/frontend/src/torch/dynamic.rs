//! Functions whose result's shape depends on values: `unique`, `nonzero`, `masked_select`, `torch.where` of one argument.
//!
//! They are computed where the values are known while the network is read. The distinct values of indices that depend on the
//! input are taken to be all that there can be, with a remark; anything else is refused.

use super::trace::TensorArg;
use super::{Tensor, factory, fold, index};
use crate::eval::args::Args;
use crate::eval::value::{NativeFn, Value};
use crate::eval::{Eval, Exc, Interp};
use archsmith_ir::{Attr, DType};

/// By name, as functions of `torch` and methods of a tensor.
pub(crate) const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("unique", unique),
    ("unique_consecutive", unique),
    ("nonzero", nonzero),
    ("argwhere", nonzero),
    ("masked_select", masked_select),
];

fn input(i: &Interp, args: &mut Args, name: &str) -> Eval<Tensor> {
    let given = args.take_kw("input").or_else(|| (!args.pos.is_empty()).then(|| args.pos.remove(0)));
    match given {
        Some(Value::Tensor(t)) => Ok(t),
        other => {
            let kind = other.map_or_else(|| "nothing".into(), |v| i.type_name(&v).to_string());
            Err(i.raise(Exc::TypeError, format!("{name}(): argument 'input' must be Tensor, not {kind}")))
        }
    }
}

fn flag(i: &mut Interp, args: &mut Args, name: &str, position: usize, default: bool) -> Eval<bool> {
    match args.take_kw(name).or_else(|| args.pos.get(position).cloned()) {
        Some(v) => i.truth(&v),
        None => Ok(default),
    }
}

fn unknown(i: &Interp, name: &str) -> crate::eval::Raise {
    i.abort(
        crate::code::UNSUPPORTED_DYNAMIC_SHAPE,
        format!("the shape of what {name} gives depends on values of the input"),
    )
}

fn number(dtype: DType, v: f64) -> Value {
    if dtype.is_float() { Value::Float(v) } else { Value::Int(v as i64) }
}

fn unique(i: &mut Interp, mut args: Args) -> Eval<Value> {
    let t = input(i, &mut args, "unique")?;
    let sorted = flag(i, &mut args, "sorted", 0, true)?;
    let inverse = flag(i, &mut args, "return_inverse", 1, false)?;
    let counts = flag(i, &mut args, "return_counts", 2, false)?;
    let dim = args.take_kw("dim").or_else(|| args.pos.get(3).cloned()).filter(|v| !v.is_none());
    if dim.is_some() && t.rank() != 1 {
        return Err(i.unsupported("torch.unique(…, dim=…)"));
    }
    let _ = sorted;
    let Some(host) = fold::constant(i, &t)? else {
        let Some(n) = fold::index_range(i, &t).filter(|_| !inverse && !counts) else {
            return Err(unknown(i, "torch.unique"));
        };
        i.note_once(
            crate::code::ASSUMED_VALUES,
            "the distinct values of indices that depend on the input are taken to be all that there can be",
        );
        let n = n.min(t.ty().numel());
        let all = (0..n as i64).map(Value::Int).collect();
        return factory::literal(i, &Value::list(all), Some(t.dtype())).map(Value::Tensor);
    };
    let values = host.to_f64().to_vec();
    let mut distinct = values.clone();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    let dtype = t.dtype();
    let list = Value::list(distinct.iter().map(|v| number(dtype, *v)).collect());
    let first = Value::Tensor(factory::literal(i, &list, Some(dtype))?);
    let mut out = vec![first];
    if inverse {
        let at = values.iter().map(|v| Value::Int(distinct.partition_point(|d| d < v) as i64)).collect();
        let flat = factory::literal(i, &Value::list(at), Some(DType::I64))?;
        let shape = Attr::Ints(t.shape().iter().map(|&d| d as i64).collect());
        let args = [("input", TensorArg::Tensor(flat)), ("shape", TensorArg::Attr(shape))];
        out.push(Value::Tensor(i.op("reshape", &args)?));
    }
    if counts {
        let n = distinct.iter().map(|d| Value::Int(values.iter().filter(|v| *v == d).count() as i64)).collect();
        out.push(Value::Tensor(factory::literal(i, &Value::list(n), Some(DType::I64))?));
    }
    Ok(if out.len() == 1 { out.swap_remove(0) } else { Value::tuple(out) })
}

/// `torch.einsum(a, [0, 1], b, [1, 2], [0, 2])`, the labels being numbers, as a call with an equation.
pub(crate) fn einsum_equation(i: &mut Interp, mut args: Args) -> Eval<Args> {
    if !matches!(args.pos.first(), Some(Value::Tensor(_))) || args.pos.len() < 2 {
        return Ok(args);
    }
    let label = |i: &mut Interp, list: &Value| -> Eval<String> {
        let mut text = String::new();
        for v in i.iterate(list)? {
            match v.as_int() {
                Some(n @ 0..26) => text.push(char::from(b'A' + n as u8)),
                Some(n @ 26..52) => text.push(char::from(b'a' + (n - 26) as u8)),
                Some(n) => {
                    let text = format!("einsum(): not in [0, 52) but found {n} as subscript");
                    return Err(i.raise(Exc::RuntimeError, text));
                }
                None => text.push_str("..."),
            }
        }
        Ok(text)
    };
    let (mut inputs, mut operands) = (Vec::new(), Vec::new());
    let mut rest = std::mem::take(&mut args.pos).into_iter().peekable();
    let mut output = None;
    while let Some(v) = rest.next() {
        match (&v, rest.next()) {
            (Value::Tensor(_), Some(list)) => {
                inputs.push(label(i, &list)?);
                operands.push(v);
            }
            (_, None) if !operands.is_empty() => output = Some(label(i, &v)?),
            _ => return Err(i.raise(Exc::TypeError, "einsum(): operands and lists of subscripts must alternate")),
        }
    }
    let mut equation = inputs.join(",");
    if let Some(output) = output {
        equation.push_str("->");
        equation.push_str(&output);
    }
    args.pos = vec![Value::str(&equation)];
    args.pos.extend(operands);
    Ok(args)
}

fn as_mask(i: &mut Interp, t: &Tensor) -> Eval<Tensor> {
    super::cast(i, t, DType::Bool)
}

/// `torch.nonzero(x)`: one row of indices for each element that is not zero; as a tuple, one tensor for each dimension.
fn nonzero(i: &mut Interp, mut args: Args) -> Eval<Value> {
    let t = input(i, &mut args, "nonzero")?;
    let as_tuple = flag(i, &mut args, "as_tuple", 0, false)?;
    positions(i, &t, as_tuple)
}

/// The positions of elements that are not zero.
pub(crate) fn positions(i: &mut Interp, t: &Tensor, as_tuple: bool) -> Eval<Value> {
    let mask = as_mask(i, t)?;
    if fold::constant(i, &mask)?.is_none() {
        return Err(unknown(i, "torch.nonzero"));
    }
    let each = index::mask_positions(i, &mask)?;
    if as_tuple {
        return Ok(Value::tuple(each.into_iter().map(Value::Tensor).collect()));
    }
    let dim = TensorArg::Attr(Attr::Int(1));
    Ok(Value::Tensor(i.op("stack", &[("tensors", TensorArg::Tensors(each)), ("dim", dim)])?))
}

fn masked_select(i: &mut Interp, mut args: Args) -> Eval<Value> {
    let t = input(i, &mut args, "masked_select")?;
    match args.take_kw("mask").or_else(|| args.pos.first().cloned()) {
        Some(mask @ Value::Tensor(_)) => super::tensor_index(i, &t, &mask),
        _ => Err(i.raise(Exc::TypeError, "masked_select(): argument 'mask' must be Tensor")),
    }
}
