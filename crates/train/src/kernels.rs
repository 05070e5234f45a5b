//! Differentiable functions that the tensor library has too slowly or not at all.
//!
//! [`Kernels`] extends a backend. Every function has a composed form on the backend's own operations; the CPU backend
//! overrides them (`cpu`), and `differentiable` gives them gradients. First-order gradients only.

mod composed;
mod cpu;
mod differentiable;
mod matmul;
#[cfg(test)]
mod tests;

use burn::tensor::backend::Backend;
use burn::tensor::ops::{FloatTensor, IntTensor};

/// The settings of a two-dimensional convolution; padding is the same before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Step of the window.
    pub stride: [usize; 2],
    /// Zeros on each side.
    pub padding: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Number of channel groups.
    pub groups: usize,
}

/// The windows of a two-dimensional maximum pool. Padding never wins; a window may reach beyond the right padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolWindow {
    /// Window.
    pub kernel: [usize; 2],
    /// Step of the window.
    pub stride: [usize; 2],
    /// Padding before the input.
    pub padding: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Number of windows.
    pub output: [usize; 2],
}

/// A backend with the functions that training needs beyond the library's.
pub trait Kernels: Backend {
    /// Cross-correlation: `x [N, C, H, W]`, `w [O, C/groups, kh, kw]` → `[N, O, H', W']`.
    fn convolve(x: FloatTensor<Self>, w: FloatTensor<Self>, g: ConvGeometry) -> FloatTensor<Self> {
        composed::convolve::<Self>(x, w, g)
    }

    /// Gradient of [`Kernels::convolve`] for `x`, whose values do not matter but whose shape does.
    fn convolve_dx(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        g: ConvGeometry,
    ) -> FloatTensor<Self> {
        composed::convolve_dx::<Self>(x, w, dy, g)
    }

    /// Gradient of [`Kernels::convolve`] for `w`, whose values do not matter but whose shape does.
    fn convolve_dw(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        g: ConvGeometry,
    ) -> FloatTensor<Self> {
        composed::convolve_dw::<Self>(x, w, dy, g)
    }

    /// Maximum pool: `x [N, C, H, W]` → `[N, C, H', W']`, and whatever [`Kernels::max_pool_backward`] wants to know of the
    /// places of the maxima.
    fn max_pool(x: FloatTensor<Self>, w: PoolWindow) -> (FloatTensor<Self>, IntTensor<Self>) {
        composed::max_pool::<Self>(x, w)
    }

    /// Gradient of [`Kernels::max_pool`] for `x`, whose values do not matter but whose shape does.
    fn max_pool_backward(
        x: FloatTensor<Self>,
        places: IntTensor<Self>,
        dy: FloatTensor<Self>,
        w: PoolWindow,
    ) -> FloatTensor<Self> {
        composed::max_pool_backward::<Self>(x, places, dy, w)
    }

    /// Batch normalisation by batch statistics: `x [N, C, S]`, `weight [C]`, `bias [C]` → the result, the mean and the biased
    /// variance of each channel. The statistics carry no gradient.
    fn batch_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::batch_norm::<Self>(x, weight, bias, eps)
    }

    /// Gradients of [`Kernels::batch_norm`] for x, weight and bias, from its input, statistics and the gradient of its result.
    fn batch_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        statistics: (FloatTensor<Self>, FloatTensor<Self>),
        dy: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::batch_norm_backward::<Self>(x, weight, statistics, dy, eps)
    }
}

#[cfg(feature = "cuda")]
impl Kernels for burn::backend::Cuda {}
