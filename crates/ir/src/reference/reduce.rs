//! Functions of many elements: reductions, softmax, matrix products and the normalisations. Sums are taken in f64 and
//! rounded once.

use super::tensor::{Data, HostTensor, Offsets, around};
use crate::prim::ReduceOp;
use crate::types::TensorType;

/// For each element of x, the flat index of the element of the reduced tensor that it goes into.
fn targets<'a>(shape: &'a [usize], dims: &[usize]) -> Offsets<'a> {
    let kept: Vec<usize> = shape.iter().enumerate().map(|(i, &n)| if dims.contains(&i) { 1 } else { n }).collect();
    Offsets::broadcast(&kept, shape)
}

pub(super) fn reduce(op: ReduceOp, x: &HostTensor, dims: &[usize], out: &TensorType) -> HostTensor {
    let n = out.numel();
    let count = dims.iter().map(|&d| x.ty.shape.get(d).copied().unwrap_or(1)).product::<usize>() as f64;
    if let (Data::Int(v), ReduceOp::Sum | ReduceOp::Prod) = (&x.data, op) {
        let start = i64::from(matches!(op, ReduceOp::Prod));
        let mut acc = vec![start; n];
        for (t, &v) in targets(&x.ty.shape, dims).zip(v) {
            acc[t] = if start == 0 { acc[t].wrapping_add(v) } else { acc[t].wrapping_mul(v) };
        }
        return HostTensor::wrapped(out.clone(), acc);
    }
    let values = x.to_f64();
    let fold = |start: f64, f: fn(f64, f64) -> f64| {
        let mut acc = vec![start; n];
        for (t, &v) in targets(&x.ty.shape, dims).zip(values.iter()) {
            acc[t] = f(acc[t], v);
        }
        acc
    };
    let acc = match op {
        ReduceOp::Sum => fold(0.0, |a, v| a + v),
        ReduceOp::Mean => fold(0.0, |a, v| a + v).into_iter().map(|s| s / count).collect(),
        ReduceOp::Prod => fold(1.0, |a, v| a * v),
        ReduceOp::Max => fold(f64::NEG_INFINITY, |a, v| if v > a || v.is_nan() { v } else { a }),
        ReduceOp::Min => fold(f64::INFINITY, |a, v| if v < a || v.is_nan() { v } else { a }),
        ReduceOp::Any => fold(0.0, |a, v| if v != 0.0 { 1.0 } else { a }),
        ReduceOp::All => fold(1.0, |a, v| if v == 0.0 { 0.0 } else { a }),
        ReduceOp::Var { correction } => {
            let mean: Vec<f64> = fold(0.0, |a, v| a + v).into_iter().map(|s| s / count).collect();
            let mut acc = vec![0.0; n];
            for (t, &v) in targets(&x.ty.shape, dims).zip(values.iter()) {
                acc[t] += (v - mean[t]) * (v - mean[t]);
            }
            acc.into_iter().map(|s| s / (count - correction).max(0.0)).collect()
        }
    };
    HostTensor::rounded(out.clone(), acc)
}

/// Index of the first extreme; a NaN is the extreme of both kinds.
pub(super) fn arg_reduce(x: &HostTensor, max: bool, dim: usize, out: &TensorType) -> HostTensor {
    let (outer, size, inner) = around(&x.ty.shape, dim);
    let values = x.to_f64();
    let mut best = Vec::with_capacity(outer * inner);
    for o in 0..outer {
        for i in 0..inner {
            let at = |j: usize| values.get((o * size + j) * inner + i).copied().unwrap_or(f64::NAN);
            let mut found = 0;
            for j in 1..size {
                let (a, b) = (at(found), at(j));
                if !a.is_nan() && (b.is_nan() || if max { b > a } else { b < a }) {
                    found = j;
                }
            }
            best.push(found as i64);
        }
    }
    HostTensor::wrapped(out.clone(), best)
}

/// Visits each line along `dim`: `f` gets the flat index of its first element, its length and its step.
fn lines(shape: &[usize], dim: usize, mut f: impl FnMut(usize, usize, usize)) {
    let (outer, size, inner) = around(shape, dim);
    for o in 0..outer {
        for i in 0..inner {
            f(o * size * inner + i, size, inner);
        }
    }
}

pub(super) fn cumsum(x: &HostTensor, dim: usize) -> HostTensor {
    if let Data::Int(v) = &x.data {
        let mut v = v.clone();
        lines(&x.ty.shape, dim, |first, n, step| {
            for j in 1..n {
                v[first + j * step] = v[first + j * step].wrapping_add(v[first + (j - 1) * step]);
            }
        });
        return HostTensor::wrapped(x.ty.clone(), v);
    }
    let mut v = x.to_f64().into_owned();
    lines(&x.ty.shape, dim, |first, n, step| {
        for j in 1..n {
            v[first + j * step] += v[first + (j - 1) * step];
        }
    });
    HostTensor::rounded(x.ty.clone(), v)
}

pub(super) fn softmax(x: &HostTensor, dim: usize, log: bool) -> HostTensor {
    let mut v = x.to_f64().into_owned();
    lines(&x.ty.shape, dim, |first, n, step| {
        let max = (0..n).map(|j| v[first + j * step]).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..n).map(|j| libm::exp(v[first + j * step] - max)).sum();
        let log_sum = libm::log(sum);
        for j in 0..n {
            let e = v[first + j * step] - max;
            v[first + j * step] = if log { e - log_sum } else { libm::exp(e) / sum };
        }
    });
    HostTensor::rounded(x.ty.clone(), v)
}

pub(super) fn matmul(a: &HostTensor, b: &HostTensor, out: &TensorType) -> HostTensor {
    let r = out.rank();
    let (m, n) = (out.shape[r - 2], out.shape[r - 1]);
    let k = a.ty.shape[r - 1];
    let (x, y) = (a.to_f64(), b.to_f64());
    let batches = out.shape[..r - 2].iter().product::<usize>();
    let mut acc = vec![0.0; out.numel()];
    for t in 0..batches {
        for i in 0..m {
            let row = &mut acc[(t * m + i) * n..(t * m + i + 1) * n];
            for j in 0..k {
                let s = x[(t * m + i) * k + j];
                for (r, &v) in row.iter_mut().zip(&y[(t * k + j) * n..(t * k + j + 1) * n]) {
                    *r += s * v;
                }
            }
        }
    }
    HostTensor::rounded(out.clone(), acc)
}

/// Mean and biased variance.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let (sum, n) = values.clone().fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
    let mean = sum / n;
    (mean, values.map(|v| (v - mean) * (v - mean)).sum::<f64>() / n)
}

/// What batch normalisation gives: the output and, in training with running statistics, their new values.
pub(super) struct BatchNormed {
    pub(super) output: HostTensor,
    pub(super) running: Option<(HostTensor, HostTensor)>,
}

/// `inputs` after x: weight and bias where `affine`, running mean and variance where `stats`.
pub(super) fn batch_norm(
    x: &HostTensor,
    inputs: &[&HostTensor],
    training: bool,
    factor: f64,
    eps: f64,
    affine: bool,
    stats: bool,
) -> BatchNormed {
    let shape = &x.ty.shape;
    let (n, c, inner) = around(shape, 1);
    let v = x.to_f64();
    let scale = if affine { inputs[0].to_f64().into_owned() } else { vec![1.0; c] };
    let shift = if affine { inputs[1].to_f64().into_owned() } else { vec![0.0; c] };
    let running = stats.then(|| &inputs[if affine { 2 } else { 0 }..]);
    let (mut mean, mut var) = (vec![0.0; c], vec![0.0; c]);
    let mut updated = None;
    match running {
        Some(r) if !training => {
            mean = r[0].to_f64().into_owned();
            var = r[1].to_f64().into_owned();
        }
        _ => {
            for ch in 0..c {
                let line = (0..n).flat_map(|b| &v[(b * c + ch) * inner..(b * c + ch + 1) * inner]).copied();
                (mean[ch], var[ch]) = moments(line);
            }
            if let Some(r) = running {
                let count = (n * inner) as f64;
                let unbiased: Vec<f64> = var.iter().map(|v| v * count / (count - 1.0)).collect();
                let blend = |old: &HostTensor, new: &[f64]| {
                    let values = old.to_f64().iter().zip(new).map(|(o, n)| (1.0 - factor) * o + factor * n).collect();
                    HostTensor::rounded(old.ty.clone(), values)
                };
                updated = Some((blend(r[0], &mean), blend(r[1], &unbiased)));
            }
        }
    }
    let mut out = v.into_owned();
    for b in 0..n {
        for ch in 0..c {
            let s = scale[ch] / (var[ch] + eps).sqrt();
            for o in &mut out[(b * c + ch) * inner..(b * c + ch + 1) * inner] {
                *o = (*o - mean[ch]) * s + shift[ch];
            }
        }
    }
    BatchNormed { output: HostTensor::rounded(x.ty.clone(), out), running: updated }
}

pub(super) fn layer_norm(
    x: &HostTensor,
    axes: usize,
    eps: f64,
    weight: Option<&HostTensor>,
    bias: Option<&HostTensor>,
) -> HostTensor {
    let size: usize = x.ty.shape[x.ty.rank() - axes..].iter().product();
    let mut v = x.to_f64().into_owned();
    let (w, b) = (weight.map(HostTensor::to_f64), bias.map(HostTensor::to_f64));
    for line in v.chunks_mut(size.max(1)) {
        let (mean, var) = moments(line.iter().copied());
        let r = 1.0 / (var + eps).sqrt();
        for (i, o) in line.iter_mut().enumerate() {
            *o = (*o - mean) * r * w.as_ref().map_or(1.0, |w| w[i]) + b.as_ref().map_or(0.0, |b| b[i]);
        }
    }
    HostTensor::rounded(x.ty.clone(), v)
}

pub(super) fn group_norm(
    x: &HostTensor,
    groups: usize,
    eps: f64,
    affine: Option<(&HostTensor, &HostTensor)>,
) -> HostTensor {
    let (n, c, inner) = around(&x.ty.shape, 1);
    let mut v = x.to_f64().into_owned();
    let affine = affine.map(|(w, b)| (w.to_f64(), b.to_f64()));
    let per_group = c / groups;
    for b in 0..n {
        for g in 0..groups {
            let first = (b * c + g * per_group) * inner;
            let part = &mut v[first..first + per_group * inner];
            let (mean, var) = moments(part.iter().copied());
            let r = 1.0 / (var + eps).sqrt();
            for (i, o) in part.iter_mut().enumerate() {
                let ch = g * per_group + i / inner.max(1);
                let (w, b) = affine.as_ref().map_or((1.0, 0.0), |(w, b)| (w[ch], b[ch]));
                *o = (*o - mean) * r * w + b;
            }
        }
    }
    HostTensor::rounded(x.ty.clone(), v)
}

/// The mask of a dropout, already scaled: 0 or 1/(1−p).
pub(super) fn masked(x: &HostTensor, mask: &[f64], mask_shape: &[usize]) -> HostTensor {
    let v = x.to_f64();
    let at = Offsets::broadcast(mask_shape, &x.ty.shape);
    HostTensor::rounded(x.ty.clone(), v.iter().zip(at).map(|(v, m)| v * mask[m]).collect())
}
