//! The CPU backend's kernels, f32, NCHW.
//!
//! Convolution: the taps of a tile of output rows are gathered into a matrix that fits the cache (im2col), and a matrix
//! product does the rest; images go to threads. Pointwise convolutions need no gathering, depthwise ones no product.
//! Gradients of weights are summed over a number of parts that depends on the shape alone, in order: results do not depend on
//! how many threads there are. Batch normalisation reads its input once for the statistics and once for the result.

mod conv;
mod norm;
mod pool;

use super::{ConvGeometry, Kernels, PoolWindow, composed};
use burn::backend::Flex;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{Bytes, DType, Shape, TensorMetadata};

fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), DType::F32)
}

fn all_f32(tensors: &[&FlexTensor]) -> bool {
    tensors.iter().all(|t| t.dtype() == DType::F32)
}

/// One plane of a maximum pool, for the tests.
#[cfg(test)]
pub(super) fn max_pool_plane(x: &[f32], h: usize, width: usize, w: &PoolWindow) -> (Vec<f32>, Vec<i32>) {
    pool::forward(x, h, width, w)
}

impl Kernels for Flex {
    fn convolve(x: FloatTensor<Self>, w: FloatTensor<Self>, g: ConvGeometry) -> FloatTensor<Self> {
        let Some(c) = conv::Sizes::new(&x.shape(), &w.shape(), g).filter(|_| all_f32(&[&x, &w])) else {
            return composed::convolve::<Self>(x, w, g);
        };
        let (x, w) = (x.to_contiguous(), w.to_contiguous());
        tensor(conv::forward(x.storage(), w.storage(), &c), vec![c.n, c.o, c.oh, c.ow])
    }

    fn convolve_dx(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        g: ConvGeometry,
    ) -> FloatTensor<Self> {
        let Some(c) = conv::Sizes::new(&x.shape(), &w.shape(), g).filter(|_| all_f32(&[&dy, &w])) else {
            return composed::convolve_dx::<Self>(x, w, dy, g);
        };
        let (dy, w) = (dy.to_contiguous(), w.to_contiguous());
        tensor(conv::backward_x(dy.storage(), w.storage(), &c), vec![c.n, c.c, c.h, c.w])
    }

    fn convolve_dw(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        g: ConvGeometry,
    ) -> FloatTensor<Self> {
        let Some(c) = conv::Sizes::new(&x.shape(), &w.shape(), g).filter(|_| all_f32(&[&dy, &x])) else {
            return composed::convolve_dw::<Self>(x, w, dy, g);
        };
        let (dy, x) = (dy.to_contiguous(), x.to_contiguous());
        tensor(conv::backward_w(x.storage(), dy.storage(), &c), vec![c.o, c.c / c.groups, c.kh, c.kw])
    }

    fn max_pool(x: FloatTensor<Self>, w: PoolWindow) -> (FloatTensor<Self>, IntTensor<Self>) {
        let [n, c, h, width] = x.shape().dims();
        if !all_f32(&[&x]) || i32::try_from(h * width).is_err() {
            return composed::max_pool::<Self>(x, w);
        }
        let (y, places) = pool::forward(x.to_contiguous().storage(), h, width, &w);
        let shape = vec![n, c, w.output[0], w.output[1]];
        let layout = Layout::contiguous(Shape::from(shape.clone()));
        (tensor(y, shape), FlexTensor::new(Bytes::from_elems(places), layout, DType::I32))
    }

    fn max_pool_backward(
        x: FloatTensor<Self>,
        places: IntTensor<Self>,
        dy: FloatTensor<Self>,
        w: PoolWindow,
    ) -> FloatTensor<Self> {
        // The composed form keeps its own kind of places.
        if places.dtype() != DType::I32 || !all_f32(&[&dy]) {
            return composed::max_pool_backward::<Self>(x, places, dy, w);
        }
        let [n, c, h, width] = x.shape().dims();
        let dx = pool::backward(dy.to_contiguous().storage(), places.storage(), h, width, &w);
        tensor(dx, vec![n, c, h, width])
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !all_f32(&[&x, &weight, &bias]) {
            return composed::batch_norm::<Self>(x, weight, bias, eps);
        }
        let [n, c, s] = x.shape().dims();
        let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let moments = norm::moments(x.storage(), n, c, s);
        let y = norm::apply(x.storage(), c, s, &moments, weight.storage(), bias.storage(), eps);
        let mean = moments.iter().map(|m| m.0 as f32).collect();
        let variance = moments.iter().map(|m| m.1 as f32).collect();
        (tensor(y, vec![n, c, s]), tensor(mean, vec![c]), tensor(variance, vec![c]))
    }

    fn batch_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        statistics: (FloatTensor<Self>, FloatTensor<Self>),
        dy: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !all_f32(&[&x, &weight, &dy, &statistics.0, &statistics.1]) {
            return composed::batch_norm_backward::<Self>(x, weight, statistics, dy, eps);
        }
        let [n, c, s] = x.shape().dims();
        let (x, dy, weight) = (x.to_contiguous(), dy.to_contiguous(), weight.to_contiguous());
        let (mean, variance) = (statistics.0.to_contiguous(), statistics.1.to_contiguous());
        let input = norm::Backward {
            x: x.storage(),
            dy: dy.storage(),
            weight: weight.storage(),
            mean: mean.storage(),
            variance: variance.storage(),
            sizes: (n, c, s),
            eps,
        };
        let (dx, dw, db) = input.run();
        (tensor(dx, vec![n, c, s]), tensor(dw, vec![c]), tensor(db, vec![c]))
    }
}
