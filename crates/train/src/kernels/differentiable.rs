//! Gradients of the functions of [`super::Kernels`], as operations of the library's automatic differentiation.

use super::{Average, BatchNorm, ConvGeometry, GroupNorm, Kernels, Later, Normalised, Outer, PoolWindow};
use archsmith_ir::prim::UnaryOp;
use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{FloatDType, TensorMetadata};
use std::sync::Arc;

#[derive(Debug)]
struct Convolve;

impl<B: Kernels> Backward<B, 2> for Convolve {
    type State = (B::FloatTensorPrimitive, B::FloatTensorPrimitive, ConvGeometry);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [for_x, for_w] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, w, g) = ops.state;
        let shape = x.shape().dims();
        if let Some(node) = for_w {
            grads.register::<B>(node.id, B::convolve_dw(x, w.shape().dims(), dy.clone(), g));
        }
        if let Some(node) = for_x {
            grads.register::<B>(node.id, B::convolve_dx(shape, w, dy, g));
        }
    }
}

/// The gradient for the input as a function of its own: the transposed convolution.
#[derive(Debug)]
struct ConvolveTransposed;

impl<B: Kernels> Backward<B, 2> for ConvolveTransposed {
    type State = (B::FloatTensorPrimitive, B::FloatTensorPrimitive, ConvGeometry);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [for_x, for_w] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, w, g) = ops.state;
        if let Some(node) = for_w {
            grads.register::<B>(node.id, B::convolve_dw(dy.clone(), w.shape().dims(), x, g));
        }
        if let Some(node) = for_x {
            grads.register::<B>(node.id, B::convolve(dy, w, g));
        }
    }
}

#[derive(Debug)]
struct MaxPool;

impl<B: Kernels> Backward<B, 1> for MaxPool {
    type State = ([usize; 4], B::IntTensorPrimitive, PoolWindow);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (shape, places, w) = ops.state;
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::max_pool_backward(shape, places, dy, w));
        }
    }
}

#[derive(Debug)]
struct Averaged;

impl<B: Kernels> Backward<B, 1> for Averaged {
    type State = ([usize; 4], Arc<Average>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (shape, a) = ops.state;
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::average_backward(shape, dy, &a));
        }
    }
}

#[derive(Debug)]
struct Transposed;

impl<B: Kernels> Backward<B, 1> for Transposed {
    type State = ();

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::transpose(dy));
        }
    }
}

#[derive(Debug)]
struct Activate;

impl<B: Kernels> Backward<B, 1> for Activate {
    type State = (B::FloatTensorPrimitive, UnaryOp);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (kept, op) = ops.state;
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::activate_backward(op, kept, dy));
        }
    }
}

#[derive(Debug)]
struct Linear;

impl<B: Kernels> Backward<B, 2> for Linear {
    type State = (B::FloatTensorPrimitive, B::FloatTensorPrimitive, Option<Later<B>>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [for_x, for_w] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, w, later) = ops.state;
        if let Some(node) = for_w {
            let gradient = Outer { dy: dy.clone(), x };
            match later {
                Some((id, deferred)) => deferred.put(id, gradient),
                None => grads.register::<B>(node.id, B::float_reshape(B::linear_dw(gradient), w.shape())),
            }
        }
        if let Some(node) = for_x {
            grads.register::<B>(node.id, B::linear_dx(dy, w));
        }
    }
}

/// What is kept of a smaller operand over a larger one: both for a product, and sizes and v's shape.
type KeptSpread<B> = (Option<(FloatTensor<B>, FloatTensor<B>)>, [usize; 3], Vec<usize>);

#[derive(Debug)]
struct Spread;

impl<B: Kernels> Backward<B, 2> for Spread {
    type State = KeptSpread<B>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [for_x, for_v] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (operands, sizes, shape) = ops.state;
        let (x, v) = operands.unzip();
        if let Some(node) = for_v {
            let sums = B::spread_sums(x, dy.clone(), sizes);
            grads.register::<B>(node.id, B::float_reshape(sums, shape.into()));
        }
        if let Some(node) = for_x {
            let dx = match v {
                None => dy,
                Some(v) => match B::spread(true, dy, v, sizes) {
                    Ok(dx) => dx,
                    Err((dy, v)) => B::float_mul(dy, v),
                },
            };
            grads.register::<B>(node.id, dx);
        }
    }
}

#[derive(Debug)]
struct Settle;

impl<B: Kernels> Backward<B, 1> for Settle {
    type State = ();

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::settle(dy));
        }
    }
}

#[derive(Debug)]
struct SumMiddle;

impl<B: Kernels> Backward<B, 1> for SumMiddle {
    type State = usize;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::repeat_middle(dy, ops.state));
        }
    }
}

#[derive(Debug)]
struct ExtremeMiddle;

impl<B: Kernels> Backward<B, 1> for ExtremeMiddle {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let [x, y] = ops.state;
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::extreme_middle_backward(x, y, dy));
        }
    }
}

#[derive(Debug)]
struct Seeded;

impl<B: Kernels> Backward<B, 1> for Seeded {
    type State = B::FloatTensorPrimitive;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        grads.consume::<B>(&ops.node);
        if let Some(node) = parent {
            grads.register::<B>(node.id, ops.state);
        }
    }
}

/// What is kept of a batch normalisation: its input, its result where that is needed, and its statistics.
type Kept<B> = (BatchNorm<B>, Option<FloatTensor<B>>, [FloatTensor<B>; 2]);

#[derive(Debug)]
struct Normalise;

/// Batch normalisation has three operands, or four with a residual.
macro_rules! normalise_backward {
    ($n:literal) => {
        impl<B: Kernels> Backward<B, $n> for Normalise {
            type State = Kept<B>;

            fn backward(self, ops: Ops<Self::State, $n>, grads: &mut Gradients, _: &mut Checkpointer) {
                let dy = grads.consume::<B>(&ops.node);
                let (input, y, [mean, variance]) = ops.state;
                let found = B::batch_norm_backward(input, y, (mean, variance), dy);
                for (node, gradient) in ops.parents.into_iter().zip(found) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, gradient);
                    }
                }
            }
        }
    };
}

normalise_backward!(3);
normalise_backward!(4);

#[derive(Debug)]
struct NormaliseGroups;

impl<B: Kernels> Backward<B, 3> for NormaliseGroups {
    type State = (GroupNorm<B>, [FloatTensor<B>; 2]);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (input, [mean, variance]) = ops.state;
        let found = B::group_norm_backward(input, (mean, variance), dy);
        for (node, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    type Plain = B;

    const CHANNELS_LAST: bool = B::CHANNELS_LAST;

    fn linear_forward(x: FloatTensor<Self>, w: FloatTensor<Self>, later: Option<Later<B>>) -> FloatTensor<Self> {
        match Linear.prepare::<C>([x.node.clone(), w.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (x.primitive.clone(), w.primitive.clone(), later);
                prep.finish(state, B::linear_forward(x.primitive, w.primitive, None))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::linear_forward(x.primitive, w.primitive, None)),
        }
    }

    fn convolve(x: FloatTensor<Self>, w: FloatTensor<Self>, g: ConvGeometry) -> FloatTensor<Self> {
        match Convolve.prepare::<C>([x.node.clone(), w.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (x.primitive.clone(), w.primitive.clone(), g);
                prep.finish(state, B::convolve(x.primitive, w.primitive, g))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolve(x.primitive, w.primitive, g)),
        }
    }

    fn convolve_dx(
        shape: [usize; 4],
        w: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        g: ConvGeometry,
    ) -> FloatTensor<Self> {
        match ConvolveTransposed.prepare::<C>([dy.node.clone(), w.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (dy.primitive.clone(), w.primitive.clone(), g);
                prep.finish(state, B::convolve_dx(shape, w.primitive, dy.primitive, g))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolve_dx(shape, w.primitive, dy.primitive, g)),
        }
    }

    fn max_pool(x: FloatTensor<Self>, w: PoolWindow) -> (FloatTensor<Self>, IntTensor<Self>) {
        let shape = x.primitive.shape().dims();
        let (y, places) = B::max_pool(x.primitive, w);
        let y = match MaxPool.prepare::<C>([x.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((shape, places.clone(), w), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, places)
    }

    fn seeded(y: FloatTensor<Self>, gradient: FloatTensor<B>) -> Option<FloatTensor<Self>> {
        let zero = B::float_zeros([1].into(), &B::float_device(&y.primitive), FloatDType::F32);
        match Seeded.prepare::<C>([y.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => Some(prep.finish(gradient, zero)),
            OpsKind::UnTracked(_) => None,
        }
    }

    fn average(x: FloatTensor<Self>, a: &Average) -> FloatTensor<Self> {
        let shape = x.primitive.shape().dims();
        let y = B::average(x.primitive, a);
        match Averaged.prepare::<C>([x.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((shape, Arc::new(a.clone())), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn transpose(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Transposed.prepare::<C>([x.node]).compute_bound().stateless(B::transpose(x.primitive))
    }

    fn activate(op: UnaryOp, x: FloatTensor<Self>) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        let kept = (!B::activation_keeps_result(op)).then(|| x.primitive.clone());
        let y = match B::activate(op, x.primitive.clone()) {
            Ok(y) => y,
            Err(_) => return Err(x),
        };
        Ok(match Activate.prepare::<C>([x.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((kept.unwrap_or_else(|| y.clone()), op), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        })
    }

    fn spread(
        product: bool,
        x: FloatTensor<Self>,
        v: FloatTensor<Self>,
        sizes: [usize; 3],
    ) -> Result<FloatTensor<Self>, (FloatTensor<Self>, FloatTensor<Self>)> {
        let y = match B::spread(product, x.primitive.clone(), v.primitive.clone(), sizes) {
            Ok(y) => y,
            Err(_) => return Err((x, v)),
        };
        let shape = v.primitive.shape().to_vec();
        Ok(match Spread.prepare::<C>([x.node, v.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((product.then_some((x.primitive, v.primitive)), sizes, shape), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        })
    }

    fn settle(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Settle.prepare::<C>([x.node]).compute_bound().stateless(B::settle(x.primitive))
    }

    fn sum_middle(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let p = x.primitive.shape()[1];
        let y = B::sum_middle(x.primitive);
        match SumMiddle.prepare::<C>([x.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(p, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn extreme_middle(x: FloatTensor<Self>, max: bool) -> Result<FloatTensor<Self>, FloatTensor<Self>> {
        let y = match B::extreme_middle(x.primitive.clone(), max) {
            Ok(y) => y,
            Err(_) => return Err(x),
        };
        Ok(match ExtremeMiddle.prepare::<C>([x.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([x.primitive, y.clone()], y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        })
    }

    fn joins(op: UnaryOp) -> bool {
        B::joins(op)
    }

    fn batch_norm(input: BatchNorm<Self>) -> Normalised<Self> {
        let BatchNorm { x, weight, bias, residual, activation, eps } = input;
        let nodes = [x.node.clone(), weight.node.clone(), bias.node.clone()];
        let fourth = residual.as_ref().map(|r| r.node.clone());
        let inner = BatchNorm {
            x: x.primitive,
            weight: weight.primitive,
            bias: bias.primitive,
            residual: residual.map(|r| r.primitive),
            activation,
            eps,
        };
        let (y, mean, variance) = B::batch_norm(inner.clone());
        // The residual is not needed again: a small tensor in its place says that there was one.
        let keep = |y: &B::FloatTensorPrimitive| -> Kept<B> {
            let placeholder = inner.residual.as_ref().map(|_| inner.bias.clone());
            let result = (activation.is_some() && placeholder.is_some()).then(|| y.clone());
            (BatchNorm { residual: placeholder, ..inner.clone() }, result, [mean.clone(), variance.clone()])
        };
        let y = match fourth {
            None => match Normalise.prepare::<C>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(prep) => prep.finish(keep(&y), y),
                OpsKind::UnTracked(prep) => prep.finish(y),
            },
            Some(fourth) => {
                let [a, b, c] = nodes;
                match Normalise.prepare::<C>([a, b, c, fourth]).compute_bound().stateful() {
                    OpsKind::Tracked(prep) => prep.finish(keep(&y), y),
                    OpsKind::UnTracked(prep) => prep.finish(y),
                }
            }
        };
        (y, constant::<B, C>(mean), constant::<B, C>(variance))
    }

    fn group_norm(input: GroupNorm<Self>) -> Normalised<Self> {
        let GroupNorm { x, weight, bias, sizes, groups, eps } = input;
        let nodes = [x.node.clone(), weight.node.clone(), bias.node.clone()];
        let (x, weight, bias) = (x.primitive, weight.primitive, bias.primitive);
        let inner = GroupNorm { x, weight, bias, sizes, groups, eps };
        let (y, mean, variance) = B::group_norm(inner.clone());
        let y = match NormaliseGroups.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((inner, [mean.clone(), variance.clone()]), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, constant::<B, C>(mean), constant::<B, C>(variance))
    }
}

/// A tensor without a gradient.
fn constant<B: Kernels, C: CheckpointStrategy>(primitive: B::FloatTensorPrimitive) -> FloatTensor<Autodiff<B, C>> {
    use burn::tensor::backend::AutodiffBackend;
    Autodiff::<B, C>::from_inner(primitive)
}
