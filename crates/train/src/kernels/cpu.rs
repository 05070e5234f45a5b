//! The CPU backend's kernels: f32, images `[N, H, W, C]`.
//!
//! Channels are the vector everywhere, so that no kernel gathers, shuffles or pads. Convolutions are register tiles on rows of
//! channels (`conv`, `micro`), Winograd's method where it applies (`winograd`), rows times weights where each channel is for
//! itself (`depthwise`). Sums that cross threads are made in a number of parts that depends on the shape alone: results do not
//! depend on how many threads there are. Other element types take the composed forms.

mod blocks;
mod conv;
mod depthwise;
mod group;
mod isa;
mod matrix;
mod micro;
mod norm;
mod pointwise;
mod pool;
mod rearrange;
mod reduce;
mod small;
mod spread;
mod tiles;
mod update;
mod vector;
mod winograd;

use super::{Average, BatchNorm, ConvGeometry, GroupNorm, Kernels, Later, Normalised, Outer, PoolWindow, composed};
use crate::optim::rule::Rule;
use archsmith_ir::prim::UnaryOp;
use burn::backend::Flex;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::ops::{FloatTensor, FloatTensorOps, IntTensor};
use burn::tensor::{Bytes, DType, Shape, TensorMetadata};

pub(super) use blocks::clear as release_memory;

/// Bytes of working memory that a convolution of an image `x` takes in its three passes, besides operands and results; nothing
/// where it has no kernel here.
pub(crate) fn convolution_work(x: &[usize], w: &[usize], g: ConvGeometry) -> [u64; 3] {
    conv::Sizes::new(x, w, g).map_or([0; 3], |c| conv::work(&c).map(|n| (n * size_of::<f32>()) as u64))
}

fn all_f32(tensors: &[&FlexTensor]) -> bool {
    tensors.iter().all(|t| t.dtype() == DType::F32)
}

/// `[N, H, W, C]` as `[N, C, H, W]`, for the composed forms.
fn channels_first(x: FlexTensor) -> FlexTensor {
    Flex::float_permute(x, &[0, 3, 1, 2]).to_contiguous()
}

/// `[N, C, H, W]` as `[N, H, W, C]`.
fn channels_last(x: FlexTensor) -> FlexTensor {
    Flex::float_permute(x, &[0, 2, 3, 1]).to_contiguous()
}

/// A contiguous tensor of these values.
fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), DType::F32)
}

/// A tensor whose values may be changed: its own memory where nobody else reads it, else a copy.
fn owned(x: FlexTensor) -> FlexTensor {
    let contiguous = x.to_contiguous();
    drop(x);
    if contiguous.is_unique() {
        return contiguous;
    }
    let shape = contiguous.shape().to_vec();
    let mut copy = blocks::buffer(shape.iter().product());
    copy.copy_from_slice(contiguous.storage());
    tensor(copy, shape)
}

/// Runs `f` on the values of a tensor that may be changed, see [`owned`].
fn changed(x: FlexTensor, f: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut x = owned(x);
    f(x.storage_mut());
    x
}

/// Runs an update on a parameter's value and moments and the number that its gradient is multiplied with.
fn in_place(
    value: FlexTensor,
    moments: Vec<FlexTensor>,
    factor: Option<FlexTensor>,
    f: impl FnOnce(&mut [f32], Vec<&mut [f32]>, f32),
) -> (FlexTensor, Vec<FlexTensor>) {
    let factor = factor.map_or(1.0, |f| f.to_contiguous().storage::<f32>()[0]);
    let mut moments: Vec<FlexTensor> = moments.into_iter().map(owned).collect();
    let value = changed(value, |value| f(value, moments.iter_mut().map(|m| m.storage_mut()).collect(), factor));
    (value, moments)
}

/// Height, width and channels.
fn extent(shape: &[usize]) -> (usize, usize, usize) {
    (shape[1], shape[2], shape[3])
}

impl Kernels for Flex {
    type Plain = Self;

    const CHANNELS_LAST: bool = true;

    fn convolve(x: FloatTensor<Self>, w: FloatTensor<Self>, g: ConvGeometry) -> FloatTensor<Self> {
        let Some(c) = conv::Sizes::new(&x.shape(), &w.shape(), g).filter(|_| all_f32(&[&x, &w])) else {
            return channels_last(composed::convolve::<Self>(channels_first(x), w, g));
        };
        let (x, w) = (x.to_contiguous(), w.to_contiguous());
        tensor(conv::forward(x.storage(), w.storage(), &c), vec![c.n, c.oh, c.ow, c.o])
    }

    fn convolve_dx(
        shape: [usize; 4],
        w: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        g: ConvGeometry,
    ) -> FloatTensor<Self> {
        let Some(c) = conv::Sizes::new(&shape, &w.shape(), g).filter(|_| all_f32(&[&dy, &w])) else {
            let [n, h, width, c] = shape;
            return channels_last(composed::convolve_dx::<Self>([n, c, h, width], w, channels_first(dy), g));
        };
        let c = c.with_output(&dy.shape());
        let (dy, w) = (dy.to_contiguous(), w.to_contiguous());
        tensor(conv::backward_x(dy.storage(), w.storage(), &c), shape.to_vec())
    }

    fn convolve_dw(
        x: FloatTensor<Self>,
        shape: [usize; 4],
        dy: FloatTensor<Self>,
        g: ConvGeometry,
    ) -> FloatTensor<Self> {
        let Some(c) = conv::Sizes::new(&x.shape(), &shape, g).filter(|_| all_f32(&[&dy, &x])) else {
            return composed::convolve_dw::<Self>(channels_first(x), shape, channels_first(dy), g);
        };
        let c = c.with_output(&dy.shape());
        let (dy, x) = (dy.to_contiguous(), x.to_contiguous());
        tensor(conv::backward_w(x.storage(), dy.storage(), &c), shape.to_vec())
    }

    fn max_pool(x: FloatTensor<Self>, w: PoolWindow) -> (FloatTensor<Self>, IntTensor<Self>) {
        let shape = x.shape().to_vec();
        if !all_f32(&[&x]) || w.kernel[0] * w.kernel[1] > 256 {
            let (y, places) = composed::max_pool::<Self>(channels_first(x), w);
            return (channels_last(y), places);
        }
        let (y, places) = pool::forward(x.to_contiguous().storage(), extent(&shape), &w);
        let shape = vec![shape[0], w.output[0], w.output[1], shape[3]];
        let layout = Layout::contiguous(Shape::from(shape.clone()));
        (tensor(y, shape), FlexTensor::new(Bytes::from_elems(places), layout, DType::U8))
    }

    fn max_pool_backward(
        shape: [usize; 4],
        places: IntTensor<Self>,
        dy: FloatTensor<Self>,
        w: PoolWindow,
    ) -> FloatTensor<Self> {
        // The composed form keeps its own kind of places.
        if places.dtype() != DType::U8 {
            let [n, h, width, c] = shape;
            let dy = channels_first(dy);
            return channels_last(composed::max_pool_backward::<Self>([n, c, h, width], places, dy, w));
        }
        tensor(pool::backward(dy.to_contiguous().storage(), places.storage(), extent(&shape), &w), shape.to_vec())
    }

    fn average(x: FloatTensor<Self>, a: &Average) -> FloatTensor<Self> {
        if !all_f32(&[&x]) {
            return channels_last(composed::average::<Self>(channels_first(x), a));
        }
        let shape = x.shape().to_vec();
        let y = pool::average(x.to_contiguous().storage(), extent(&shape), a);
        tensor(y, vec![shape[0], a.rows.len(), a.columns.len(), shape[3]])
    }

    fn average_backward(shape: [usize; 4], dy: FloatTensor<Self>, a: &Average) -> FloatTensor<Self> {
        if !all_f32(&[&dy]) {
            let [n, h, width, c] = shape;
            return channels_last(composed::average_backward::<Self>([n, c, h, width], channels_first(dy), a));
        }
        tensor(pool::average_backward(dy.to_contiguous().storage(), extent(&shape), a), shape.to_vec())
    }

    fn joins(op: UnaryOp) -> bool {
        pointwise::knows(op)
    }

    fn batch_norm(input: BatchNorm<Self>) -> Normalised<Self> {
        let BatchNorm { x, weight, bias, residual, activation, eps } = input;
        if !all_f32(&[&x, &weight, &bias]) {
            let image = x.shape().num_dims() == 4;
            let first = |t: FlexTensor| if image { channels_first(t) } else { t };
            let residual = residual.map(first);
            let input = BatchNorm { x: first(x), weight, bias, residual, activation, eps };
            let (y, mean, variance) = composed::batch_norm::<Self>(input);
            return (if image { channels_last(y) } else { y }, mean, variance);
        }
        let shape = x.shape().to_vec();
        let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let residual = residual.map(|r| r.to_contiguous());
        let c = weight.shape()[0];
        let moments = norm::moments(x.storage(), c);
        let mean: Vec<f32> = moments.iter().map(|m| m.0 as f32).collect();
        let variance: Vec<f32> = moments.iter().map(|m| m.1 as f32).collect();
        let affine = norm::Affine::new(&mean, &variance, weight.storage(), bias.storage(), eps);
        let y = affine.apply(x.storage(), residual.as_ref().map(|r| r.storage()), activation);
        (tensor(y, shape), tensor(mean, vec![c]), tensor(variance, vec![c]))
    }

    fn batch_norm_backward(
        input: BatchNorm<Self>,
        y: Option<FloatTensor<Self>>,
        statistics: (FloatTensor<Self>, FloatTensor<Self>),
        dy: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 4] {
        if !all_f32(&[&input.x, &input.weight, &dy]) {
            let image = input.x.shape().num_dims() == 4;
            let first = |t: FlexTensor| if image { channels_first(t) } else { t };
            let last = |t: FlexTensor| if image { channels_last(t) } else { t };
            let input = BatchNorm { x: first(input.x), residual: None, ..input };
            let [dx, dw, db, dr] = composed::batch_norm_backward::<Self>(input, y.map(first), statistics, first(dy));
            return [last(dx), dw, db, last(dr)];
        }
        let BatchNorm { x, weight, bias, residual, activation, eps } = input;
        let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let (mean, variance) = (statistics.0.to_contiguous(), statistics.1.to_contiguous());
        let c = weight.shape()[0];
        // With a result at hand, it says where the rectifier was open, and the residual's gradient is the masked one.
        let (dy, activation) = match (activation, y) {
            (Some(_), Some(y)) => {
                let y = y.to_contiguous();
                (changed(dy, |dy| norm::Backward::mask_by_result(dy, y.storage())), None)
            }
            (activation, _) => (dy, activation),
        };
        // The placeholder for a residual that is not there; nobody asks for its gradient.
        let residual = if residual.is_some() { dy.clone() } else { bias.clone() };
        let backward = norm::Backward {
            x: x.storage(),
            weight: weight.storage(),
            bias: bias.storage(),
            mean: mean.storage(),
            variance: variance.storage(),
            eps,
        };
        let mut sums = (Vec::new(), Vec::new());
        let dx = changed(dy, |dy| sums = backward.run(dy, activation));
        [dx, tensor(sums.0, vec![c]), tensor(sums.1, vec![c]), residual]
    }

    fn group_norm(input: GroupNorm<Self>) -> Normalised<Self> {
        if !all_f32(&[&input.x, &input.weight, &input.bias]) {
            return composed::group_norm::<Self>(input);
        }
        let GroupNorm { x, weight, bias, sizes, groups, eps } = input;
        let shape = x.shape().to_vec();
        let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let norm = group::Norm { weight: weight.storage(), bias: bias.storage(), sizes, groups, eps };
        let (y, mean, variance) = norm.forward(x.storage());
        let rows = mean.len();
        (tensor(y, shape), tensor(mean, vec![rows]), tensor(variance, vec![rows]))
    }

    fn group_norm_backward(
        input: GroupNorm<Self>,
        statistics: (FloatTensor<Self>, FloatTensor<Self>),
        dy: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        if !all_f32(&[&input.x, &input.weight, &dy]) {
            return composed::group_norm_backward::<Self>(input, statistics, dy);
        }
        let GroupNorm { x, weight, bias, sizes, groups, eps } = input;
        let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let (mean, variance) = (statistics.0.to_contiguous(), statistics.1.to_contiguous());
        let norm = group::Norm { weight: weight.storage(), bias: bias.storage(), sizes, groups, eps };
        let mut sums = (Vec::new(), Vec::new());
        let dx = changed(dy, |dy| sums = norm.backward(x.storage(), mean.storage(), variance.storage(), dy));
        let c = sizes[2];
        [dx, tensor(sums.0, vec![c]), tensor(sums.1, vec![c])]
    }

    /// The library would fill memory twice, at first of another alignment.
    fn zeros_like(x: &FloatTensor<Self>) -> FloatTensor<Self> {
        if !all_f32(&[x]) {
            return Self::float_zeros(x.shape(), &Self::float_device(x), x.dtype().into());
        }
        tensor(vec![0.0; x.shape().num_elements()], x.shape().to_vec())
    }

    fn transpose(x: FloatTensor<Self>) -> FloatTensor<Self> {
        if !all_f32(&[&x]) {
            return Self::float_swap_dims(x, 1, 2).to_contiguous();
        }
        let [b, m, n] = x.shape().dims();
        tensor(rearrange::transpose(x.to_contiguous().storage(), m, n), vec![b, n, m])
    }

    fn activate(op: UnaryOp, x: FloatTensor<Self>) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        if !all_f32(&[&x]) || !pointwise::knows(op) {
            return Err(x);
        }
        let shape = x.shape().to_vec();
        Ok(tensor(pointwise::forward(op, x.to_contiguous().storage()), shape))
    }

    fn activation_keeps_result(op: UnaryOp) -> bool {
        pointwise::by_result(op)
    }

    fn activate_backward(op: UnaryOp, kept: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let kept = kept.to_contiguous();
        changed(dy, |dy| pointwise::backward(op, kept.storage(), dy))
    }

    fn spread(
        product: bool,
        x: FloatTensor<Self>,
        v: FloatTensor<Self>,
        sizes: [usize; 3],
    ) -> Result<FloatTensor<Self>, (FloatTensor<Self>, FloatTensor<Self>)> {
        if !all_f32(&[&x, &v]) {
            return Err((x, v));
        }
        let shape = x.shape().to_vec();
        let (x, v) = (x.to_contiguous(), v.to_contiguous());
        Ok(tensor(spread::forward(product, x.storage(), v.storage(), sizes), shape))
    }

    fn settle(x: FloatTensor<Self>) -> FloatTensor<Self> {
        /// Shorter runs are left to the library, which goes by tiles where there are two dimensions.
        const RUN: usize = 4;
        let blocks = x.layout().strided_blocks();
        let run = blocks.block_len();
        if !all_f32(&[&x]) || x.is_contiguous() || run < RUN || !x.layout().has_positive_strides() {
            return x.to_contiguous();
        }
        let mut y = blocks::buffer(x.shape().num_elements());
        let from: &[f32] = x.storage();
        y.chunks_exact_mut(run).zip(blocks.block_starts()).for_each(|(y, at)| y.copy_from_slice(&from[at..at + run]));
        let shape = x.shape().to_vec();
        tensor(y, shape)
    }

    fn repeat_middle(y: FloatTensor<Self>, p: usize) -> FloatTensor<Self> {
        let [a, _, c] = y.shape().dims();
        if !all_f32(&[&y]) {
            return Self::float_expand(y, [a, p, c].into());
        }
        tensor(reduce::repeat(y.to_contiguous().storage(), [a, p, c]), vec![a, p, c])
    }

    fn extreme_middle(x: FloatTensor<Self>, max: bool) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        let sizes @ [a, p, c] = x.shape().dims();
        if !all_f32(&[&x]) || p == 0 {
            return Err(x);
        }
        Ok(tensor(reduce::extreme(x.to_contiguous().storage(), max, sizes), vec![a, 1, c]))
    }

    fn extreme_middle_backward(x: FloatTensor<Self>, y: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let sizes = x.shape().dims();
        let (x, y, dy) = (x.to_contiguous(), y.to_contiguous(), dy.to_contiguous());
        tensor(reduce::extreme_backward(x.storage(), y.storage(), dy.storage(), sizes), sizes.to_vec())
    }

    fn spread_sums(x: Option<FloatTensor<Self>>, dy: FloatTensor<Self>, sizes: [usize; 3]) -> FloatTensor<Self> {
        if !all_f32(&[&dy]) {
            return composed::spread_sums::<Self>(x, dy, sizes);
        }
        let x = x.map(|x| x.to_contiguous());
        let sums = spread::sums(x.as_ref().map(|x| x.storage()), dy.to_contiguous().storage(), sizes);
        let n = sums.len();
        tensor(sums, vec![n])
    }

    fn update(
        rule: &Rule<'_>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        factor: Option<FloatTensor<Self>>,
        moments: Vec<FloatTensor<Self>>,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>) {
        if !all_f32(&[&value, &gradient]) {
            return composed::update::<Self>(rule, value, gradient, factor, moments);
        }
        let gradient = gradient.to_contiguous();
        in_place(value, moments, factor, |value, moments, factor| {
            update::update(rule, value, gradient.storage(), factor, moments);
        })
    }

    fn linear_forward(x: FloatTensor<Self>, w: FloatTensor<Self>, _: Option<Later<Self>>) -> FloatTensor<Self> {
        if !all_f32(&[&x, &w]) {
            return composed::linear::<Self>(x, w);
        }
        let (x, w) = (x.to_contiguous(), w.to_contiguous());
        let [m, k] = x.shape().dims();
        let n = w.shape().num_elements() / k.max(1);
        tensor(matrix::linear(x.storage(), w.storage(), [m, n, k]), vec![m, n])
    }

    fn linear_dx(dy: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        if !all_f32(&[&dy, &w]) {
            return composed::linear_dx::<Self>(dy, w);
        }
        let (dy, w) = (dy.to_contiguous(), w.to_contiguous());
        let [m, n] = dy.shape().dims();
        let k = w.shape().num_elements() / n.max(1);
        tensor(matrix::linear_dx(dy.storage(), w.storage(), [m, n, k]), vec![m, k])
    }

    fn linear_dw(gradient: Outer<Self>) -> FloatTensor<Self> {
        if !all_f32(&[&gradient.dy, &gradient.x]) {
            return composed::linear_dw::<Self>(gradient);
        }
        let (dy, x) = (gradient.dy.to_contiguous(), gradient.x.to_contiguous());
        let ([m, n], [_, k]) = (dy.shape().dims(), x.shape().dims());
        tensor(matrix::linear_dw(dy.storage(), x.storage(), [m, n, k]), vec![n, k])
    }

    fn outer_squares(gradient: Outer<Self>) -> FloatTensor<Self> {
        let (dy, x) = (gradient.dy.to_contiguous(), gradient.x.to_contiguous());
        let m = x.shape()[0];
        tensor(vec![matrix::outer_squares(dy.storage(), x.storage(), m)], vec![1])
    }

    fn update_outer(
        rule: &Rule<'_>,
        value: FloatTensor<Self>,
        gradient: Outer<Self>,
        factor: Option<FloatTensor<Self>>,
        moments: Vec<FloatTensor<Self>>,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>) {
        let (dy, x) = (gradient.dy.to_contiguous(), gradient.x.to_contiguous());
        let (m, k) = (x.shape()[0], x.shape()[1]);
        in_place(value, moments, factor, |value, moments, factor| {
            let gradient = update::Product { dy: dy.storage(), x: x.storage(), m, k };
            update::by_product(rule, value, gradient, factor, moments);
        })
    }
}
