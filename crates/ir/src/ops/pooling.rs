//! Pooling over one to three dimensions. Indices of maxima (`return_indices=True`) are found by comparing the taps of each window.

use super::shared;
use crate::op::{Call, Emitter, OpError, V};
use crate::prim::{BinaryOp, PadMode, PoolKind, Prim, UnaryOp};
use crate::types::{DType, TensorType};

/// The window arguments; a missing or empty stride is the kernel.
fn window(call: &Call<'_>, spatial: usize) -> Result<(Vec<usize>, Vec<usize>), OpError> {
    let kernel = spread(call.sizes("kernel_size")?, spatial);
    let stride = match call.opt_ints("stride")? {
        Some(s) if !s.is_empty() => spread(call.sizes("stride")?, spatial),
        _ => kernel.clone(),
    };
    if kernel.contains(&0) || stride.contains(&0) {
        return Err(OpError::argument("kernel size and stride of a pool must be greater than zero"));
    }
    Ok((kernel, stride))
}

/// One size stands for all dimensions.
fn spread(sizes: Vec<usize>, spatial: usize) -> Vec<usize> {
    if sizes.len() == 1 { vec![sizes[0]; spatial] } else { sizes }
}

/// Maximum pooling by the arguments of `max_pool2d` and its like.
pub(super) fn max_pool(call: &Call<'_>, e: &mut Emitter, spatial: usize) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let (kernel, stride) = window(call, spatial)?;
    let dilation = spread(call.sizes("dilation")?, spatial);
    if dilation.contains(&0) {
        return Err(OpError::argument("dilation of a pool must be greater than zero"));
    }
    let prim = Prim::Pool {
        kind: PoolKind::Max,
        kernel,
        stride,
        padding: call.sizes("padding")?,
        dilation,
        ceil_mode: call.bool("ceil_mode")?,
    };
    let indices = match &prim {
        Prim::Pool { kernel, stride, padding, dilation, .. } if call.bool("return_indices")? => {
            let padding = spread(padding.clone(), spatial);
            Some((kernel.clone(), stride.clone(), padding, dilation.clone()))
        }
        _ => None,
    };
    let mut out = shared::batched(e, x, spatial + 2, call.signature.path, |e, x| e.apply(prim, &[x]))?;
    if let Some((kernel, stride, padding, dilation)) = indices {
        let sizes = e.shape(out[0])[e.rank(out[0]) - spatial..].to_vec();
        let found = shared::batched(e, x, spatial + 2, call.signature.path, |e, x| {
            max_indices(e, x, &sizes, &Taps { kernel, stride, padding, dilation })
        })?;
        out.extend(found);
    }
    Ok(out)
}

/// Where the taps of a pool lie.
struct Taps {
    kernel: Vec<usize>,
    stride: Vec<usize>,
    padding: Vec<usize>,
    dilation: Vec<usize>,
}

/// The index of each window's maximum among the elements of its channel, row by row. `[N, C, *s]` → i64 `[N, C, *sizes]`.
fn max_indices(e: &mut Emitter, x: V, sizes: &[usize], taps: &Taps) -> Result<V, OpError> {
    let shape = e.shape(x).to_vec();
    let input = &shape[2..];
    let mut pads = vec![(0i64, 0i64); 2];
    for d in 0..sizes.len() {
        let reach = (sizes[d] - 1) * taps.stride[d] + (taps.kernel[d] - 1) * taps.dilation[d] + 1;
        let after = reach.saturating_sub(input[d] + taps.padding[d]);
        pads.push((taps.padding[d] as i64, after as i64));
    }
    let lowest = if e.dtype(x).is_float() { f64::NEG_INFINITY } else { i32::MIN as f64 };
    let padded = e.apply(Prim::Pad { mode: PadMode::Constant(lowest), pads }, &[x])?;
    let count: usize = taps.kernel.iter().product();
    let place = |mut k: usize| {
        let mut at = vec![0; taps.kernel.len()];
        for d in (0..at.len()).rev() {
            at[d] = k % taps.kernel[d];
            k /= taps.kernel[d];
        }
        at
    };
    let mut columns = Vec::with_capacity(count);
    for k in 0..count {
        let mut y = padded;
        for (d, at) in place(k).into_iter().enumerate() {
            let start = at * taps.dilation[d];
            let end = start + (sizes[d] - 1) * taps.stride[d] + 1;
            if !(start == 0 && end == e.shape(y)[2 + d] && taps.stride[d] == 1) {
                y = e.apply(Prim::Slice { dim: 2 + d, start, end, step: taps.stride[d] }, &[y])?;
            }
        }
        columns.push(shared::unsqueeze(e, y, 2)?);
    }
    let columns = if columns.len() == 1 { columns[0] } else { e.apply(Prim::Concat { dim: 2 }, &columns)? };
    let tap = e.apply(Prim::ArgReduce { max: true, dim: 2 }, &[columns])?;
    // What a tap adds to the index of the window's corner, and where the corners lie.
    let step = |d: usize| input[d + 1..].iter().product::<usize>();
    let offsets: Vec<f64> = (0..count)
        .map(|k| place(k).iter().enumerate().map(|(d, at)| (at * taps.dilation[d] * step(d)) as f64).sum())
        .collect();
    let offsets = e.apply(Prim::Literal { ty: TensorType::new(DType::I64, [count]), values: offsets }, &[])?;
    let flat = shared::flat(e, tap)?;
    let chosen = e.apply(Prim::IndexSelect { dim: 0 }, &[offsets, flat])?;
    let tap_shape = e.shape(tap).to_vec();
    let mut index = e.reshape(chosen, &tap_shape)?;
    for d in 0..sizes.len() {
        let prim = Prim::Arange {
            start: -((taps.padding[d] * step(d)) as f64),
            step: (taps.stride[d] * step(d)) as f64,
            n: sizes[d],
            dtype: DType::I64,
        };
        let corner = e.apply(prim, &[])?;
        let mut place = vec![1; sizes.len()];
        place[d] = sizes[d];
        let corner = e.reshape(corner, &place)?;
        index = e.binary(BinaryOp::Add, index, corner)?;
    }
    Ok(index)
}

/// Average pooling by the arguments of `avg_pool2d` and its like.
pub(super) fn avg_pool(call: &Call<'_>, e: &mut Emitter, spatial: usize) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    shared::need_float(e, x, call.signature.path)?;
    let (kernel, stride) = window(call, spatial)?;
    let divisor = if spatial == 1 { None } else { call.opt_int("divisor_override")? };
    let divisor = match divisor.map(usize::try_from) {
        None => None,
        Some(Ok(n)) if n > 0 => Some(n),
        Some(_) => return Err(OpError::argument("divisor must be greater than zero")),
    };
    let prim = Prim::Pool {
        kind: PoolKind::Avg { count_include_pad: call.bool("count_include_pad")?, divisor },
        kernel,
        stride,
        padding: call.sizes("padding")?,
        dilation: vec![1; spatial],
        ceil_mode: call.bool("ceil_mode")?,
    };
    shared::batched(e, x, spatial + 2, call.signature.path, |e, x| e.apply(prim, &[x]))
}

/// Pooling to an output size.
pub(super) fn adaptive_pool(call: &Call<'_>, e: &mut Emitter, spatial: usize, max: bool) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let mut out = shared::batched(e, x, spatial + 2, call.signature.path, |e, x| {
        let output = shared::kept_sizes(call, "output_size", &e.shape(x)[2..])?;
        e.apply(Prim::AdaptivePool { max, output }, &[x])
    })?;
    if max && call.bool("return_indices")? {
        let sizes = e.shape(out[0])[e.rank(out[0]) - spatial..].to_vec();
        out.extend(shared::batched(e, x, spatial + 2, call.signature.path, |e, x| adaptive_indices(e, x, &sizes))?);
    }
    Ok(out)
}

/// The index of the maximum of each window of an adaptive pool among the elements of its channel. `[N, C, *s]` → i64
/// `[N, C, *sizes]`.
fn adaptive_indices(e: &mut Emitter, x: V, sizes: &[usize]) -> Result<V, OpError> {
    let shape = e.shape(x).to_vec();
    // The elements of each window, row by row; short windows repeat their last one, which never is the first maximum.
    let mut windows: Vec<Vec<usize>> = vec![vec![0]];
    for (&n, &m) in shape[2..].iter().zip(sizes) {
        let along: Vec<(usize, usize)> = (0..m).map(|i| (i * n / m, ((i + 1) * n).div_ceil(m))).collect();
        let longest = along.iter().map(|(a, b)| b - a).max().unwrap_or(0);
        let reached = |at: usize, (a, b): (usize, usize)| (0..longest).map(move |k| at * n + (a + k).min(b - 1));
        windows = windows
            .iter()
            .flat_map(|w| along.iter().map(move |&l| w.iter().flat_map(|&at| reached(at, l)).collect()))
            .collect();
    }
    let (count, taps) = (windows.len(), windows.first().map_or(0, Vec::len));
    if count == 0 || taps == 0 {
        return Err(OpError::shape(format!("an adaptive pool of {shape:?} to {sizes:?} has no elements to compare")));
    }
    let (n, channels) = (shape[0], shape[1]);
    let values = windows.iter().flatten().map(|&at| at as f64).collect();
    let places = e.apply(Prim::Literal { ty: TensorType::new(DType::I64, [count * taps]), values }, &[])?;
    let flat = e.reshape(x, &[n, channels, shape[2..].iter().product()])?;
    let seen = e.apply(Prim::IndexSelect { dim: 2 }, &[flat, places])?;
    let seen = e.reshape(seen, &[n, channels, count, taps])?;
    let tap = e.apply(Prim::ArgReduce { max: true, dim: 3 }, &[seen])?;
    let tap = e.reshape(tap, &[n, channels, count, 1])?;
    let places = e.reshape(places, &[1, 1, count, taps])?;
    let places = e.expand(places, &[n, channels, count, taps])?;
    let found = e.apply(Prim::Gather { dim: 3 }, &[places, tap])?;
    e.reshape(found, &[&[n, channels], sizes].concat())
}

/// The p-norm of each window: average of p-th powers, times the window size, p-th root.
pub(super) fn lp_pool(call: &Call<'_>, e: &mut Emitter, spatial: usize) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let p = call.float("norm_type")?;
    let (kernel, stride) = window(call, spatial)?;
    let count = kernel.iter().product::<usize>() as f64;
    let prim = Prim::Pool {
        kind: PoolKind::Avg { count_include_pad: true, divisor: None },
        kernel,
        stride,
        padding: vec![0; spatial],
        dilation: vec![1; spatial],
        ceil_mode: call.bool("ceil_mode")?,
    };
    shared::batched(e, x, spatial + 2, call.signature.path, |e, x| {
        let powers = e.scalar(BinaryOp::Pow, x, p, false)?;
        let mean = e.apply(prim, &[powers])?;
        let sum = e.scalar(BinaryOp::Mul, mean, count, false)?;
        // PyTorch takes the sign into account before the root; sums below zero only arise from odd powers.
        let positive = e.unary(UnaryOp::Relu, sum)?;
        e.scalar(BinaryOp::Pow, positive, 1.0 / p, false)
    })
}
