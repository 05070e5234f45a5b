//! Moving elements: nothing here computes with them, apart from the addition of `scatter_add`.

use super::RefError;
use super::tensor::{Data, HostTensor, Offsets, around, round, strides, wrap};
use crate::prim::PadMode;
use crate::types::{DType, TensorType};
use std::cmp::Ordering;

pub(super) fn permute(x: &HostTensor, dims: &[usize], out: &TensorType) -> HostTensor {
    let own = strides(&x.ty.shape);
    let steps = dims.iter().map(|&d| own[d] as isize).collect();
    x.pick(out.shape.clone(), Offsets::new(&out.shape, steps, 0))
}

pub(super) fn expand(x: &HostTensor, out: &TensorType) -> HostTensor {
    x.pick(out.shape.clone(), Offsets::broadcast(&x.ty.shape, &out.shape))
}

pub(super) fn slice(x: &HostTensor, dim: usize, start: usize, step: usize, out: &TensorType) -> HostTensor {
    let mut steps: Vec<isize> = strides(&x.ty.shape).into_iter().map(|s| s as isize).collect();
    let base = start * steps[dim] as usize;
    steps[dim] *= step as isize;
    x.pick(out.shape.clone(), Offsets::new(&out.shape, steps, base))
}

pub(super) fn flip(x: &HostTensor, dims: &[usize]) -> HostTensor {
    let mut steps: Vec<isize> = strides(&x.ty.shape).into_iter().map(|s| s as isize).collect();
    let mut base = 0usize;
    for &d in dims {
        base += x.ty.shape[d].saturating_sub(1) * steps[d] as usize;
        steps[d] = -steps[d];
    }
    x.pick(x.ty.shape.clone(), Offsets::new(&x.ty.shape, steps, base))
}

pub(super) fn concat(xs: &[&HostTensor], dim: usize, out: &TensorType) -> Result<HostTensor, RefError> {
    fn join<'a, T: Copy + 'a>(
        xs: &[&'a HostTensor],
        dim: usize,
        out: &TensorType,
        get: impl Fn(&'a HostTensor) -> Option<&'a Vec<T>>,
    ) -> Option<Vec<T>> {
        let (outer, ..) = around(&out.shape, dim);
        let mut values = Vec::with_capacity(out.numel());
        for o in 0..outer {
            for &x in xs {
                let (_, size, inner) = around(&x.ty.shape, dim);
                values.extend_from_slice(&get(x)?[o * size * inner..(o + 1) * size * inner]);
            }
        }
        Some(values)
    }
    let data = match xs.first().map(|x| &x.data) {
        Some(Data::F32(_)) => {
            join(xs, dim, out, |x| if let Data::F32(v) = &x.data { Some(v) } else { None }).map(Data::F32)
        }
        Some(Data::F64(_)) => {
            join(xs, dim, out, |x| if let Data::F64(v) = &x.data { Some(v) } else { None }).map(Data::F64)
        }
        Some(Data::Int(_)) => {
            join(xs, dim, out, |x| if let Data::Int(v) = &x.data { Some(v) } else { None }).map(Data::Int)
        }
        Some(Data::Bool(_)) => {
            join(xs, dim, out, |x| if let Data::Bool(v) = &x.data { Some(v) } else { None }).map(Data::Bool)
        }
        None => None,
    };
    let data = data.ok_or_else(|| RefError::Damaged("a concatenation of different element types".into()))?;
    Ok(HostTensor { ty: out.clone(), data })
}

pub(super) fn pad(x: &HostTensor, mode: PadMode, pads: &[(i64, i64)], out: &TensorType) -> HostTensor {
    let own = strides(&x.ty.shape);
    let mut index = vec![0usize; out.shape.len()];
    // For each output element, the flat index it is read from; none where a constant is put.
    let sources: Vec<Option<usize>> = (0..out.numel())
        .map(|_| {
            let mut at = Some(0);
            for d in 0..index.len() {
                let n = x.ty.shape[d] as i64;
                let i = index[d] as i64 - pads[d].0;
                let i = match mode {
                    _ if (0..n).contains(&i) => Some(i),
                    PadMode::Constant(_) => None,
                    PadMode::Reflect => Some(if i < 0 { -i } else { 2 * (n - 1) - i }),
                    PadMode::Replicate => Some(i.clamp(0, (n - 1).max(0))),
                    PadMode::Circular => Some(i.rem_euclid(n.max(1))),
                };
                at = at.zip(i).map(|(at, i)| at + i as usize * own[d]);
            }
            for d in (0..index.len()).rev() {
                index[d] += 1;
                if index[d] < out.shape[d] {
                    break;
                }
                index[d] = 0;
            }
            at
        })
        .collect();
    let value = if let PadMode::Constant(v) = mode { v } else { 0.0 };
    let mut filled = HostTensor::full(out.clone(), value);
    fn write<T: Copy>(to: &mut [T], from: &[T], sources: &[Option<usize>]) {
        for (t, s) in to.iter_mut().zip(sources) {
            if let Some(v) = s.and_then(|s| from.get(s)) {
                *t = *v;
            }
        }
    }
    match (&mut filled.data, &x.data) {
        (Data::F32(to), Data::F32(from)) => write(to, from, &sources),
        (Data::F64(to), Data::F64(from)) => write(to, from, &sources),
        (Data::Int(to), Data::Int(from)) => write(to, from, &sources),
        (Data::Bool(to), Data::Bool(from)) => write(to, from, &sources),
        // `full` made the data of x's own element type.
        _ => {}
    }
    filled
}

/// The elements of an index tensor, each checked to be below `size`; negative ones are refused as in PyTorch's kernels.
fn indices(index: &HostTensor, size: usize) -> Result<Vec<usize>, RefError> {
    let Data::Int(v) = &index.data else {
        return Err(RefError::Damaged("an index that is not i64".into()));
    };
    v.iter().map(|&i| usize::try_from(i).ok().filter(|&i| i < size).ok_or(RefError::Index { index: i, size })).collect()
}

/// For each element of a tensor of shape `shape`, its flat index in a tensor of shape `within` when its coordinate
/// along `dim` is replaced by 0; both shapes have one rank.
fn rows<'a>(shape: &'a [usize], within: &[usize], dim: usize) -> Offsets<'a> {
    let mut steps: Vec<isize> = strides(within).into_iter().map(|s| s as isize).collect();
    if let Some(s) = steps.get_mut(dim) {
        *s = 0;
    }
    Offsets::new(shape, steps, 0)
}

pub(super) fn gather(x: &HostTensor, index: &HostTensor, dim: usize) -> Result<HostTensor, RefError> {
    let (_, size, inner) = around(&x.ty.shape, dim);
    let at = indices(index, size)?;
    let from = rows(&index.ty.shape, &x.ty.shape, dim).zip(at).map(|(row, i)| row + i * inner);
    Ok(x.pick(index.ty.shape.clone(), from))
}

pub(super) fn index_select(
    x: &HostTensor,
    index: &HostTensor,
    dim: usize,
    out: &TensorType,
) -> Result<HostTensor, RefError> {
    let (outer, size, inner) = around(&x.ty.shape, dim);
    let at = indices(index, size)?;
    let from =
        (0..outer).flat_map(|o| at.iter().flat_map(move |&i| (0..inner).map(move |k| (o * size + i) * inner + k)));
    Ok(x.pick(out.shape.clone(), from))
}

pub(super) fn scatter(
    x: &HostTensor,
    index: &HostTensor,
    src: &HostTensor,
    dim: usize,
    add: bool,
) -> Result<HostTensor, RefError> {
    let (_, size, inner) = around(&x.ty.shape, dim);
    let at = indices(index, size)?;
    let to = rows(&index.ty.shape, &x.ty.shape, dim).zip(at).map(|(row, i)| row + i * inner);
    let from_steps = strides(&src.ty.shape).into_iter().map(|s| s as isize).collect();
    let pairs = to.zip(Offsets::new(&index.ty.shape, from_steps, 0));
    let mut out = x.clone();
    let dtype = x.ty.dtype;
    fn write<T: Copy>(to: &mut [T], from: &[T], pairs: impl Iterator<Item = (usize, usize)>, f: impl Fn(T, T) -> T) {
        for (t, s) in pairs {
            to[t] = f(to[t], from[s]);
        }
    }
    match (&mut out.data, &src.data) {
        (Data::F32(t), Data::F32(s)) if add => write(t, s, pairs, |a, b| round(dtype, f64::from(a) + f64::from(b))),
        (Data::F64(t), Data::F64(s)) if add => write(t, s, pairs, |a, b| a + b),
        (Data::Int(t), Data::Int(s)) if add => write(t, s, pairs, |a, b| wrap(dtype, a.wrapping_add(b))),
        (Data::Bool(t), Data::Bool(s)) if add => write(t, s, pairs, |a, b| a || b),
        (Data::F32(t), Data::F32(s)) => write(t, s, pairs, |_, b| b),
        (Data::F64(t), Data::F64(s)) => write(t, s, pairs, |_, b| b),
        (Data::Int(t), Data::Int(s)) => write(t, s, pairs, |_, b| b),
        (Data::Bool(t), Data::Bool(s)) => write(t, s, pairs, |_, b| b),
        _ => return Err(RefError::Damaged("a scatter of another element type".into())),
    }
    Ok(out)
}

/// Values and indices of the extremes in order. NaN counts as the greatest; among equals the lower index comes first.
pub(super) fn topk(x: &HostTensor, k: usize, dim: usize, largest: bool, out: &[TensorType]) -> Vec<HostTensor> {
    let (outer, size, inner) = around(&x.ty.shape, dim);
    let values = x.to_f64();
    let mut flat = vec![0usize; outer * k * inner];
    let mut place = vec![0i64; outer * k * inner];
    let mut order: Vec<usize> = Vec::with_capacity(size);
    for o in 0..outer {
        for i in 0..inner {
            let at = |j: usize| (o * size + j) * inner + i;
            order.clear();
            order.extend(0..size);
            order.sort_by(|&a, &b| {
                let ascending = compare(values[at(a)], values[at(b)]);
                (if largest { ascending.reverse() } else { ascending }).then(a.cmp(&b))
            });
            for (r, &j) in order.iter().take(k).enumerate() {
                flat[(o * k + r) * inner + i] = at(j);
                place[(o * k + r) * inner + i] = j as i64;
            }
        }
    }
    let shape = out.first().map_or_else(Vec::new, |t| t.shape.clone());
    let places = HostTensor { ty: TensorType::new(DType::I64, shape.clone()), data: Data::Int(place) };
    vec![x.pick(shape, flat.into_iter()), places]
}

fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

pub(super) fn arange(start: f64, step: f64, n: usize, out: &TensorType) -> HostTensor {
    HostTensor::rounded(out.clone(), (0..n).map(|i| start + i as f64 * step).collect())
}
