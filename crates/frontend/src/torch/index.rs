//! Indexing: integers, slices, `None`, `...`, integer tensors, masks; and assignment through an index.
//!
//! Basic indices become a chain of `select`, `slice` and `unsqueeze`, which are views: assignment writes to the view and the
//! write goes through to the tensor. Integer tensors are an operator, `index`.
//! A mask as an index gives a shape that depends on data: only a mask that is known is accepted, and assignment of one number.

use super::tensor::View;
use super::trace::TensorArg;
use super::{Tensor, fold};
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use archsmith_ir::{Arg, Attr, DType};

/// One component of an index.
enum Index {
    Int(i64),
    Slice { start: i64, end: i64, step: i64 },
    New,
    Rest,
    Tensor(Tensor),
}

fn int(v: i64) -> TensorArg {
    TensorArg::Attr(Attr::Int(v))
}

fn ints(v: &[usize]) -> TensorArg {
    TensorArg::Attr(Attr::Ints(v.iter().map(|&d| d as i64).collect()))
}

fn tensor(t: &Tensor) -> TensorArg {
    TensorArg::Tensor(t.clone())
}

/// `t[index]`.
pub(crate) fn get(i: &mut Interp, t: &Tensor, index: &Value) -> Eval<Tensor> {
    let parts = components(i, index)?;
    let (t, advanced) = basic(i, t, parts)?;
    let (indices, dims) = checked(i, &t, &advanced)?;
    if indices.is_empty() {
        return Ok(t);
    }
    i.op("index", &[("input", tensor(&t)), ("indices", TensorArg::Tensors(indices)), ("dims", ints(&dims))])
}

/// The index tensors with their dimensions; those whose values are known are checked.
fn checked(i: &mut Interp, t: &Tensor, advanced: &[Option<Tensor>]) -> Eval<(Vec<Tensor>, Vec<usize>)> {
    let shape = t.shape();
    let (mut indices, mut dims) = (Vec::new(), Vec::new());
    for (d, index) in advanced.iter().enumerate() {
        let Some(index) = index else { continue };
        let size = shape[d] as i64;
        if let Some(host) = fold::constant(i, index)?
            && let Some(bad) = host.to_f64().iter().find(|&&v| v < -(size as f64) || v >= size as f64)
        {
            let text = format!("index {bad} is out of bounds for dimension {d} with size {size}");
            return Err(i.raise(Exc::IndexError, text));
        }
        indices.push(index.clone());
        dims.push(d);
    }
    Ok((indices, dims))
}

/// `t[index] = value`.
pub(crate) fn set(i: &mut Interp, t: &Tensor, index: &Value, value: &Value) -> Eval<()> {
    let parts = components(i, index)?;
    if let [Index::Tensor(mask)] = parts.as_slice()
        && mask.dtype() == DType::Bool
    {
        let number = match value {
            Value::Tensor(v) if v.ty().numel() == 1 => Value::Tensor(v.clone()),
            Value::Tensor(v) => {
                let positions = mask_positions(i, mask)?;
                let dims: Vec<usize> = (0..positions.len()).collect();
                let values = TensorArg::Tensor(super::cast(i, v, t.dtype())?);
                let args = [
                    ("input", tensor(t)),
                    ("indices", TensorArg::Tensors(positions)),
                    ("dims", ints(&dims)),
                    ("values", values),
                ];
                let out = i.op("index_put", &args)?;
                return i.write(t, &out);
            }
            other => other.clone(),
        };
        let mut mask = mask.clone();
        while mask.rank() < t.rank() {
            let dim = mask.rank() as i64;
            mask = i.op("unsqueeze", &[("input", tensor(&mask)), ("dim", int(dim))])?;
        }
        let value = match number {
            Value::Tensor(v) => {
                i.op("reshape", &[("input", tensor(&v)), ("shape", ints(&[]))]).map(TensorArg::Tensor)?
            }
            v => TensorArg::Attr(number_attr(i, &v)?),
        };
        let out = i.op("masked_fill", &[("input", tensor(t)), ("mask", tensor(&mask)), ("value", value)])?;
        return i.write(t, &out);
    }
    let (view, advanced) = basic(i, t, parts)?;
    let (indices, dims) = checked(i, &view, &advanced)?;
    if !indices.is_empty() {
        let values = match value {
            Value::Tensor(v) => TensorArg::Tensor(super::cast(i, v, view.dtype())?),
            v => TensorArg::Attr(number_attr(i, v)?),
        };
        let args = [
            ("input", tensor(&view)),
            ("indices", TensorArg::Tensors(indices)),
            ("dims", ints(&dims)),
            ("values", values),
        ];
        let out = i.op("index_put", &args)?;
        return i.write(&view, &out);
    }
    let shape = view.shape();
    let value = fill_like(i, &view, value, &shape)?;
    i.write(&view, &value)
}

/// A value to be assigned: a number or a tensor, broadcast to a shape.
fn fill_like(i: &mut Interp, like: &Tensor, value: &Value, shape: &[usize]) -> Eval<Tensor> {
    match value {
        Value::Tensor(v) => {
            let mut v = v.clone();
            // Leading dimensions of size 1 may be left over.
            while v.rank() > shape.len() && v.shape().first() == Some(&1) {
                let rest = v.shape()[1..].to_vec();
                v = i.op("reshape", &[("input", tensor(&v)), ("shape", ints(&rest))])?;
            }
            if v.shape() == shape {
                return Ok(v);
            }
            i.op("expand", &[("input", tensor(&v)), ("size", ints(shape))])
        }
        other => {
            let number = number_attr(i, other)?;
            let dtype = TensorArg::Attr(Attr::DType(like.dtype()));
            i.op("full", &[("size", ints(shape)), ("fill_value", TensorArg::Attr(number)), ("dtype", dtype)])
        }
    }
}

fn number_attr(i: &Interp, value: &Value) -> Eval<Attr> {
    match value {
        Value::Bool(b) => Ok(Attr::Bool(*b)),
        Value::Int(v) => Ok(Attr::Int(*v)),
        other => other.as_float().map(Attr::Float).ok_or_else(|| {
            i.raise(Exc::TypeError, format!("can't assign a {} to a torch.FloatTensor", i.type_name(other)))
        }),
    }
}

/// The components of an index expression.
fn components(i: &mut Interp, index: &Value) -> Eval<Vec<Index>> {
    let items = match index {
        Value::Tuple(t) => t.items().to_vec(),
        // A list of slices is a tuple for PyTorch, a list of integers an index tensor.
        other => vec![other.clone()],
    };
    items.iter().map(|v| component(i, v)).collect()
}

fn component(i: &mut Interp, value: &Value) -> Eval<Index> {
    Ok(match value {
        Value::None => Index::New,
        Value::Ellipsis => Index::Rest,
        Value::Slice(s) => {
            let mut bound = |v: &Value, default: i64| -> Eval<i64> {
                match v {
                    Value::None => Ok(default),
                    Value::Tensor(t) => match fold::item(i, t)? {
                        Value::Int(v) => Ok(v),
                        _ => Err(i.raise(Exc::TypeError, "slice indices must be integers")),
                    },
                    other => other.as_int().ok_or_else(|| {
                        i.raise(Exc::TypeError, "slice indices must be integers or None or have an __index__ method")
                    }),
                }
            };
            let step = bound(&s.step, 1)?;
            let (start, end) = (bound(&s.start, 0)?, bound(&s.stop, i64::MAX)?);
            if step <= 0 {
                return Err(i.raise(Exc::ValueError, "step must be greater than zero"));
            }
            Index::Slice { start, end, step }
        }
        Value::Tensor(t) if t.rank() == 0 && t.dtype() != DType::Bool && !t.dtype().is_float() => {
            match fold::scalar(i, t)? {
                Some(Value::Int(v)) => Index::Int(v),
                _ => Index::Tensor(t.clone()),
            }
        }
        Value::Tensor(t) if t.dtype().is_float() => {
            return Err(i.raise(Exc::IndexError, "tensors used as indices must be long, int, byte or bool tensors"));
        }
        Value::Tensor(t) => Index::Tensor(t.clone()),
        Value::Bool(true) => Index::New,
        // A tuple here stands inside the tuple of the index: places, as a list is.
        Value::List(_) | Value::Range(_) | Value::Tuple(_) => {
            let items = i.iterate(value)?;
            if let Some(slices) = items.iter().any(|v| matches!(v, Value::Slice(_))).then_some(()) {
                let () = slices;
                return Err(i.unsupported("a list of slices as an index"));
            }
            Index::Tensor(super::factory::literal(i, value, None)?)
        }
        other => match other.as_int() {
            Some(v) => Index::Int(v),
            None => {
                let text = format!(
                    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})",
                    i.type_name(other)
                );
                return Err(i.raise(Exc::IndexError, text));
            }
        },
    })
}

/// Applies the basic components; index tensors are left for each remaining dimension.
fn basic(i: &mut Interp, t: &Tensor, parts: Vec<Index>) -> Eval<(Tensor, Vec<Option<Tensor>>)> {
    let used: usize = parts
        .iter()
        .map(|p| match p {
            Index::Int(_) | Index::Slice { .. } => 1,
            Index::Tensor(m) if m.dtype() == DType::Bool => m.rank(),
            Index::Tensor(_) => 1,
            Index::New | Index::Rest => 0,
        })
        .sum();
    let rank = t.rank();
    if used > rank {
        return Err(i.raise(Exc::IndexError, format!("too many indices for tensor of dimension {rank}")));
    }
    let mut advanced: Vec<Option<Tensor>> = Vec::new();
    let mut now = t.clone();
    let mut dim = 0;
    for p in parts {
        match p {
            Index::Rest => {
                dim += rank - used;
                advanced.resize(dim, None);
            }
            Index::New => {
                now = i.op("unsqueeze", &[("input", tensor(&now)), ("dim", int(dim as i64))])?;
                dim += 1;
                advanced.resize(dim, None);
            }
            Index::Int(v) => {
                let size = now.shape()[dim] as i64;
                if v < -size || v >= size {
                    let text = format!("index {v} is out of bounds for dimension {dim} with size {size}");
                    return Err(i.raise(Exc::IndexError, text));
                }
                let v = if v < 0 { v + size } else { v };
                now = i.op("select", &[("input", tensor(&now)), ("dim", int(dim as i64)), ("index", int(v))])?;
            }
            Index::Slice { start, end, step } => {
                let size = now.shape()[dim] as i64;
                let clip = |v: i64| if v < 0 { (v + size).max(0) } else { v.min(size) };
                let (start, end) = (clip(start), clip(end).max(clip(start)));
                if !(start == 0 && end == size && step == 1) {
                    let args = [
                        ("input", tensor(&now)),
                        ("dim", int(dim as i64)),
                        ("start", int(start)),
                        ("end", int(end)),
                        ("step", int(step)),
                    ];
                    now = i.op("slice", &args)?;
                }
                dim += 1;
                advanced.resize(dim, None);
            }
            Index::Tensor(m) if m.dtype() == DType::Bool => {
                for positions in mask_positions(i, &m)? {
                    advanced.push(Some(positions));
                    dim += 1;
                }
            }
            Index::Tensor(m) => {
                advanced.push(Some(m));
                dim += 1;
            }
        }
    }
    advanced.resize(now.rank(), None);
    Ok((now, advanced))
}

/// The indices of a known mask's true elements, for each of its dimensions.
pub(crate) fn mask_positions(i: &mut Interp, mask: &Tensor) -> Eval<Vec<Tensor>> {
    let Some(host) = fold::constant(i, mask)? else {
        return Err(i.abort(
            crate::code::UNSUPPORTED_DYNAMIC_SHAPE,
            "indexing by a mask that is known only when the network runs gives a shape that depends on data",
        ));
    };
    let shape = mask.shape();
    let mut positions = vec![Vec::new(); shape.len()];
    for (flat, v) in host.to_f64().iter().enumerate() {
        if *v != 0.0 {
            let mut left = flat;
            for (d, size) in shape.iter().enumerate().rev() {
                positions[d].push(Value::Int((left % size) as i64));
                left /= size;
            }
        }
    }
    positions.into_iter().map(|p| super::factory::literal(i, &Value::list(p), Some(DType::I64))).collect()
}

/// The base with a changed `select` or `slice` of it written back; `None` for other views.
pub(crate) fn write_back(i: &mut Interp, base: &Tensor, view: &View, now: &Tensor) -> Eval<Option<Tensor>> {
    let signature = view.op.signature();
    let arg = |name: &str| match signature.index(name).map(|k| &view.args[k]) {
        Some(Arg::Attr(a)) => a.as_i64(),
        _ => None,
    };
    let shape = base.shape();
    let dim_of = |d: i64| archsmith_ir::op::normalize_dim(d, shape.len()).ok();
    let (dim, start, end, step, now) = match view.op.get().name {
        "select" => {
            let (Some(dim), Some(at)) = (arg("dim").and_then(dim_of), arg("index")) else { return Ok(None) };
            let at = if at < 0 { at + shape[dim] as i64 } else { at };
            let now = i.op("unsqueeze", &[("input", tensor(now)), ("dim", int(dim as i64))])?;
            (dim, at, at + 1, 1, now)
        }
        "slice" => {
            let (Some(dim), Some(step)) = (arg("dim").and_then(dim_of), arg("step")) else { return Ok(None) };
            let (start, end) = (arg("start").unwrap_or(0), arg("end").unwrap_or(shape[dim] as i64));
            (dim, start, end, step, now.clone())
        }
        "narrow" => {
            let (Some(dim), Some(start), Some(length)) = (arg("dim").and_then(dim_of), arg("start"), arg("length"))
            else {
                return Ok(None);
            };
            (dim, start, start + length, 1, now.clone())
        }
        "chunk" | "split" | "unbind" => {
            let Some(dim) = arg("dim").and_then(dim_of) else { return Ok(None) };
            let (now, length) = if view.op.get().name == "unbind" {
                (i.op("unsqueeze", &[("input", tensor(now)), ("dim", int(dim as i64))])?, 1)
            } else {
                (now.clone(), now.shape()[dim] as i64)
            };
            // Pieces before this one are as long as the first; only an uneven split differs.
            let whole = match view.op.get().name {
                "chunk" => arg("chunks").map(|n| (shape[dim] as i64 + n - 1) / n.max(1)),
                "unbind" => Some(1),
                _ => match signature.index("split_size_or_sections").map(|k| &view.args[k]) {
                    Some(Arg::Attr(Attr::Int(n))) => Some(*n),
                    Some(Arg::Attr(Attr::Ints(sizes))) => {
                        let start: i64 = sizes.iter().take(view.output).sum();
                        let out = scatter(i, base, &now, dim, start, start + length, 1)?;
                        return Ok(Some(out));
                    }
                    _ => None,
                },
            };
            let Some(whole) = whole else { return Ok(None) };
            let start = whole * view.output as i64;
            (dim, start, start + length, 1, now)
        }
        _ => return Ok(None),
    };
    let start = if start < 0 { start + shape[dim] as i64 } else { start };
    let end = if end < 0 { end + shape[dim] as i64 } else { end.min(shape[dim] as i64) };
    scatter(i, base, &now, dim, start, end, step).map(Some)
}

/// `base` with `now` in place of the elements `start, start + step, … < end` of a dimension.
fn scatter(i: &mut Interp, base: &Tensor, now: &Tensor, dim: usize, start: i64, end: i64, step: i64) -> Eval<Tensor> {
    if start == 0 && end == base.shape()[dim] as i64 && step == 1 {
        return Ok(now.clone());
    }
    let args = [
        ("input", tensor(base)),
        ("src", tensor(now)),
        ("dim", int(dim as i64)),
        ("start", int(start)),
        ("end", int(end)),
        ("step", int(step)),
    ];
    i.op("slice_scatter", &args)
}
