//! Pooling.
//!
//! Runtimes disagree on rounding up and on what counts in a partial window. So the padding is always written out such that
//! the plain formula gives the right size, and where a window's divisor is not simply its size, it is stored as a constant.

use super::builder::{Builder, Name, ints};
use super::form::Operands;
use super::proto::Value;
use super::resample;
use archsmith_ir::prim::{PoolKind, Prim};

pub(super) fn pool(b: &mut Builder<'_>, prim: &Prim, x: &Operands<'_>) -> Name {
    let Prim::Pool { kind, kernel, stride, padding, dilation, .. } = prim else { return String::new() };
    let (shape, out) = (x.shape(0), &x.out.shape);
    let n = kernel.len();
    // What the last window needs at the end; what it does not reach is cut by the formula itself.
    let end: Vec<usize> = (0..n)
        .map(|i| {
            let reach = (out[2 + i].max(1) - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1;
            reach.saturating_sub(shape[2 + i] + padding[i]).max(padding[i])
        })
        .collect();
    // More padding at the end than needed could make one window more.
    let end: Vec<usize> = (0..n)
        .map(|i| {
            let fits = |e: usize| {
                let size = shape[2 + i] + padding[i] + e;
                size.checked_sub(dilation[i] * (kernel[i] - 1) + 1).map(|s| s / stride[i] + 1) == Some(out[2 + i])
            };
            if fits(end[i]) { end[i] } else { (0..=end[i]).rev().find(|&e| fits(e)).unwrap_or(end[i]) }
        })
        .collect();
    let attributes = |pads: Vec<usize>| {
        let mut a = vec![("kernel_shape", ints(kernel)), ("strides", ints(stride)), ("pads", ints(&pads))];
        if dilation.iter().any(|&d| d != 1) {
            a.push(("dilations", ints(dilation)));
        }
        a
    };
    let pads = [padding.as_slice(), &end].concat();
    let inside = (0..n).all(|i| padding[i] < kernel[i] && end[i] < kernel[i]);
    match kind {
        PoolKind::Max if inside => b.node("MaxPool", &[&x.names[0]], attributes(pads)),
        PoolKind::Max => {
            let padded = explicit(b, x, &pads, f64::NEG_INFINITY);
            b.node("MaxPool", &[&padded], attributes(vec![0; 2 * n]))
        }
        PoolKind::Avg { count_include_pad, divisor } => {
            let plain = divisor.is_none() && inside && end == *padding;
            if plain {
                let mut a = attributes(pads);
                if *count_include_pad {
                    a.push(("count_include_pad", Value::Int(1)));
                }
                return b.node("AveragePool", &[&x.names[0]], a);
            }
            let padded = if pads.iter().all(|&p| p == 0) { x.names[0].clone() } else { explicit(b, x, &pads, 0.0) };
            let mean = b.node("AveragePool", &[&padded], attributes(vec![0; 2 * n]));
            let factors = factors(prim, x, *count_include_pad, *divisor);
            let mut shape = vec![1; 2 + n];
            shape[2..].copy_from_slice(&out[2..]);
            let factors = b.floats(x.types[0].dtype, &shape, factors);
            b.op("Mul", &[&mean, &factors])
        }
    }
}

fn explicit(b: &mut Builder<'_>, x: &Operands<'_>, pads: &[usize], value: f64) -> Name {
    let n = pads.len() / 2;
    let amounts: Vec<i64> = [&[0, 0], &pads[..n], &[0, 0], &pads[n..]].concat().into_iter().map(|p| p as i64).collect();
    let (amounts, fill) = (b.ints(&amounts), b.scalar(x.types[0].dtype, value));
    b.node("Pad", &[&x.names[0], &amounts, &fill], vec![("mode", Value::Text("constant"))])
}

/// For each output position, size of the window / what PyTorch divides by.
fn factors(prim: &Prim, x: &Operands<'_>, include: bool, divisor: Option<usize>) -> Vec<f64> {
    let Prim::Pool { kernel, stride, padding, .. } = prim else { return Vec::new() };
    let (shape, out) = (x.shape(0), &x.out.shape);
    let size: usize = kernel.iter().product();
    let mut counts = vec![1usize];
    for i in 0..kernel.len() {
        let (n, pad) = (shape[2 + i], padding[i]);
        let along: Vec<usize> = (0..out[2 + i])
            .map(|o| {
                let start = o * stride[i];
                let stop = start + kernel[i];
                // Positions count from the start of the padding.
                if include {
                    stop.min(n + 2 * pad).saturating_sub(start)
                } else {
                    stop.min(n + pad).saturating_sub(start.max(pad))
                }
            })
            .collect();
        counts = counts.iter().flat_map(|&c| along.iter().map(move |&a| c * a)).collect();
    }
    counts.into_iter().map(|c| size as f64 / divisor.unwrap_or(c) as f64).collect()
}

pub(super) fn adaptive(b: &mut Builder<'_>, max: bool, output: &[usize], x: &Operands<'_>) -> Name {
    let input = &x.shape(0)[2..];
    // The maximum over all is a window below: some runtimes lack GlobalMaxPool.
    if !max && output.iter().all(|&o| o == 1) {
        return b.op("GlobalAveragePool", &[&x.names[0]]);
    }
    if input == output {
        return x.names[0].clone();
    }
    if input.iter().zip(output).all(|(&i, &o)| o > 0 && i % o == 0) {
        let kernel: Vec<usize> = input.iter().zip(output).map(|(&i, &o)| i / o).collect();
        let attributes = vec![("kernel_shape", ints(&kernel)), ("strides", ints(&kernel))];
        return b.node(if max { "MaxPool" } else { "AveragePool" }, &[&x.names[0]], attributes);
    }
    if !max {
        return resample::separable(b, x, resample::adaptive_matrix);
    }
    let mut y = x.names[0].clone();
    for (i, (&size, &out)) in input.iter().zip(output).enumerate() {
        if size == out {
            continue;
        }
        let parts: Vec<Name> = (0..out)
            .map(|o| {
                let (from, to) = (o * size / out, ((o + 1) * size).div_ceil(out));
                let window = b.slice(&y, 2 + i, from as i64, to as i64, 1);
                let axes = vec![("axes", ints(&[2 + i])), ("keepdims", Value::Int(1))];
                b.node("ReduceMax", &[&window], axes)
            })
            .collect();
        y = b.concat(&parts, 2 + i);
    }
    y
}
