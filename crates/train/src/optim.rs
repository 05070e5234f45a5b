//! Optimisers, gradient clipping and learning-rate schedules with PyTorch's meaning, on flat tensors.
//!
//! The library's own optimisers differ in details (dampening, where epsilon stands), so these are written out. Each function
//! names the PyTorch class it equals; the tests hold sequences computed with that class.

use archsmith_ir::StateId;
use archsmith_ir::recipe::{Clip, Optimizer, Schedule};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::collections::BTreeMap;

/// A parameter's gradient.
pub type Gradients<B> = Vec<(StateId, Tensor<B, 1>)>;

/// What an optimiser remembers of one parameter.
#[derive(Clone, Debug, Default)]
struct Memory<B: Backend> {
    /// Momentum buffer, or first moment.
    first: Option<Tensor<B, 1>>,
    /// Second moment.
    second: Option<Tensor<B, 1>>,
    /// Largest second moment (AMSGrad), or mean gradient (centred RMSprop).
    third: Option<Tensor<B, 1>>,
    steps: i32,
}

/// An optimiser with its state.
#[derive(Clone, Debug)]
pub struct Optimiser<B: Backend> {
    kind: Optimizer,
    memory: BTreeMap<StateId, Memory<B>>,
}

impl<B: Backend> Optimiser<B> {
    /// A fresh optimiser.
    pub fn new(kind: Optimizer) -> Self {
        Optimiser { kind, memory: BTreeMap::new() }
    }

    /// A parameter's new value. `lr` is the scheduled learning rate.
    pub fn step(&mut self, id: StateId, value: Tensor<B, 1>, gradient: Tensor<B, 1>, lr: f64) -> Tensor<B, 1> {
        let memory =
            self.memory.entry(id).or_insert_with(|| Memory { first: None, second: None, third: None, steps: 0 });
        memory.steps += 1;
        match self.kind.clone() {
            Optimizer::Sgd { momentum, dampening, weight_decay, nesterov, .. } => {
                sgd(memory, value, gradient, lr, momentum, dampening, weight_decay, nesterov)
            }
            Optimizer::Adam { betas, eps, weight_decay, decoupled, amsgrad, .. } => {
                let (value, gradient) = match (weight_decay != 0.0, decoupled) {
                    (false, _) => (value, gradient),
                    (true, true) => (value.mul_scalar(1.0 - lr * weight_decay), gradient),
                    (true, false) => (value.clone(), gradient + value.mul_scalar(weight_decay)),
                };
                adam(memory, value, gradient, lr, betas, eps, amsgrad)
            }
            Optimizer::RmsProp { alpha, eps, weight_decay, momentum, centered, .. } => {
                let gradient = decayed(&value, gradient, weight_decay);
                rms_prop(memory, value, gradient, lr, alpha, eps, momentum, centered)
            }
        }
    }
}

fn decayed<B: Backend>(value: &Tensor<B, 1>, gradient: Tensor<B, 1>, weight_decay: f64) -> Tensor<B, 1> {
    if weight_decay == 0.0 { gradient } else { gradient + value.clone().mul_scalar(weight_decay) }
}

/// `torch.optim.SGD`.
#[allow(clippy::too_many_arguments, reason = "the arguments of the class it equals")]
fn sgd<B: Backend>(
    memory: &mut Memory<B>,
    value: Tensor<B, 1>,
    gradient: Tensor<B, 1>,
    lr: f64,
    momentum: f64,
    dampening: f64,
    weight_decay: f64,
    nesterov: bool,
) -> Tensor<B, 1> {
    let gradient = decayed(&value, gradient, weight_decay);
    if momentum == 0.0 {
        return value - gradient.mul_scalar(lr);
    }
    // The first buffer is the gradient itself, undampened.
    let buffer = match memory.first.take() {
        None => gradient.clone(),
        Some(b) if dampening == 0.0 => b.mul_scalar(momentum) + gradient.clone(),
        Some(b) => b.mul_scalar(momentum) + gradient.clone().mul_scalar(1.0 - dampening),
    };
    memory.first = Some(buffer.clone());
    let direction = if nesterov { gradient + buffer.mul_scalar(momentum) } else { buffer };
    value - direction.mul_scalar(lr)
}

/// `torch.optim.Adam` and `AdamW` after weight decay.
fn adam<B: Backend>(
    memory: &mut Memory<B>,
    value: Tensor<B, 1>,
    gradient: Tensor<B, 1>,
    lr: f64,
    betas: (f64, f64),
    eps: f64,
    amsgrad: bool,
) -> Tensor<B, 1> {
    let square = gradient.clone() * gradient.clone();
    let first = match memory.first.take() {
        None => gradient.mul_scalar(1.0 - betas.0),
        Some(m) => m.mul_scalar(betas.0) + gradient.mul_scalar(1.0 - betas.0),
    };
    let second = match memory.second.take() {
        None => square.mul_scalar(1.0 - betas.1),
        Some(v) => v.mul_scalar(betas.1) + square.mul_scalar(1.0 - betas.1),
    };
    memory.first = Some(first.clone());
    memory.second = Some(second.clone());
    let corrections = (1.0 - betas.0.powi(memory.steps), 1.0 - betas.1.powi(memory.steps));
    let scale = if amsgrad {
        let largest = match memory.third.take() {
            None => second,
            Some(t) => t.max_pair(second),
        };
        memory.third = Some(largest.clone());
        largest
    } else {
        second
    };
    let denominator = scale.sqrt().div_scalar(corrections.1.sqrt()).add_scalar(eps);
    value - (first / denominator).mul_scalar(lr / corrections.0)
}

/// `torch.optim.RMSprop` after weight decay.
#[allow(clippy::too_many_arguments, reason = "the arguments of the class it equals")]
fn rms_prop<B: Backend>(
    memory: &mut Memory<B>,
    value: Tensor<B, 1>,
    gradient: Tensor<B, 1>,
    lr: f64,
    alpha: f64,
    eps: f64,
    momentum: f64,
    centered: bool,
) -> Tensor<B, 1> {
    let square = (gradient.clone() * gradient.clone()).mul_scalar(1.0 - alpha);
    let second = match memory.second.take() {
        None => square,
        Some(v) => v.mul_scalar(alpha) + square,
    };
    memory.second = Some(second.clone());
    let spread = if centered {
        let new = gradient.clone().mul_scalar(1.0 - alpha);
        let mean = match memory.third.take() {
            None => new,
            Some(m) => m.mul_scalar(alpha) + new,
        };
        memory.third = Some(mean.clone());
        second - mean.clone() * mean
    } else {
        second
    };
    let direction = gradient / spread.sqrt().add_scalar(eps);
    if momentum == 0.0 {
        return value - direction.mul_scalar(lr);
    }
    let buffer = match memory.first.take() {
        None => direction,
        Some(b) => b.mul_scalar(momentum) + direction,
    };
    memory.first = Some(buffer.clone());
    value - buffer.mul_scalar(lr)
}

/// Clips gradients: `clip_grad_norm_` over all together, or `clip_grad_value_`.
///
/// The norm is computed on the device and applied without a comparison on the host, as PyTorch does:
/// `min(1, max_norm / (norm + 1e-6))`.
pub fn clip<B: Backend>(gradients: Gradients<B>, clip: &Clip) -> Gradients<B> {
    match clip {
        Clip::Value { clip_value } => {
            gradients.into_iter().map(|(id, g)| (id, g.clamp(-clip_value, *clip_value))).collect()
        }
        Clip::Norm { max_norm } => {
            // Summed along a dimension and in the parameters' order: the same bits for the same gradients.
            let squares = gradients.iter().map(|(_, g)| (g.clone() * g.clone()).sum_dim(0)).reduce(|a, b| a + b);
            let Some(total) = squares else { return gradients };
            let factor = (total.sqrt().add_scalar(1e-6)).recip().mul_scalar(*max_norm).clamp_max(1.0);
            gradients.into_iter().map(|(id, g)| (id, g * factor.clone())).collect()
        }
    }
}

/// The learning rate after `batches` batches and `epochs` whole epochs.
pub fn scheduled(base: f64, schedule: Option<&Schedule>, batches: u64, epochs: u64) -> f64 {
    let at = |per_batch: bool| if per_batch { batches } else { epochs };
    match schedule {
        None => base,
        Some(Schedule::Step { step_size, gamma, per_batch }) => {
            base * gamma.powf((at(*per_batch) / (*step_size).max(1)) as f64)
        }
        Some(Schedule::Cosine { t_max, eta_min, per_batch }) => {
            // The closed form of SGDR (Loshchilov and Hutter 2017), periodic as PyTorch's recursion is.
            let phase = std::f64::consts::PI * at(*per_batch) as f64 / t_max;
            eta_min + (base - eta_min) * (1.0 + phase.cos()) / 2.0
        }
        Some(Schedule::Exponential { gamma, per_batch }) => base * gamma.powf(at(*per_batch) as f64),
    }
}
