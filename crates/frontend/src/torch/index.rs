//! Indexing: integers, slices, `None`, `...`, integer tensors, masks; and assignment through an index.
//!
//! Basic indices become a chain of `select`, `slice` and `unsqueeze`, which are views: assignment writes to the view and the
//! write goes through to the tensor. Integer tensors become one `index_select` on the indexed dimensions flattened together.
//! A mask as an index gives a shape that depends on data: only a mask that is known is accepted, and assignment of one number.

use super::trace::{TensorArg, View};
use super::{Tensor, fold};
use crate::eval::{Eval, Exc, Interp, Value};
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
    if advanced.iter().all(Option::is_none) {
        return Ok(t);
    }
    let (flat, at, shape) = linear(i, &t, &advanced)?;
    let n: usize = at.shape().iter().product();
    let at = i.op("reshape", &[("input", tensor(&at)), ("shape", ints(&[n]))])?;
    let rows = i.op("index_select", &[("input", tensor(&flat.moved)), ("dim", int(0)), ("index", tensor(&at))])?;
    let whole: Vec<usize> = shape.iter().chain(&flat.rest).copied().collect();
    let out = i.op("reshape", &[("input", tensor(&rows)), ("shape", ints(&whole))])?;
    if flat.lead == 0 {
        return Ok(out);
    }
    // Neighbouring indices keep their place: the dimensions before them go back to the front.
    let k = shape.len();
    let order: Vec<usize> = (k..k + flat.lead).chain(0..k).chain(k + flat.lead..whole.len()).collect();
    i.op("permute", &[("input", tensor(&out)), ("dims", ints(&order))])
}

/// `t[index] = value`.
pub(crate) fn set(i: &mut Interp, t: &Tensor, index: &Value, value: &Value) -> Eval<()> {
    let parts = components(i, index)?;
    if let [Index::Tensor(mask)] = parts.as_slice()
        && mask.dtype() == DType::Bool
    {
        let number = match value {
            Value::Tensor(v) if v.ty().numel() == 1 => Value::Tensor(v.clone()),
            Value::Tensor(_) => return Err(i.unsupported("assignment of a tensor through a mask")),
            other => other.clone(),
        };
        let mut mask = mask.clone();
        while mask.rank() < t.rank() {
            let dim = mask.rank() as i64;
            mask = i.op("unsqueeze", &[("input", tensor(&mask)), ("dim", int(dim))])?;
        }
        let value = match number {
            Value::Tensor(v) => i.op("reshape", &[("input", tensor(&v)), ("shape", ints(&[]))]).map(TensorArg::Tensor)?,
            v => TensorArg::Attr(number_attr(i, &v)?),
        };
        let out = i.op("masked_fill", &[("input", tensor(t)), ("mask", tensor(&mask)), ("value", value)])?;
        return i.write(t, &out);
    }
    let (view, advanced) = basic(i, t, parts)?;
    if advanced.iter().any(Option::is_some) {
        return put(i, &view, &advanced, value);
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
            i.op("full", &[("shape", ints(shape)), ("fill_value", TensorArg::Attr(number)), ("dtype", dtype)])
        }
    }
}

fn number_attr(i: &Interp, value: &Value) -> Eval<Attr> {
    match value {
        Value::Bool(b) => Ok(Attr::Bool(*b)),
        Value::Int(v) => Ok(Attr::Int(*v)),
        other => other
            .as_float()
            .map(Attr::Float)
            .ok_or_else(|| i.raise(Exc::TypeError, format!("can't assign a {} to a torch.FloatTensor", i.type_name(other)))),
    }
}

/// Assignment through integer tensors: one scatter on the indexed dimensions flattened together.
fn put(i: &mut Interp, t: &Tensor, advanced: &[Option<Tensor>], value: &Value) -> Eval<()> {
    let (flat, at, shape) = linear(i, t, advanced)?;
    let n: usize = shape.iter().product();
    let width: usize = flat.rest.iter().product();
    let total = flat.moved.shape()[0];
    if flat.lead != 0 && shape.len() != 1 {
        return Err(i.unsupported("assignment through several index tensors after a slice"));
    }
    let mut target: Vec<usize> = shape.clone();
    target.extend(&flat.rest);
    let source = if flat.lead == 0 {
        fill_like(i, t, value, &target)?
    } else {
        let mut natural: Vec<usize> = flat.rest[..flat.lead].to_vec();
        natural.extend(&shape);
        natural.extend(&flat.rest[flat.lead..]);
        let v = fill_like(i, t, value, &natural)?;
        let order: Vec<usize> =
            std::iter::once(flat.lead).chain(0..flat.lead).chain(flat.lead + 1..natural.len()).collect();
        i.op("permute", &[("input", tensor(&v)), ("dims", ints(&order))])?
    };
    let source = super::cast(i, &source, t.dtype())?;
    let source = i.op("reshape", &[("input", tensor(&source)), ("shape", ints(&[n, width]))])?;
    let rows = i.op("reshape", &[("input", tensor(&flat.moved)), ("shape", ints(&[total, width]))])?;
    let at = i.op("reshape", &[("input", tensor(&at)), ("shape", ints(&[n, 1]))])?;
    let at = i.op("expand", &[("input", tensor(&at)), ("size", ints(&[n, width]))])?;
    let args = [("input", tensor(&rows)), ("dim", int(0)), ("index", tensor(&at)), ("src", tensor(&source))];
    let rows = i.op("scatter", &args)?;
    let mut back: Vec<usize> = flat.sizes.clone();
    back.extend(&flat.rest);
    let whole = i.op("reshape", &[("input", tensor(&rows)), ("shape", ints(&back))])?;
    let mut inverse = vec![0; flat.order.len()];
    for (k, &d) in flat.order.iter().enumerate() {
        inverse[d] = k;
    }
    let whole = i.op("permute", &[("input", tensor(&whole)), ("dims", ints(&inverse))])?;
    i.write(t, &whole)
}

/// A tensor with its indexed dimensions first and flattened.
struct Flat {
    /// `[product of the indexed sizes, *rest]`.
    moved: Tensor,
    /// Sizes of the indexed dimensions.
    sizes: Vec<usize>,
    /// Sizes of the others.
    rest: Vec<usize>,
    /// How many of `rest` stand before the indexed ones, when these are neighbours; 0 otherwise.
    lead: usize,
    /// Which dimension each one was.
    order: Vec<usize>,
}

/// The rows of the flattened tensor that integer tensors choose, and the shape they are broadcast to.
fn linear(i: &mut Interp, t: &Tensor, advanced: &[Option<Tensor>]) -> Eval<(Flat, Tensor, Vec<usize>)> {
    let shape = t.shape();
    let dims: Vec<usize> = (0..advanced.len()).filter(|&d| advanced[d].is_some()).collect();
    let others: Vec<usize> = (0..shape.len()).filter(|d| !dims.contains(d)).collect();
    let neighbours = dims.windows(2).all(|w| w[1] == w[0] + 1);
    let lead = if neighbours { dims[0] } else { 0 };
    let order: Vec<usize> = dims.iter().chain(&others).copied().collect();
    let sizes: Vec<usize> = dims.iter().map(|&d| shape[d]).collect();
    let rest: Vec<usize> = others.iter().map(|&d| shape[d]).collect();
    let moved = i.op("permute", &[("input", tensor(t)), ("dims", ints(&order))])?;
    let mut flat_shape = vec![sizes.iter().product::<usize>()];
    flat_shape.extend(&rest);
    let moved = i.op("reshape", &[("input", tensor(&moved)), ("shape", ints(&flat_shape))])?;
    let mut at: Option<Tensor> = None;
    for (k, &d) in dims.iter().enumerate() {
        let Some(index) = &advanced[d] else { continue };
        // Negative indices count from the end.
        let size = sizes[k] as i64;
        let mut index = index.clone();
        match fold::constant(i, &index)? {
            Some(host) => {
                let values = host.to_f64();
                if let Some(bad) = values.iter().find(|&&v| v < -(size as f64) || v >= size as f64) {
                    let text = format!("index {bad} is out of bounds for dimension {d} with size {size}");
                    return Err(i.raise(Exc::IndexError, text));
                }
                if values.iter().any(|&v| v < 0.0) {
                    index = i.op("remainder", &[("input", tensor(&index)), ("other", int(size))])?;
                }
            }
            None => index = i.op("remainder", &[("input", tensor(&index)), ("other", int(size))])?,
        }
        at = Some(match at {
            None => index,
            Some(before) => {
                let scaled = i.op("mul", &[("input", tensor(&before)), ("other", int(size))])?;
                i.op("add", &[("input", tensor(&scaled)), ("other", tensor(&index))])?
            }
        });
    }
    let Some(at) = at else {
        return Err(i.raise(Exc::IndexError, "an index without index tensors"));
    };
    let at_shape = at.shape();
    Ok((Flat { moved, sizes, rest, lead, order }, at, at_shape))
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
        Value::List(_) | Value::Range(_) => {
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
fn mask_positions(i: &mut Interp, mask: &Tensor) -> Eval<Vec<Tensor>> {
    let Some(host) = fold::constant(i, mask)? else {
        return Err(i.abort(
            "unsupported-dynamic-shape",
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
            let (Some(dim), Some(start), Some(length)) =
                (arg("dim").and_then(dim_of), arg("start"), arg("length"))
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
