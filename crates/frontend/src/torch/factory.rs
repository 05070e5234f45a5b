//! Tensors from Python data: `torch.tensor` and the like. Factories that are operators (`torch.zeros`, …) are not here.

use super::trace::TensorArg;
use super::{Tensor, bind, cast, fold};
use crate::eval::args::Args;
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use archsmith_ir::{Attr, DType};

/// A tensor of one value.
pub(crate) fn full(i: &mut Interp, shape: &[usize], value: f64, dtype: DType) -> Eval<Tensor> {
    let args = [
        ("size", TensorArg::Attr(Attr::Ints(shape.iter().map(|&d| d as i64).collect()))),
        ("fill_value", TensorArg::Attr(Attr::Float(value))),
        ("dtype", TensorArg::Attr(Attr::DType(dtype))),
    ];
    i.op("full", &args)
}

/// A shape from arguments: integers, or one list of them.
pub(crate) fn shape(i: &mut Interp, name: &str, args: Vec<Value>) -> Eval<Vec<usize>> {
    let items = match args.as_slice() {
        [one] if one.as_int().is_none() => i.iterate(one)?,
        _ => args,
    };
    let mut out = Vec::with_capacity(items.len());
    for v in &items {
        let size = match v {
            Value::Tensor(t) => fold::item(i, t)?.as_int(),
            v => v.as_int(),
        };
        match size.map(usize::try_from) {
            Some(Ok(d)) => out.push(d),
            Some(Err(_)) => {
                let text = format!("Trying to create tensor with negative dimension: {items:?}");
                return Err(i.raise(Exc::RuntimeError, text));
            }
            None => {
                let text = format!(
                    "{name}(): argument 'size' must be tuple of ints, but found element of type {}",
                    i.type_name(v)
                );
                return Err(i.raise(Exc::TypeError, text));
            }
        }
    }
    Ok(out)
}

/// `torch.tensor(data)`: numbers in nested lists, or a tensor. Tensors with one element inside a list are stacked.
pub(crate) fn literal(i: &mut Interp, data: &Value, dtype: Option<DType>) -> Eval<Tensor> {
    if let Value::Tensor(t) = data {
        let t = super::methods::clone(i, t)?;
        return match dtype {
            Some(d) => cast(i, &t, d),
            None => Ok(t),
        };
    }
    let mut flat = Flat::default();
    collect(i, data, 0, &mut flat)?;
    let found = flat.dtype.unwrap_or(DType::F32);
    let dtype = dtype.unwrap_or(found);
    let shape: Vec<i64> = flat.shape.iter().map(|&d| d as i64).collect();
    if !flat.tensors.is_empty() {
        // Values that are not known: a stack of scalars.
        let mut parts = Vec::new();
        for v in flat.tensors {
            let t = match v {
                Value::Tensor(t) => t,
                v => full(i, &[], v.as_float().unwrap_or(0.0), found)?,
            };
            let one = TensorArg::Attr(Attr::Ints(vec![]));
            parts.push(i.op("reshape", &[("input", TensorArg::Tensor(t)), ("shape", one)])?);
        }
        let stacked = i.op("stack", &[("tensors", TensorArg::Tensors(parts))])?;
        let shaped =
            i.op("reshape", &[("input", TensorArg::Tensor(stacked)), ("shape", TensorArg::Attr(Attr::Ints(shape)))])?;
        let t = cast(i, &shaped, dtype)?;
        return super::methods::clone(i, &t);
    }
    if flat.values.windows(2).all(|w| w[0].to_bits() == w[1].to_bits()) {
        let value = flat.values.first().copied().unwrap_or(0.0);
        return full(i, &flat.shape, value, dtype);
    }
    i.op(
        "literal",
        &[
            ("values", TensorArg::Attr(Attr::Floats(flat.values))),
            ("shape", TensorArg::Attr(Attr::Ints(shape))),
            ("dtype", TensorArg::Attr(Attr::DType(dtype))),
        ],
    )
}

/// Nested lists, flattened.
#[derive(Default)]
struct Flat {
    shape: Vec<usize>,
    values: Vec<f64>,
    /// All elements, when one of them is a tensor whose value is not known.
    tensors: Vec<Value>,
    dtype: Option<DType>,
}

fn collect(i: &mut Interp, data: &Value, depth: usize, out: &mut Flat) -> Eval<()> {
    i.check_stack()?;
    let wider = |d: DType, out: &mut Flat| out.dtype = Some(out.dtype.map_or(d, |o| o.promote(d)));
    match data {
        Value::Bool(_) => wider(DType::Bool, out),
        Value::Int(_) => wider(DType::I64, out),
        Value::Float(_) => wider(DType::F32, out),
        Value::Tensor(t) if t.ty().numel() == 1 => {
            wider(t.dtype(), out);
            match fold::scalar(i, t)? {
                Some(v) => {
                    out.values.push(v.as_float().unwrap_or(0.0));
                    if !out.tensors.is_empty() {
                        out.tensors.push(v);
                    }
                }
                None => {
                    if out.tensors.is_empty() {
                        out.tensors = out.values.iter().map(|v| Value::Float(*v)).collect();
                    }
                    out.tensors.push(data.clone());
                    out.values.push(0.0);
                }
            }
            return Ok(());
        }
        Value::Tensor(_) => {
            let raise = i.raise(Exc::ValueError, "only one element tensors can be converted to Python scalars");
            return Err(raise.into_help("torch.stack joins a list of tensors to one"));
        }
        _ => {
            let items = match data.as_sequence() {
                Some(items) => items,
                None if matches!(data, Value::Range(_)) => i.iterate(data)?,
                None => {
                    let text = format!("could not infer dtype of {}", i.type_name(data));
                    return Err(i.raise(Exc::RuntimeError, text));
                }
            };
            if out.shape.len() == depth {
                out.shape.push(items.len());
            } else if out.shape[depth] != items.len() {
                let text =
                    format!("expected sequence of length {} at dim {depth} (got {})", out.shape[depth], items.len());
                return Err(i.raise(Exc::ValueError, text));
            }
            i.allocate(items.len())?;
            return items.iter().try_for_each(|v| collect(i, v, depth + 1, out));
        }
    }
    out.values.push(data.as_float().unwrap_or(0.0));
    if !out.tensors.is_empty() {
        out.tensors.push(data.clone());
    }
    Ok(())
}

/// `torch.tensor`, `torch.as_tensor`, `torch.FloatTensor`, …
pub(crate) fn tensor(i: &mut Interp, mut args: Args) -> Eval<Value> {
    if args.kw.iter().any(|(_, v)| super::complex::is_complex_dtype(v)) {
        args.kw.retain(|(_, v)| !super::complex::is_complex_dtype(v));
        args.pos.insert(0, Value::str("tensor"));
        return super::complex(i, "_made", args);
    }
    let dtype = args.take_kw("dtype").and_then(|v| bind::dtype_of(i, &v));
    let requires_grad = match args.take_kw("requires_grad") {
        Some(v) => i.truth(&v)?,
        None => false,
    };
    args.take_kw("device");
    args.take_kw("pin_memory");
    let data = args.take_kw("data").or_else(|| args.pos.first().cloned());
    let Some(data) = data else {
        return Err(i.raise(Exc::TypeError, "tensor() missing 1 required positional arguments: \"data\""));
    };
    let dtype = dtype.or_else(|| args.pos.get(1).and_then(|v| bind::dtype_of(i, v)));
    let t = literal(i, &data, dtype)?;
    t.requires_grad.set(requires_grad);
    Ok(Value::Tensor(t))
}

/// `torch.FloatTensor(…)` and the like: data, or sizes of a tensor without values.
pub(crate) fn typed(i: &mut Interp, args: Args, dtype: DType) -> Eval<Value> {
    match args.pos.first() {
        Some(v) if v.as_int().is_none() && !matches!(v, Value::Tuple(t) if t.size) => {
            Ok(Value::Tensor(literal(i, v, Some(dtype))?))
        }
        _ => {
            let shape = shape(i, "Tensor", args.pos)?;
            Ok(Value::Tensor(full(i, &shape, 0.0, dtype)?))
        }
    }
}

/// `_reset_affine(weight, bias)`: draws a weight and its bias as `Linear` and the convolutions do, both uniform within
/// 1/√fan_in (He et al. 2015 with a slope of √5). `False`: not a case of this function, and nothing is done.
pub(crate) fn reset_affine(i: &mut Interp, args: Args) -> Eval<Value> {
    let [weight, bias] = args.exactly(i, "_reset_affine")?;
    let (Value::Tensor(w), Value::Tensor(_) | Value::None) = (&weight, &bias) else { return Ok(Value::Bool(false)) };
    let shape = w.shape();
    if shape.len() < 2 || shape.contains(&0) {
        return Ok(Value::Bool(false));
    }
    let fan_in = shape[1..].iter().map(|&d| d as f64).product::<f64>();
    let slope = 5f64.sqrt();
    let gain = (2.0 / (1.0 + slope.powf(2.0))).sqrt();
    let bound = 3f64.sqrt() * gain / fan_in.sqrt();
    draw(i, &weight, bound)?;
    if !bias.is_none() {
        draw(i, &bias, 1.0 / fan_in.sqrt())?;
    }
    Ok(Value::Bool(true))
}

/// `tensor.data.uniform_(-bound, bound)`.
fn draw(i: &mut Interp, tensor: &Value, bound: f64) -> Eval<()> {
    let data = i.get_attr(tensor, Sym::new("data"))?;
    let args = Args::from([data, Value::Float(-bound), Value::Float(bound)]);
    super::call_operator(i, "Tensor.uniform_", args).map(|_| ())
}
