//! Optimisers, gradient clipping and learning-rate schedules with PyTorch's meaning, on flat tensors.
//!
//! The library's own optimisers differ in details (dampening, where epsilon stands), so the rules are written out ([`rule`]).
//! Each names the PyTorch class it equals; the tests hold sequences computed with that class. How a rule passes over memory is
//! the backend's ([`Kernels::update`]): on the CPU once, in place, with the clipping in the same pass.

pub mod rule;
mod schedule;

pub use schedule::{Rates, scheduled};

use crate::kernels::{Kernels, Outer};
use archsmith_ir::StateId;
use archsmith_ir::recipe::{Clip, Optimizer};
use burn::tensor::{FloatDType, Tensor, TensorPrimitive};
use rule::Rule;
use std::collections::BTreeMap;

/// What an optimiser remembers of one parameter.
#[derive(Clone, Debug)]
struct Memory<B: Kernels> {
    moments: Vec<B::FloatTensorPrimitive>,
    steps: i32,
}

/// An optimiser with its state.
#[derive(Clone, Debug)]
pub struct Optimiser<B: Kernels> {
    kind: Optimizer,
    clip: Option<Clip>,
    memory: BTreeMap<StateId, Memory<B>>,
}

/// A parameter's gradient.
#[derive(Clone, Debug)]
pub enum Gradient<B: Kernels> {
    /// In memory, flat.
    Whole(Tensor<B, 1>),
    /// A product that was not multiplied out.
    Product(Outer<B>),
}

/// One step of an optimiser, in which each parameter that has a gradient is updated once.
#[derive(Debug)]
pub struct Updates<'a, B: Kernels> {
    optimiser: &'a mut Optimiser<B>,
    lr: f64,
    /// What all gradients are multiplied with.
    factor: Option<B::FloatTensorPrimitive>,
}

impl<B: Kernels> Optimiser<B> {
    /// A fresh optimiser.
    pub fn new(kind: Optimizer, clip: Option<Clip>) -> Self {
        Optimiser { kind, clip, memory: BTreeMap::new() }
    }

    /// Sets the momentum, or Adam's first decay rate, as a schedule asks.
    pub fn set_momentum(&mut self, to: f64) {
        match &mut self.kind {
            Optimizer::Sgd { momentum, .. } | Optimizer::RmsProp { momentum, .. } => *momentum = to,
            Optimizer::Adam { betas, .. } => betas.0 = to,
        }
    }

    /// Begins a step with these gradients, all that there are. `lr` is the scheduled learning rate.
    pub fn step<'a>(&mut self, gradients: impl Iterator<Item = &'a Gradient<B>>, lr: f64) -> Updates<'_, B> {
        let factor = match &self.clip {
            Some(Clip::Norm { max_norm }) => norm_factor(gradients, *max_norm),
            _ => None,
        };
        Updates { optimiser: self, lr, factor }
    }
}

impl<B: Kernels> Updates<'_, B> {
    /// A parameter's new value. Where nobody else holds the old one, it is computed in its memory.
    pub fn update(&mut self, id: StateId, value: Tensor<B, 1>, gradient: Gradient<B>) -> Tensor<B, 1> {
        let Optimiser { kind, clip, memory } = &mut *self.optimiser;
        let memory = memory.entry(id).or_insert_with(|| Memory { moments: Vec::new(), steps: 0 });
        memory.steps += 1;
        let limit = match clip {
            Some(Clip::Value { clip_value }) => Some(*clip_value),
            _ => None,
        };
        let rule = Rule { kind, lr: self.lr, steps: memory.steps, limit };
        let value = value.into_primitive().tensor();
        let mut moments = std::mem::take(&mut memory.moments);
        moments.resize_with(rule.moments(), || B::zeros_like(&value));
        let factor = self.factor.clone();
        let (value, moments) = match gradient {
            Gradient::Whole(gradient) => B::update(&rule, value, gradient.into_primitive().tensor(), factor, moments),
            Gradient::Product(product) => B::update_outer(&rule, value, product, factor, moments),
        };
        memory.moments = moments;
        Tensor::from_primitive(TensorPrimitive::Float(value))
    }
}

/// What `clip_grad_norm_` multiplies all gradients with: `min(1, max_norm / (norm + 1e-6))`.
///
/// It stays on the device, without a comparison on the host. Sums are made in the parameters' order: the same bits for the same
/// gradients.
fn norm_factor<'a, B: Kernels>(
    gradients: impl Iterator<Item = &'a Gradient<B>>,
    max_norm: f64,
) -> Option<B::FloatTensorPrimitive> {
    let squares = gradients.map(|g| {
        let sum = match g.clone() {
            Gradient::Whole(g) => {
                let n = g.dims()[0];
                let g = g.into_primitive().tensor();
                B::spread_sums(Some(g.clone()), g, [1, n, 1])
            }
            Gradient::Product(product) => B::outer_squares(product),
        };
        Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(B::float_cast(sum, FloatDType::F32)))
    });
    let norm = squares.reduce(|a, b| a + b)?.sqrt();
    let factor = norm.add_scalar(1e-6).recip().mul_scalar(max_norm).clamp_max(1.0);
    Some(factor.into_primitive().tensor())
}
