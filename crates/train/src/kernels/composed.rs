//! The functions of [`super::Kernels`] on a backend's own operations.

use super::{Average, BatchNorm, ConvGeometry, GroupNorm, Kernels, Normalised, Outer, PoolWindow};
use crate::optim::rule::{Formula, Rule, Visit};
use burn::tensor::backend::Backend;
use burn::tensor::ops::{ConvOptions, FloatTensor, IntTensor};
use burn::tensor::{Slice, Tensor, TensorData, TensorMetadata, TensorPrimitive};

fn options(g: ConvGeometry) -> ConvOptions<2> {
    ConvOptions::new(g.stride, g.padding, g.dilation, g.groups)
}

pub(super) fn convolve<B: Backend>(x: FloatTensor<B>, w: FloatTensor<B>, g: ConvGeometry) -> FloatTensor<B> {
    B::conv2d(x, w, None, options(g))
}

/// A tensor that only has a shape.
fn like<B: Backend>(shape: &[usize], other: &FloatTensor<B>) -> FloatTensor<B> {
    B::float_zeros(shape.to_vec().into(), &B::float_device(other), other.dtype().into())
}

pub(super) fn convolve_dx<B: Backend>(
    shape: [usize; 4],
    w: FloatTensor<B>,
    dy: FloatTensor<B>,
    g: ConvGeometry,
) -> FloatTensor<B> {
    B::conv2d_x_backward(like::<B>(&shape, &dy), w, dy, options(g))
}

pub(super) fn convolve_dw<B: Backend>(
    x: FloatTensor<B>,
    shape: [usize; 4],
    dy: FloatTensor<B>,
    g: ConvGeometry,
) -> FloatTensor<B> {
    let w = like::<B>(&shape, &dy);
    B::conv2d_weight_backward(x, w, dy, options(g))
}

/// The matrix of a window rule, `[inputs, windows]`.
fn matrix<B: Backend>(
    windows: &[(std::ops::Range<usize>, f32)],
    inputs: usize,
    like: &FloatTensor<B>,
) -> FloatTensor<B> {
    let mut m = vec![0.0f32; inputs * windows.len()];
    for (j, (range, factor)) in windows.iter().enumerate() {
        range.clone().for_each(|i| m[i * windows.len() + j] = *factor);
    }
    let m = B::float_from_data(TensorData::new(m, [1, inputs, windows.len()]), &B::float_device(like));
    B::float_cast(m, like.dtype().into())
}

/// Averages of `[N, C, H, W]` as two matrix products.
pub(super) fn average<B: Backend>(x: FloatTensor<B>, a: &Average) -> FloatTensor<B> {
    let [n, c, h, w] = x.shape().dims();
    let (oh, ow) = (a.rows.len(), a.columns.len());
    let columns = matrix::<B>(&a.columns, w, &x);
    let rows = matrix::<B>(&a.rows, h, &x);
    let x = B::float_matmul(B::float_reshape(x, [1, n * c * h, w].into()), columns);
    let x = B::float_swap_dims(B::float_reshape(x, [n * c, h, ow].into()), 1, 2);
    let x = B::float_matmul(B::float_reshape(x, [1, n * c * ow, h].into()), rows);
    let x = B::float_swap_dims(B::float_reshape(x, [n * c, ow, oh].into()), 1, 2);
    B::float_reshape(x, [n, c, oh, ow].into())
}

pub(super) fn average_backward<B: Backend>(shape: [usize; 4], dy: FloatTensor<B>, a: &Average) -> FloatTensor<B> {
    let [n, c, h, w] = shape;
    let (oh, ow) = (a.rows.len(), a.columns.len());
    let columns = B::float_swap_dims(matrix::<B>(&a.columns, w, &dy), 1, 2);
    let rows = B::float_swap_dims(matrix::<B>(&a.rows, h, &dy), 1, 2);
    let x = B::float_matmul(B::float_reshape(dy, [1, n * c * oh, ow].into()), columns);
    let x = B::float_swap_dims(B::float_reshape(x, [n * c, oh, w].into()), 1, 2);
    let x = B::float_matmul(B::float_reshape(x, [1, n * c * w, oh].into()), rows);
    let x = B::float_swap_dims(B::float_reshape(x, [n * c, w, h].into()), 1, 2);
    B::float_reshape(x, [n, c, h, w].into())
}

/// Sums over batch and space, as `[1, C, 1]`.
fn channel_sum<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sum_dim(B::float_sum_dim(x, 2), 0)
}

fn channels<B: Backend>(v: FloatTensor<B>) -> FloatTensor<B> {
    let c = v.shape()[0];
    B::float_reshape(v, [1, c, 1].into())
}

fn flat<B: Backend>(v: FloatTensor<B>) -> FloatTensor<B> {
    let c = v.shape()[1];
    B::float_reshape(v, [c].into())
}

fn count<B: Backend>(x: &FloatTensor<B>) -> f64 {
    let s = x.shape();
    (s[0] * s[2]) as f64
}

/// `1 / √(variance + eps)` of each channel, `[1, C, 1]`.
fn inverse_deviation<B: Backend>(variance: FloatTensor<B>, eps: f64) -> FloatTensor<B> {
    channels::<B>(inverse_root::<B>(variance, eps))
}

/// An image or `[N, C]` as `[N, C, S]`.
fn spatial<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let shape = x.shape();
    let s: usize = shape[2..].iter().product();
    let (n, c) = (shape[0], shape[1]);
    B::float_reshape(x, [n, c, s].into())
}

pub(super) fn batch_norm<B: Kernels>(input: BatchNorm<B>) -> Normalised<B> {
    let shape = input.x.shape();
    let x = spatial::<B>(input.x);
    let factor = 1.0 / count::<B>(&x);
    let mean = B::float_mul_scalar(channel_sum::<B>(x.clone()), factor.into());
    let centred = B::float_sub(x, mean.clone());
    let square = B::float_mul(centred.clone(), centred.clone());
    let variance = flat::<B>(B::float_mul_scalar(channel_sum::<B>(square), factor.into()));
    let scale = B::float_mul(channels::<B>(input.weight), inverse_deviation::<B>(variance.clone(), input.eps));
    let y = B::float_reshape(B::float_add(B::float_mul(centred, scale), channels::<B>(input.bias)), shape);
    let y = match input.residual {
        Some(r) => B::float_add(y, r),
        None => y,
    };
    let y = match input.activation {
        Some(op) => B::activate(op, y).unwrap_or_else(B::relu),
        None => y,
    };
    (y, flat::<B>(mean), variance)
}

/// With `x̂ = (x − mean)·r`: `dw = Σ dy·x̂`, `db = Σ dy`, `dx = w·r·(dy − db/M − x̂·dw/M)` (Ioffe and Szegedy 2015, section 3).
pub(super) fn batch_norm_backward<B: Kernels>(
    input: BatchNorm<B>,
    y: Option<FloatTensor<B>>,
    statistics: (FloatTensor<B>, FloatTensor<B>),
    dy: FloatTensor<B>,
) -> [FloatTensor<B>; 4] {
    let shape = input.x.shape();
    let dy = match (input.activation, y) {
        (None, _) => dy,
        (Some(_), Some(y)) => B::relu_backward(y, dy),
        (Some(op), None) => {
            let before = BatchNorm { residual: None, activation: None, ..input.clone() };
            let x = batch_norm::<B>(before).0;
            match B::activate(op, x.clone()) {
                Ok(y) => B::activate_backward(op, if B::activation_keeps_result(op) { y } else { x }, dy),
                Err(x) => B::relu_backward(B::relu(x), dy),
            }
        }
    };
    let residual = dy.clone();
    let (x, dy) = (spatial::<B>(input.x), spatial::<B>(dy));
    let factor = 1.0 / count::<B>(&x);
    let r = inverse_deviation::<B>(statistics.1, input.eps);
    let normed = B::float_mul(B::float_sub(x, channels::<B>(statistics.0)), r.clone());
    let dw = channel_sum::<B>(B::float_mul(dy.clone(), normed.clone()));
    let db = channel_sum::<B>(dy.clone());
    let inner = B::float_sub(dy, B::float_mul_scalar(db.clone(), factor.into()));
    let inner = B::float_sub(inner, B::float_mul(normed, B::float_mul_scalar(dw.clone(), factor.into())));
    let dx = B::float_mul(inner, B::float_mul(channels::<B>(input.weight), r));
    [B::float_reshape(dx, shape), flat::<B>(dw), flat::<B>(db), residual]
}

/// Between `[N, P, C]`, where a backend's images have channels last, and `[N, C, P]`.
fn channel_rows<B: Kernels>(x: FloatTensor<B>, from: [usize; 3]) -> FloatTensor<B> {
    let x = B::float_reshape(x, from.into());
    if B::CHANNELS_LAST { B::transpose(x) } else { x }
}

/// The sizes of an operand as the backend has it, and as `[N, C, P]`.
fn orders<B: Kernels>([n, p, c]: [usize; 3]) -> ([usize; 3], [usize; 3]) {
    (if B::CHANNELS_LAST { [n, p, c] } else { [n, c, p] }, [n, c, p])
}

/// Mean over dimension 1 of a matrix.
fn row_mean<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let factor = 1.0 / x.shape()[1] as f64;
    B::float_mul_scalar(B::float_sum_dim(x, 1), factor.into())
}

fn inverse_root<B: Backend>(variance: FloatTensor<B>, eps: f64) -> FloatTensor<B> {
    B::float_recip(B::float_sqrt(B::float_add_scalar(variance, eps.into())))
}

pub(super) fn group_norm<B: Kernels>(input: GroupNorm<B>) -> Normalised<B> {
    let [n, p, c] = input.sizes;
    let (rows, size) = (n * input.groups, c / input.groups * p);
    let (own, first) = orders::<B>(input.sizes);
    let shape = input.x.shape();
    let x = B::float_reshape(channel_rows::<B>(input.x, own), [rows, size].into());
    let mean = row_mean::<B>(x.clone());
    let centred = B::float_sub(x, mean.clone());
    let variance = row_mean::<B>(B::float_mul(centred.clone(), centred.clone()));
    let normed = B::float_mul(centred, inverse_root::<B>(variance.clone(), input.eps));
    let y = B::float_mul(B::float_reshape(normed, first.into()), channels::<B>(input.weight));
    let y = channel_rows::<B>(B::float_add(y, channels::<B>(input.bias)), first);
    (B::float_reshape(y, shape), B::float_reshape(mean, [rows].into()), B::float_reshape(variance, [rows].into()))
}

/// With `x̂ = (x − mean)·r`: `dw = Σ dy·x̂`, `db = Σ dy`, `dx = r·(g − mean(g) − x̂·mean(g·x̂))` of `g = w·dy`, the means over a group
/// (Wu and He 2018 with the derivation of batch normalisation).
pub(super) fn group_norm_backward<B: Kernels>(
    input: GroupNorm<B>,
    statistics: (FloatTensor<B>, FloatTensor<B>),
    dy: FloatTensor<B>,
) -> [FloatTensor<B>; 3] {
    let [n, p, c] = input.sizes;
    let (rows, size) = (n * input.groups, c / input.groups * p);
    let (own, first) = orders::<B>(input.sizes);
    let shape = input.x.shape();
    let x = B::float_reshape(channel_rows::<B>(input.x, own), [rows, size].into());
    let dy = channel_rows::<B>(dy, own);
    let column = |v: FloatTensor<B>| B::float_reshape(v, [rows, 1].into());
    let r = inverse_root::<B>(column(statistics.1), input.eps);
    let normed = B::float_mul(B::float_sub(x, column(statistics.0)), r.clone());
    let by_channel = B::float_mul(dy.clone(), B::float_reshape(normed.clone(), first.into()));
    let (dw, db) = (channel_sum::<B>(by_channel), channel_sum::<B>(dy.clone()));
    let g = B::float_reshape(B::float_mul(dy, channels::<B>(input.weight)), [rows, size].into());
    let inner = B::float_sub(g.clone(), row_mean::<B>(g.clone()));
    let slope = row_mean::<B>(B::float_mul(g, normed.clone()));
    let dx = B::float_mul(B::float_sub(inner, B::float_mul(normed, slope)), r);
    let dx = channel_rows::<B>(B::float_reshape(dx, first.into()), first);
    [B::float_reshape(dx, shape), flat::<B>(dw), flat::<B>(db)]
}

/// The input in a frame of negative infinity that makes every window whole, and where it lies there.
fn framed<B: Backend>(x: FloatTensor<B>, w: PoolWindow) -> (FloatTensor<B>, [Slice; 4]) {
    let shape = x.shape();
    let reach = |d: usize| (w.output[d] - 1) * w.stride[d] + w.dilation[d] * (w.kernel[d] - 1) + 1;
    let size = |d: usize| reach(d).max(w.padding[d] + shape[2 + d]);
    let range = |start: usize, len: usize| Slice::new(start as isize, Some((start + len) as isize), 1);
    let place = [range(0, shape[0]), range(0, shape[1]), range(w.padding[0], shape[2]), range(w.padding[1], shape[3])];
    let full = [shape[0], shape[1], size(0), size(1)];
    if full[..] == shape[..] {
        return (x, place);
    }
    let canvas = B::float_full(full.into(), f64::NEG_INFINITY.into(), &B::float_device(&x), x.dtype().into());
    (B::float_slice_assign(canvas, &place, x), place)
}

pub(super) fn max_pool<B: Backend>(x: FloatTensor<B>, w: PoolWindow) -> (FloatTensor<B>, IntTensor<B>) {
    let (x, _) = framed::<B>(x, w);
    let result = B::max_pool2d_with_indices(x, w.kernel, w.stride, [0, 0], w.dilation, false);
    (result.output, result.indices)
}

pub(super) fn max_pool_backward<B: Backend>(
    shape: [usize; 4],
    places: IntTensor<B>,
    dy: FloatTensor<B>,
    w: PoolWindow,
) -> FloatTensor<B> {
    let (x, place) = framed::<B>(like::<B>(&shape, &dy), w);
    let dx = B::max_pool2d_with_indices_backward(x, w.kernel, w.stride, [0, 0], w.dilation, false, dy, places);
    B::float_slice(dx.x_grad, &place)
}

/// `w [N, K]`, whatever its shape.
fn weight<B: Backend>(w: FloatTensor<B>, k: usize) -> FloatTensor<B> {
    let n = w.shape().num_elements() / k.max(1);
    B::float_reshape(w, [n, k].into())
}

pub(super) fn linear<B: Backend>(x: FloatTensor<B>, w: FloatTensor<B>) -> FloatTensor<B> {
    let w = weight::<B>(w, x.shape()[1]);
    B::float_matmul(x, B::float_swap_dims(w, 0, 1))
}

pub(super) fn linear_dx<B: Backend>(dy: FloatTensor<B>, w: FloatTensor<B>) -> FloatTensor<B> {
    let k = w.shape().num_elements() / dy.shape()[1].max(1);
    B::float_matmul(dy, weight::<B>(w, k))
}

pub(super) fn linear_dw<B: Backend>(gradient: Outer<B>) -> FloatTensor<B> {
    B::float_matmul(B::float_swap_dims(gradient.dy, 0, 1), gradient.x)
}

pub(super) fn spread_sums<B: Backend>(
    x: Option<FloatTensor<B>>,
    dy: FloatTensor<B>,
    [a, p, c]: [usize; 3],
) -> FloatTensor<B> {
    let dy = match x {
        Some(x) => B::float_mul(dy, x),
        None => dy,
    };
    B::float_reshape(B::float_sum_dim(B::float_reshape(dy, [a, p, c].into()), 1), [a * c].into())
}

/// An update on whole tensors: value, gradient, moments.
struct Whole<B: Backend>(Tensor<B, 1>, Tensor<B, 1>, Vec<Tensor<B, 1>>);

impl<B: Backend> Visit for Whole<B> {
    type Result = (FloatTensor<B>, Vec<FloatTensor<B>>);

    fn visit<const K: usize>(self, formula: impl Formula<K>) -> Self::Result {
        let Whole(value, gradient, moments) = self;
        let mut moments: [_; K] = moments.try_into().expect("a tensor for each moment of the rule");
        let value = formula.apply(value, gradient, &mut moments);
        (value.into_primitive().tensor(), moments.into_iter().map(|m| m.into_primitive().tensor()).collect())
    }
}

pub(super) fn update<B: Backend>(
    rule: &Rule<'_>,
    value: FloatTensor<B>,
    gradient: FloatTensor<B>,
    factor: Option<FloatTensor<B>>,
    moments: Vec<FloatTensor<B>>,
) -> (FloatTensor<B>, Vec<FloatTensor<B>>) {
    let gradient = match factor {
        Some(f) => {
            let f = B::float_cast(f, gradient.dtype().into());
            B::float_mul(gradient, f)
        }
        None => gradient,
    };
    let tensor = |x| Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(x));
    rule.with(Whole(tensor(value), tensor(gradient), moments.into_iter().map(tensor).collect()))
}
