//! Gradients of the functions of [`super::Kernels`], as operations of the library's automatic differentiation.

use super::{ConvGeometry, Kernels, PoolWindow};
use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::ops::{FloatTensor, IntTensor};

#[derive(Debug)]
struct Convolve;

impl<B: Kernels> Backward<B, 2> for Convolve {
    type State = (B::FloatTensorPrimitive, B::FloatTensorPrimitive, ConvGeometry);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [for_x, for_w] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, w, g) = ops.state;
        if let Some(node) = for_x {
            grads.register::<B>(node.id, B::convolve_dx(x.clone(), w.clone(), dy.clone(), g));
        }
        if let Some(node) = for_w {
            grads.register::<B>(node.id, B::convolve_dw(x, w, dy, g));
        }
    }
}

#[derive(Debug)]
struct MaxPool;

impl<B: Kernels> Backward<B, 1> for MaxPool {
    type State = (B::FloatTensorPrimitive, B::IntTensorPrimitive, PoolWindow);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, places, w) = ops.state;
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::max_pool_backward(x, places, dy, w));
        }
    }
}

#[derive(Debug)]
struct BatchNorm;

impl<B: Kernels> Backward<B, 3> for BatchNorm {
    type State = (B::FloatTensorPrimitive, B::FloatTensorPrimitive, [B::FloatTensorPrimitive; 2], f64);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (x, weight, [mean, variance], eps) = ops.state;
        let (dx, dw, db) = B::batch_norm_backward(x, weight, (mean, variance), dy, eps);
        for (node, gradient) in ops.parents.into_iter().zip([dx, dw, db]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn convolve(x: FloatTensor<Self>, w: FloatTensor<Self>, g: ConvGeometry) -> FloatTensor<Self> {
        match Convolve.prepare::<C>([x.node.clone(), w.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (x.primitive.clone(), w.primitive.clone(), g);
                prep.finish(state, B::convolve(x.primitive, w.primitive, g))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolve(x.primitive, w.primitive, g)),
        }
    }

    fn max_pool(x: FloatTensor<Self>, w: PoolWindow) -> (FloatTensor<Self>, IntTensor<Self>) {
        let (y, places) = B::max_pool(x.primitive.clone(), w);
        let y = match MaxPool.prepare::<C>([x.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x.primitive, places.clone(), w), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, places)
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node.clone(), weight.node.clone(), bias.node.clone()];
        let (y, mean, variance) = B::batch_norm(x.primitive.clone(), weight.primitive.clone(), bias.primitive, eps);
        let y = match BatchNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (x.primitive, weight.primitive, [mean.clone(), variance.clone()], eps);
                prep.finish(state, y)
            }
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
