//! Convolution, pooling and resizing.
//!
//! Two spatial dimensions go to the backend's kernels; one is two with a leading size of 1. What the backend lacks is composed:
//! averages and resizing are separable linear maps, so a matrix for each dimension gives them for any number of dimensions and
//! any window rule, with the right gradient.

use super::elementwise::sum;
use super::exec::{Operands, concat, pad};
use super::layout::Mode;
use super::reduce;
use super::value::{Place, Value};
use crate::kernels::{Average, ConvGeometry, Kernels, PoolWindow};
use archsmith_ir::prim::{InterpolateMode, PadMode, PoolKind, Prim, ReduceOp};
use burn::tensor::TensorMetadata;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions, FloatTensor};

/// Executes a primitive of this family.
pub(super) fn execute<B: Kernels>(
    prim: &Prim,
    mode: Mode,
    operands: &mut Operands<'_, B>,
    place: &Place<B>,
) -> Value<B> {
    let output = operands.outputs[0].shape.clone();
    let shape = operands.shape(0).to_vec();
    if mode.channels_last {
        return channels_last_step(prim, operands, place);
    }
    match prim {
        Prim::Conv { stride, padding, dilation, groups } => {
            conv(operands, stride, padding, dilation, *groups, place).reshape(&output)
        }
        Prim::ConvTranspose { stride, padding, output_padding, dilation, groups } => {
            conv_transpose(operands, &output, stride, padding, output_padding, dilation, *groups, place)
                .reshape(&output)
        }
        Prim::Pool { kind, kernel, stride, padding, dilation, .. } => {
            let x = operands.take(0);
            let window = Window { kernel, stride, padding, dilation };
            match kind {
                PoolKind::Max => max_pool(x, &shape, &window, &output, place),
                PoolKind::Avg { count_include_pad, divisor } => {
                    avg_pool(x, &shape, &window, &output, *count_include_pad, *divisor, place)
                }
            }
        }
        Prim::AdaptivePool { max, output: size } => {
            let x = operands.take(0);
            if *max { adaptive_max_pool(x, &shape, size, place) } else { adaptive_avg_pool(x, &shape, size, place) }
        }
        Prim::Interpolate { size, mode, align_corners, scales } => {
            let x = operands.take(0);
            interpolate(x, &shape, size, *mode, *align_corners, scales.as_deref(), place)
        }
        _ => operands.take(0),
    }
}

/// `[N, C, H, W]` → `[N, H, W, C]`.
pub(super) fn channels_last<B: Kernels>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [n, c, h, w] = x.shape().dims();
    B::float_reshape(B::transpose(B::float_reshape(x, [n, c, h * w].into())), [n, h, w, c].into())
}

/// `[N, H, W, C]` → `[N, C, H, W]`.
pub(super) fn channels_first<B: Kernels>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [n, h, w, c] = x.shape().dims();
    B::float_reshape(B::transpose(B::float_reshape(x, [n, h * w, c].into())), [n, c, h, w].into())
}

/// An image in PyTorch's order through a kernel that wants the backend's.
fn as_image<B: Kernels>(x: FloatTensor<B>, f: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>) -> FloatTensor<B> {
    if B::CHANNELS_LAST { channels_first::<B>(f(channels_last::<B>(x))) } else { f(x) }
}

/// A step on images `[N, H, W, C]`.
fn channels_last_step<B: Kernels>(prim: &Prim, operands: &mut Operands<'_, B>, place: &Place<B>) -> Value<B> {
    let output = operands.outputs[0].shape.clone();
    let shape = operands.shape(0).to_vec();
    let [h, w] = [shape[1], shape[2]];
    match prim {
        Prim::Conv { stride, padding, dilation, groups } => {
            let bias = (operands.values.len() > 2).then(|| operands.float(2, place));
            let (x, weights) = (operands.float(0, place), operands.float(1, place));
            let padding = [padding[0].0, padding[1].0];
            let g = ConvGeometry { stride: pair(stride, 1), padding, dilation: pair(dilation, 1), groups: *groups };
            Value::Float(biased::<B>(B::convolve(x, weights, g), bias))
        }
        Prim::ConvTranspose { stride, padding, dilation, groups, .. } => {
            let bias = (operands.values.len() > 2).then(|| operands.float(2, place));
            let (x, weights) = (operands.float(0, place), operands.float(1, place));
            let g = ConvGeometry {
                stride: pair(stride, 1),
                padding: pair(padding, 0),
                dilation: pair(dilation, 1),
                groups: *groups,
            };
            let to = [output[0], output[1], output[2], output[3]];
            Value::Float(biased::<B>(B::convolve_dx(to, weights, x, g), bias))
        }
        Prim::Pool { kind: PoolKind::Max, kernel, stride, padding, dilation, .. } => {
            let window = PoolWindow {
                kernel: pair(kernel, 1),
                stride: pair(stride, 1),
                padding: pair(padding, 0),
                dilation: pair(dilation, 1),
                output: [output[1], output[2]],
            };
            Value::Float(B::max_pool(operands.float(0, place), window).0)
        }
        Prim::Pool { kind: PoolKind::Avg { count_include_pad, divisor }, kernel, stride, padding, .. } => {
            let windows = |d: usize, n: usize| {
                averages(n, output[1 + d], kernel[d], stride[d], padding[d], *count_include_pad, divisor.is_some())
            };
            let a = Average { rows: windows(0, h), columns: windows(1, w) };
            let y = B::average(operands.float(0, place), &a);
            Value::Float(match divisor {
                None => y,
                Some(n) => B::float_mul_scalar(y, (1.0 / *n as f64).into()),
            })
        }
        Prim::AdaptivePool { max: false, output: size } => {
            if [h, w] == size[..] {
                return operands.take(0);
            }
            let windows = |d: usize, n: usize| {
                let window = |i| adaptive_window(i, n, size[d]);
                (0..size[d]).map(|i| (window(i), 1.0 / window(i).len() as f32)).collect()
            };
            Value::Float(B::average(operands.float(0, place), &Average { rows: windows(0, h), columns: windows(1, w) }))
        }
        Prim::AdaptivePool { max: true, output: size } if h % size[0] == 0 && w % size[1] == 0 => {
            let kernel = [h / size[0], w / size[1]];
            let window =
                PoolWindow { kernel, stride: kernel, padding: [0, 0], dilation: [1, 1], output: [size[0], size[1]] };
            Value::Float(B::max_pool(operands.float(0, place), window).0)
        }
        Prim::AdaptivePool { output: size, .. } => {
            let x = channels_first::<B>(operands.float(0, place));
            let y = adaptive_max_pool(Value::<B>::Float(x), &[shape[0], shape[3], h, w], size, place);
            Value::Float(channels_last::<B>(y.float(place)))
        }
        _ => operands.take(0),
    }
}

/// A bias for each channel added to `[N, H, W, C]`.
fn biased<B: Kernels>(y: FloatTensor<B>, bias: Option<FloatTensor<B>>) -> FloatTensor<B> {
    let Some(bias) = bias else { return y };
    let shape = y.shape();
    let c = shape[3];
    let rows = shape[0] * shape[1] * shape[2];
    let y = sum::<B>(B::float_reshape(y, [rows, c].into()), B::float_reshape(bias, [1, c].into()));
    B::float_reshape(y, shape)
}

/// What each window of an average pool covers in one dimension, and its factor.
fn averages(
    n: usize,
    windows: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    count_include_pad: bool,
    undivided: bool,
) -> Vec<(std::ops::Range<usize>, f32)> {
    (0..windows)
        .map(|o| {
            let start = o * stride;
            // PyTorch clips the window at the padded size, then at the input.
            let end = (start + kernel).min(n + 2 * padding);
            let (first, last) = (start.max(padding) - padding, end.saturating_sub(padding).min(n));
            let last = last.max(first);
            let count = if count_include_pad { end - start } else { last - first };
            (first..last, if undivided { 1.0 } else { 1.0 / count.max(1) as f32 })
        })
        .collect()
}

/// A shape with its one spatial dimension as two; others unchanged.
fn planar(shape: &[usize]) -> Vec<usize> {
    if shape.len() == 3 { vec![shape[0], shape[1], 1, shape[2]] } else { shape.to_vec() }
}

/// Two spatial settings from one or two.
fn pair<T: Copy>(values: &[T], filler: T) -> [T; 2] {
    match values {
        [w] => [filler, *w],
        [h, w, ..] => [*h, *w],
        [] => [filler; 2],
    }
}

fn triple<T: Copy>(values: &[T], filler: T) -> [T; 3] {
    [0, 1, 2].map(|i| values.get(i).copied().unwrap_or(filler))
}

fn conv<B: Kernels>(
    operands: &mut Operands<'_, B>,
    stride: &[usize],
    padding: &[(usize, usize)],
    dilation: &[usize],
    groups: usize,
    place: &Place<B>,
) -> Value<B> {
    let (shape, w_shape) = (operands.shape(0).to_vec(), operands.shape(1).to_vec());
    let mut x = operands.take(0);
    let mut amounts: Vec<usize> = padding.iter().map(|p| p.0).collect();
    if padding.iter().any(|p| p.0 != p.1) {
        let pads: Vec<(i64, i64)> =
            [(0, 0); 2].into_iter().chain(padding.iter().map(|&(a, b)| (a as i64, b as i64))).collect();
        x = pad(x, &shape, PadMode::Constant(0.0), &pads, place);
        amounts = vec![0; padding.len()];
    }
    let bias = (operands.values.len() > 2).then(|| operands.float(2, place));
    let w = operands.take(1);
    if stride.len() == 3 {
        let options = ConvOptions::new(triple(stride, 1), triple(&amounts, 0), triple(dilation, 1), groups);
        return Value::Float(B::conv3d(x.float(place), w.float(place), bias, options));
    }
    let padded: Vec<usize> = x.shape().to_vec();
    let x = x.reshape(&planar(&padded)).float(place);
    let w = w.reshape(&planar(&w_shape)).float(place);
    let geometry =
        ConvGeometry { stride: pair(stride, 1), padding: pair(&amounts, 0), dilation: pair(dilation, 1), groups };
    let y = as_image::<B>(x, |x| B::convolve(x, w, geometry));
    Value::Float(match bias {
        None => y,
        Some(b) => {
            let c = w_shape[0];
            B::float_add(y, B::float_reshape(b, [1, c, 1, 1].into()))
        }
    })
}

#[allow(clippy::too_many_arguments, reason = "the settings of the primitive")]
fn conv_transpose<B: Kernels>(
    operands: &mut Operands<'_, B>,
    output: &[usize],
    stride: &[usize],
    padding: &[usize],
    output_padding: &[usize],
    dilation: &[usize],
    groups: usize,
    place: &Place<B>,
) -> Value<B> {
    let (shape, w_shape) = (operands.shape(0).to_vec(), operands.shape(1).to_vec());
    let bias = (operands.values.len() > 2).then(|| operands.float(2, place));
    let (x, w) = (operands.take(0), operands.take(1));
    if stride.len() == 3 {
        let options = ConvTransposeOptions::new(
            triple(stride, 1),
            triple(padding, 0),
            triple(output_padding, 0),
            triple(dilation, 1),
            groups,
        );
        return Value::Float(B::conv_transpose3d(x.float(place), w.float(place), bias, options));
    }
    let x = x.reshape(&planar(&shape)).float(place);
    let w = w.reshape(&planar(&w_shape)).float(place);
    let geometry =
        ConvGeometry { stride: pair(stride, 1), padding: pair(padding, 0), dilation: pair(dilation, 1), groups };
    let to = planar(output);
    let channels = to[1];
    let to = if B::CHANNELS_LAST { [to[0], to[2], to[3], to[1]] } else { [to[0], to[1], to[2], to[3]] };
    let y = as_image::<B>(x, |x| B::convolve_dx(to, w, x, geometry));
    Value::Float(match bias {
        None => y,
        Some(b) => B::float_add(y, B::float_reshape(b, [1, channels, 1, 1].into())),
    })
}

struct Window<'a> {
    kernel: &'a [usize],
    stride: &'a [usize],
    padding: &'a [usize],
    dilation: &'a [usize],
}

impl Window<'_> {
    /// How far the last window reaches beyond the input and its left padding; negative where input is left over.
    fn right(&self, d: usize, size: usize, windows: usize) -> i64 {
        let reach = (windows - 1) * self.stride[d] + self.dilation[d] * (self.kernel[d] - 1) + 1;
        reach as i64 - (size + self.padding[d]) as i64
    }

    /// Padding that makes every window whole; what no window reads is kept.
    fn pads(&self, shape: &[usize], output: &[usize]) -> Vec<(i64, i64)> {
        let spatial =
            (0..self.kernel.len()).map(|d| (self.padding[d] as i64, self.right(d, shape[2 + d], output[2 + d]).max(0)));
        [(0, 0); 2].into_iter().chain(spatial).collect()
    }
}

fn max_pool<B: Kernels>(x: Value<B>, shape: &[usize], w: &Window<'_>, output: &[usize], place: &Place<B>) -> Value<B> {
    if w.kernel.len() < 3 {
        let window = PoolWindow {
            kernel: pair(w.kernel, 1),
            stride: pair(w.stride, 1),
            padding: pair(w.padding, 0),
            dilation: pair(w.dilation, 1),
            output: pair(&output[2..], 1),
        };
        let x = x.reshape(&planar(shape)).float(place);
        return Value::Float(as_image::<B>(x, |x| B::max_pool(x, window).0)).reshape(output);
    }
    let pads = w.pads(shape, output);
    let x = if pads.iter().any(|&p| p != (0, 0)) {
        pad(x, shape, PadMode::Constant(f64::NEG_INFINITY), &pads, place)
    } else {
        x
    };
    // The maximum is separable: the taps of one dimension after the other.
    let mut x = x;
    for d in 0..w.kernel.len() {
        let axis = 2 + d;
        let taps: Vec<i64> = (0..output[axis])
            .flat_map(|i| (0..w.kernel[d]).map(move |k| (i, k)))
            .map(|(i, k)| (i * w.stride[d] + k * w.dilation[d]) as i64)
            .collect();
        let n = taps.len();
        x = x.select(axis, place.ints(taps, &[n]));
        let mut split = x.shape().to_vec();
        split[axis] = output[axis];
        split.insert(axis + 1, w.kernel[d]);
        let kept: Vec<usize> = split.iter().enumerate().filter(|(i, _)| *i != axis + 1).map(|(_, &s)| s).collect();
        x = reduce::reduce(ReduceOp::Max, x.reshape(&split), &split, &[axis + 1], place).reshape(&kept);
    }
    x
}

fn avg_pool<B: Kernels>(
    x: Value<B>,
    shape: &[usize],
    w: &Window<'_>,
    output: &[usize],
    count_include_pad: bool,
    divisor: Option<usize>,
    place: &Place<B>,
) -> Value<B> {
    let spatial = w.kernel.len();
    let unpadded = (0..spatial).all(|d| w.padding[d] == 0 && w.right(d, shape[2 + d], output[2 + d]) <= 0);
    if spatial < 3 && unpadded {
        let x = x.reshape(&planar(shape)).float(place);
        let y = B::avg_pool2d(x, pair(w.kernel, 1), pair(w.stride, 1), [0, 0], true, false);
        let y = match divisor {
            None => y,
            Some(n) => B::float_mul_scalar(y, (w.kernel.iter().product::<usize>() as f64 / n as f64).into()),
        };
        return Value::Float(y).reshape(output);
    }
    let matrices = (0..spatial)
        .map(|d| {
            let (n, p) = (shape[2 + d], w.padding[d]);
            let mut m = vec![0.0; n * output[2 + d]];
            for o in 0..output[2 + d] {
                let start = o * w.stride[d];
                // PyTorch clips the window at the padded size, then at the input.
                let end = (start + w.kernel[d]).min(n + 2 * p);
                let (first, last) = (start.max(p) - p, end.saturating_sub(p).min(n));
                let count = if count_include_pad { end - start } else { last.saturating_sub(first) };
                let weight = if divisor.is_some() { 1.0 } else { 1.0 / count.max(1) as f64 };
                for i in first..last {
                    m[i * output[2 + d] + o] = weight;
                }
            }
            m
        })
        .collect();
    let y = separable(x, shape, matrices, &output[2..], place);
    match divisor {
        None => y,
        Some(n) => Value::Float(B::float_mul_scalar(y.float(place), (1.0 / n as f64).into())),
    }
}

/// Window `i` of `o` over `s` elements.
fn adaptive_window(i: usize, s: usize, o: usize) -> std::ops::Range<usize> {
    i * s / o..((i + 1) * s).div_ceil(o)
}

fn adaptive_avg_pool<B: Kernels>(x: Value<B>, shape: &[usize], size: &[usize], place: &Place<B>) -> Value<B> {
    let spatial = &shape[2..];
    let output = [&shape[..2], size].concat();
    if size.iter().all(|&o| o == 1) {
        let dims: Vec<usize> = (2..shape.len()).collect();
        return reduce::reduce(ReduceOp::Mean, x, shape, &dims, place).reshape(&output);
    }
    if spatial == size {
        return x;
    }
    if size.len() < 3 && spatial.iter().zip(size).all(|(s, &o)| o > 0 && s % o == 0) {
        let kernel: Vec<usize> = spatial.iter().zip(size).map(|(s, o)| s / o).collect();
        let x = x.reshape(&planar(shape)).float(place);
        let y = B::avg_pool2d(x, pair(&kernel, 1), pair(&kernel, 1), [0, 0], true, false);
        return Value::Float(y).reshape(&output);
    }
    let matrices = (0..size.len())
        .map(|d| {
            let (s, o) = (spatial[d], size[d]);
            let mut m = vec![0.0; s * o];
            for i in 0..o {
                let window = adaptive_window(i, s, o);
                let weight = 1.0 / window.len() as f64;
                window.for_each(|j| m[j * o + i] = weight);
            }
            m
        })
        .collect();
    separable(x, shape, matrices, size, place)
}

fn adaptive_max_pool<B: Kernels>(mut x: Value<B>, shape: &[usize], size: &[usize], place: &Place<B>) -> Value<B> {
    let spatial = &shape[2..];
    if size.len() < 3 && spatial.iter().zip(size).all(|(s, &o)| o > 0 && s % o == 0) {
        let kernel: Vec<usize> = spatial.iter().zip(size).map(|(s, o)| s / o).collect();
        let zeros = vec![0; size.len()];
        let ones = vec![1; size.len()];
        let window = Window { kernel: &kernel, stride: &kernel, padding: &zeros, dilation: &ones };
        return max_pool(x, shape, &window, &[&shape[..2], size].concat(), place);
    }
    let mut current = shape.to_vec();
    for (d, &o) in size.iter().enumerate() {
        let axis = 2 + d;
        let mut target = current.clone();
        target[axis] = 1;
        let parts = (0..o)
            .map(|i| {
                let window = adaptive_window(i, current[axis], o);
                let mut part_shape = current.clone();
                part_shape[axis] = window.len();
                let part = x.clone().narrow(current.len(), axis, window);
                reduce::reduce(ReduceOp::Max, part, &part_shape, &[axis], place).reshape(&target)
            })
            .collect();
        x = concat(parts, axis, place);
        current[axis] = o;
    }
    x
}

/// A linear map along each spatial dimension; matrix `d` is `[size before, size after]`, row-major.
fn separable<B: Kernels>(
    x: Value<B>,
    shape: &[usize],
    matrices: Vec<Vec<f64>>,
    size: &[usize],
    place: &Place<B>,
) -> Value<B> {
    let mut current = shape.to_vec();
    let mut x = x.float(place);
    for (d, m) in matrices.into_iter().enumerate() {
        let axis = 2 + d;
        let (before, after) = (current[axis], size[d]);
        let rank = current.len();
        let matrix = place.floats_like(m.iter().map(|&v| v as f32).collect(), &[before, after], &x);
        let last = axis == rank - 1;
        if !last {
            x = B::float_swap_dims(x, axis, rank - 1);
        }
        let rows = current.iter().product::<usize>() / before;
        x = B::float_matmul(B::float_reshape(x, [rows, before].into()), matrix);
        let mut moved = current.clone();
        moved.swap(axis, rank - 1);
        moved[rank - 1] = after;
        x = B::float_reshape(x, moved.into());
        if !last {
            x = B::float_swap_dims(x, axis, rank - 1);
        }
        current[axis] = after;
    }
    Value::Float(x)
}

fn interpolate<B: Kernels>(
    x: Value<B>,
    shape: &[usize],
    size: &[usize],
    mode: InterpolateMode,
    align_corners: bool,
    scales: Option<&[f64]>,
    place: &Place<B>,
) -> Value<B> {
    let spatial = &shape[2..];
    if mode == InterpolateMode::Area {
        return adaptive_avg_pool(x, shape, size, place);
    }
    let axes: Vec<Axis> = (0..size.len())
        .map(|d| Axis {
            before: spatial[d],
            after: size[d],
            scale: scales.and_then(|s| s.get(d)).copied(),
            align_corners,
        })
        .collect();
    match mode {
        InterpolateMode::Nearest | InterpolateMode::NearestExact => {
            let mut x = x;
            for (d, axis) in axes.iter().enumerate() {
                let index: Vec<i64> =
                    (0..axis.after).map(|i| axis.nearest(i, mode == InterpolateMode::NearestExact)).collect();
                x = x.select(2 + d, place.ints(index, &[axis.after]));
            }
            x
        }
        _ => {
            let cubic = mode == InterpolateMode::Cubic;
            let matrices = axes.iter().map(|a| if cubic { a.cubic() } else { a.linear() }).collect();
            separable(x, shape, matrices, size, place)
        }
    }
}

/// One dimension of a resize.
struct Axis {
    before: usize,
    after: usize,
    scale: Option<f64>,
    align_corners: bool,
}

impl Axis {
    /// Input elements for each output element, where corners are not aligned.
    fn ratio(&self) -> f64 {
        match self.scale {
            Some(s) if s > 0.0 => 1.0 / s,
            _ => self.before as f64 / self.after as f64,
        }
    }

    fn nearest(&self, i: usize, exact: bool) -> i64 {
        let offset = if exact { 0.5 } else { 0.0 };
        // In f32, as PyTorch computes it: ties at whole numbers fall as they do there.
        let position = ((i as f32 + offset) * self.ratio() as f32).floor() as i64;
        position.clamp(0, self.before as i64 - 1)
    }

    /// Where output element `i` samples the input.
    fn position(&self, i: usize) -> f64 {
        if self.align_corners {
            let step = if self.after > 1 { (self.before - 1) as f64 / (self.after - 1) as f64 } else { 0.0 };
            return i as f64 * step;
        }
        (i as f64 + 0.5) * self.ratio() - 0.5
    }

    fn linear(&self) -> Vec<f64> {
        let mut m = vec![0.0; self.before * self.after];
        for i in 0..self.after {
            let p = self.position(i).max(0.0);
            let low = (p.floor() as usize).min(self.before - 1);
            let high = (low + 1).min(self.before - 1);
            let t = (p - low as f64).clamp(0.0, 1.0);
            m[low * self.after + i] += 1.0 - t;
            m[high * self.after + i] += t;
        }
        m
    }

    /// Keys' kernel with a = −0.75, the border repeated.
    fn cubic(&self) -> Vec<f64> {
        const A: f64 = -0.75;
        let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
        let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
        let mut m = vec![0.0; self.before * self.after];
        for i in 0..self.after {
            let p = self.position(i);
            let base = p.floor();
            let t = p - base;
            for (k, weight) in [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)].into_iter().enumerate() {
                let j = (base as i64 + k as i64 - 1).clamp(0, self.before as i64 - 1) as usize;
                m[j * self.after + i] += weight;
            }
        }
        m
    }
}
