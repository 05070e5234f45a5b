//! Differentiable functions that the tensor library has too slowly or not at all.
//!
//! [`Kernels`] extends a backend. Every function has a composed form on the backend's own operations; the CPU backend
//! overrides them (`cpu`), and `differentiable` gives them gradients. First-order gradients only.
//!
//! Images are `[N, H, W, C]` on a backend whose kernels want channels last ([`Kernels::CHANNELS_LAST`]), else `[N, C, H, W]`;
//! "image" below means the one that holds.

mod composed;
mod cpu;
mod differentiable;
mod geometry;
#[cfg(test)]
mod tests;

use crate::optim::rule::Rule;
use archsmith_ir::StateId;
use archsmith_ir::prim::UnaryOp;
use burn::tensor::TensorMetadata;
use burn::tensor::backend::Backend;
use burn::tensor::ops::{FloatTensor, IntTensor};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

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

/// The windows of a two-dimensional average: for each row and column of the result, what it covers and the factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Average {
    /// Input rows of each output row.
    pub rows: Vec<(std::ops::Range<usize>, f32)>,
    /// Input columns of each output column.
    pub columns: Vec<(std::ops::Range<usize>, f32)>,
}

/// What a batch normalisation gives: the result, and mean and biased variance of each channel, without gradient.
pub type Normalised<B> = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>);

/// What a batch normalisation is made of.
#[derive(Clone, Debug)]
pub struct BatchNorm<B: Backend> {
    /// Input image, or `[N, C]`.
    pub x: FloatTensor<B>,
    /// `[C]`.
    pub weight: FloatTensor<B>,
    /// `[C]`.
    pub bias: FloatTensor<B>,
    /// Added to the result, of x's shape.
    pub residual: Option<FloatTensor<B>>,
    /// A function of each element of the result, after the addition: one of [`Kernels::joins`], and the rectifier alone where
    /// there is a residual.
    pub activation: Option<UnaryOp>,
    /// Added to the variance.
    pub eps: f64,
}

/// What a normalisation within groups of channels of each sample is made of (layer normalisation: one place, one group).
#[derive(Clone, Debug)]
pub struct GroupNorm<B: Backend> {
    /// `[N, P, C]`, or `[N, C, P]` where images are `[N, C, H, W]`, in any shape of as many elements.
    pub x: FloatTensor<B>,
    /// `[C]`.
    pub weight: FloatTensor<B>,
    /// `[C]`.
    pub bias: FloatTensor<B>,
    /// N, P and C.
    pub sizes: [usize; 3],
    /// Groups of as many channels each.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f64,
}

/// The gradient of a linear layer's weight `[N, K]` as the product it is: `dyᵀ·x` of `dy [M, N]` and `x [M, K]`.
#[derive(Clone, Debug)]
pub struct Outer<B: Backend> {
    /// `[M, N]`.
    pub dy: FloatTensor<B>,
    /// `[M, K]`.
    pub x: FloatTensor<B>,
}

/// Gradients that a backward pass leaves as products, by parameter: each is multiplied out where its parameter is updated, a
/// block at a time, and never lies in memory as a whole.
#[derive(Clone, Debug)]
pub struct Deferred<B: Backend>(Arc<Mutex<BTreeMap<StateId, Outer<B>>>>);

impl<B: Backend> Default for Deferred<B> {
    fn default() -> Self {
        Deferred(Arc::default())
    }
}

impl<B: Backend> Deferred<B> {
    fn put(&self, id: StateId, gradient: Outer<B>) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id, gradient);
    }

    /// What was left, which is no longer here.
    pub fn take(&self) -> BTreeMap<StateId, Outer<B>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Whose gradient a linear layer leaves as a product, and where.
pub type Later<B> = (StateId, Deferred<B>);

/// A backend with the functions that training needs beyond the library's.
pub trait Kernels: Backend {
    /// The backend without differentiation.
    type Plain: Kernels;

    /// Whether images are `[N, H, W, C]`.
    const CHANNELS_LAST: bool = false;

    /// Cross-correlation: image, `w [O, C/groups, kh, kw]` → image of O channels.
    fn convolve(x: FloatTensor<Self>, w: FloatTensor<Self>, g: ConvGeometry) -> FloatTensor<Self> {
        composed::convolve::<Self>(x, w, g)
    }

    /// Gradient of [`Kernels::convolve`] for `x` of the given shape. Also the transposed convolution of `dy`.
    fn convolve_dx(
        shape: [usize; 4],
        w: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        g: ConvGeometry,
    ) -> FloatTensor<Self> {
        composed::convolve_dx::<Self>(shape, w, dy, g)
    }

    /// Gradient of [`Kernels::convolve`] for `w` of the given shape.
    fn convolve_dw(
        x: FloatTensor<Self>,
        shape: [usize; 4],
        dy: FloatTensor<Self>,
        g: ConvGeometry,
    ) -> FloatTensor<Self> {
        composed::convolve_dw::<Self>(x, shape, dy, g)
    }

    /// Maximum pool of an image, and whatever [`Kernels::max_pool_backward`] wants to know of the places of the maxima.
    fn max_pool(x: FloatTensor<Self>, w: PoolWindow) -> (FloatTensor<Self>, IntTensor<Self>) {
        composed::max_pool::<Self>(x, w)
    }

    /// Gradient of [`Kernels::max_pool`] for an input of the given shape.
    fn max_pool_backward(
        shape: [usize; 4],
        places: IntTensor<Self>,
        dy: FloatTensor<Self>,
        w: PoolWindow,
    ) -> FloatTensor<Self> {
        composed::max_pool_backward::<Self>(shape, places, dy, w)
    }

    /// Averages over the windows of an image, where the backend has a kernel of its own ([`Kernels::CHANNELS_LAST`]).
    fn average(x: FloatTensor<Self>, a: &Average) -> FloatTensor<Self> {
        composed::average::<Self>(x, a)
    }

    /// Gradient of [`Kernels::average`] for an input of the given shape.
    fn average_backward(shape: [usize; 4], dy: FloatTensor<Self>, a: &Average) -> FloatTensor<Self> {
        composed::average_backward::<Self>(shape, dy, a)
    }

    /// Whether a batch normalisation may take the function of each element that follows it.
    fn joins(op: UnaryOp) -> bool {
        op == UnaryOp::Relu
    }

    /// Batch normalisation by batch statistics, with what follows it.
    fn batch_norm(input: BatchNorm<Self>) -> Normalised<Self> {
        composed::batch_norm::<Self>(input)
    }

    /// Gradients of [`Kernels::batch_norm`] for x, weight, bias and residual, from its input (whose residual only says whether
    /// there is one), its result (where that has both residual and activation), statistics and the gradient of its result.
    fn batch_norm_backward(
        input: BatchNorm<Self>,
        y: Option<FloatTensor<Self>>,
        statistics: (FloatTensor<Self>, FloatTensor<Self>),
        dy: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 4] {
        composed::batch_norm_backward::<Self>(input, y, statistics, dy)
    }

    /// Normalisation within groups of channels of each sample: the result in x's shape, and mean and biased variance, `[N·G]`.
    fn group_norm(input: GroupNorm<Self>) -> Normalised<Self> {
        composed::group_norm::<Self>(input)
    }

    /// Gradients of [`Kernels::group_norm`] for x, weight and bias.
    fn group_norm_backward(
        input: GroupNorm<Self>,
        statistics: (FloatTensor<Self>, FloatTensor<Self>),
        dy: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        composed::group_norm_backward::<Self>(input, statistics, dy)
    }

    /// A zero `[1]` of f32 whose gradient for `y` is the given one; none where `y` has no gradient, as on a backend without
    /// differentiation. A backward pass from it is one from `y`.
    fn seeded(_y: FloatTensor<Self>, _gradient: FloatTensor<Self::Plain>) -> Option<FloatTensor<Self>> {
        None
    }

    /// Zeros like another tensor.
    fn zeros_like(x: &FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_zeros(x.shape(), &Self::float_device(x), x.dtype().into())
    }

    /// `[B, M, N]` → `[B, N, M]`, contiguous.
    fn transpose(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_swap_dims(x, 1, 2)
    }

    /// A function of each element, or the argument back where the backend has no kernel of its own.
    ///
    /// # Errors
    /// The argument.
    fn activate(_op: UnaryOp, x: FloatTensor<Self>) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        Err(x)
    }

    /// `x [A, P, C]` times (or plus) `v [A, C]`, both in any shape of as many elements, or both back where the backend has no
    /// kernel of its own.
    ///
    /// # Errors
    /// The operands.
    fn spread(
        _product: bool,
        x: FloatTensor<Self>,
        v: FloatTensor<Self>,
        _sizes: [usize; 3],
    ) -> Result<FloatTensor<Self>, (FloatTensor<Self>, FloatTensor<Self>)> {
        Err((x, v))
    }

    /// The same elements, and the same gradient, each in memory in their order: what the library reads of other orders it reads
    /// slowly.
    fn settle(x: FloatTensor<Self>) -> FloatTensor<Self> {
        x
    }

    /// `[A, P, C]` summed over P, `[A, 1, C]`.
    fn sum_middle(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_sum_dim(x, 1)
    }

    /// `[A, 1, C]` repeated P times, the gradient of [`Kernels::sum_middle`].
    fn repeat_middle(y: FloatTensor<Self>, p: usize) -> FloatTensor<Self> {
        let [a, _, c] = y.shape().dims();
        Self::float_expand(y, [a, p, c].into())
    }

    /// The largest (or smallest) of `[A, P, C]` over P, `[A, 1, C]`, or the argument back where the backend has no kernel of its
    /// own.
    ///
    /// # Errors
    /// The argument.
    fn extreme_middle(x: FloatTensor<Self>, _max: bool) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        Err(x)
    }

    /// Gradient of [`Kernels::extreme_middle`] from its argument and its result, shared among equal elements.
    fn extreme_middle_backward(
        _x: FloatTensor<Self>,
        _y: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        dy
    }

    /// Gradient of [`Kernels::spread`] for v, flat: the sums of `dy·x`, or of `dy` without x, over P.
    fn spread_sums(x: Option<FloatTensor<Self>>, dy: FloatTensor<Self>, sizes: [usize; 3]) -> FloatTensor<Self> {
        composed::spread_sums::<Self>(x, dy, sizes)
    }

    /// Whether the derivative of a function that [`Kernels::activate`] knows is computed from its result.
    fn activation_keeps_result(_op: UnaryOp) -> bool {
        false
    }

    /// Gradient of [`Kernels::activate`] from what is kept of it.
    fn activate_backward(_op: UnaryOp, _kept: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        dy
    }

    /// A linear layer without its bias: `x [M, K]` times the transpose of `w [N, K]`, whose elements may come in any shape. The
    /// gradient of w goes to `later`, where that is given.
    fn linear_forward(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        _later: Option<Later<Self::Plain>>,
    ) -> FloatTensor<Self> {
        composed::linear::<Self>(x, w)
    }

    /// Gradient of [`Kernels::linear`] for x: `dy·w`.
    fn linear_dx(dy: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::linear_dx::<Self>(dy, w)
    }

    /// Gradient of [`Kernels::linear`] for w, `[N, K]`.
    fn linear_dw(gradient: Outer<Self>) -> FloatTensor<Self> {
        composed::linear_dw::<Self>(gradient)
    }

    /// The sum of the squares of a gradient that is a product, of one element.
    fn outer_squares(gradient: Outer<Self>) -> FloatTensor<Self> {
        let dw = Self::linear_dw(gradient);
        let n = dw.shape().num_elements();
        Self::spread_sums(Some(dw.clone()), dw, [1, n, 1])
    }

    /// As [`Kernels::update`], with a gradient that is a product.
    fn update_outer(
        rule: &Rule<'_>,
        value: FloatTensor<Self>,
        gradient: Outer<Self>,
        factor: Option<FloatTensor<Self>>,
        moments: Vec<FloatTensor<Self>>,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>) {
        let gradient = Self::float_reshape(Self::linear_dw(gradient), value.shape());
        Self::update(rule, value, gradient, factor, moments)
    }

    /// A parameter's new value and new moments by an optimiser's rule. The gradient is multiplied with `factor`, of one
    /// element, first. Flat, all of one size.
    fn update(
        rule: &Rule<'_>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        factor: Option<FloatTensor<Self>>,
        moments: Vec<FloatTensor<Self>>,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>) {
        composed::update::<Self>(rule, value, gradient, factor, moments)
    }
}

/// Forgets memory that waits to be used again.
pub(crate) fn release_memory() {
    cpu::release_memory();
}

pub(crate) use cpu::convolution_work;
pub use geometry::ConvGeometry;

#[cfg(feature = "cuda")]
impl Kernels for burn::backend::Cuda {
    type Plain = Self;
}
