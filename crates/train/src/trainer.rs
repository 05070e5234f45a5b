//! One training step by a network's own recipe.

use crate::backend::Precision;
use crate::fit::FitError;
use crate::kernels::{Deferred, Kernels};
use crate::loss::{argmax, loss};
use crate::lower::{LowerError, Network, Pass, Plan, StepRng};
use crate::optim::{Gradient, Optimiser, Rates};
use archsmith_ir::reference::{HostTensor, initial_state};
use archsmith_ir::{DType, Recipe, Seed, TypedGraph};
use burn::module::AutodiffModule;
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{Tensor, TensorData};
use std::time::Instant;

/// The shape of a network's input and of its scores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interface {
    pub(crate) batch: usize,
    pub(crate) image: crate::data::BatchShape,
    pub(crate) scores: usize,
}

impl Interface {
    /// Checks that a graph maps images to class scores, in both modes.
    pub(crate) fn of(graph: &TypedGraph) -> Result<Self, LowerError> {
        let contract = |what: String| LowerError::Contract { what };
        let inputs = &graph.graph().inputs;
        let [input] = inputs.as_slice() else {
            return Err(contract(format!("one input is expected, found {}", inputs.len())));
        };
        let &[batch, channels, height, width] = input.shape.as_slice() else {
            return Err(contract(format!("the input is {input}")));
        };
        if input.dtype != DType::F32 || !matches!(channels, 1 | 3) || batch * height * width == 0 {
            return Err(contract(format!("the input is {input}, where f32 images of 1 or 3 channels are expected")));
        }
        let mut scores = 0;
        for (mode, body) in [("training", graph.train()), ("evaluation", graph.eval())] {
            let Some(first) = body.program().outputs.first() else {
                return Err(contract(format!("forward returns nothing in {mode} mode")));
            };
            let ty = &body.program().values[first.index()];
            match ty.shape.as_slice() {
                &[n, k] if n == batch && k > 0 && ty.dtype.is_float() => scores = k,
                _ => return Err(contract(format!("forward returns {ty} in {mode} mode for a batch of {batch}"))),
            }
        }
        Ok(Interface { batch, image: crate::data::BatchShape { channels, height, width }, scores })
    }
}

/// What one step measured, before its update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stepped {
    /// Seconds until the scores were on the host.
    pub(crate) forward_s: f64,
    pub(crate) loss: f64,
    pub(crate) correct: usize,
}

/// A network in training.
pub(crate) struct Trainer<B: AutodiffBackend>
where
    B::InnerBackend: Kernels,
{
    network: Network<B>,
    plan: Plan,
    optimiser: Optimiser<B::InnerBackend>,
    recipe: Recipe,
    rates: Rates,
    pub(crate) interface: Interface,
    device: B::Device,
    seed: Seed,
    steps: u64,
}

impl<B> Trainer<B>
where
    B: AutodiffBackend + Kernels<Plain = <B as AutodiffBackend>::InnerBackend>,
    B::InnerBackend: Kernels,
{
    /// Starts from `state`, or from initial values that are drawn from the seed. Activations are computed again as planned.
    pub(crate) fn new(
        graph: &TypedGraph,
        state: Option<&[HostTensor]>,
        plan: Plan,
        precision: Precision,
        seed: &Seed,
        device: &B::Device,
    ) -> Result<Self, FitError> {
        let interface = Interface::of(graph)?;
        let network = match state {
            Some(state) => Network::new(graph, state, device)?,
            None => {
                let state = initial_state(graph, &seed.derive("weights", &[]));
                Network::new(graph, &state.map_err(|e| FitError::Initial(e.to_string()))?, device)?
            }
        };
        let recipe = graph.graph().recipe.clone();
        Ok(Trainer {
            network: network.with_precision(precision),
            plan,
            optimiser: Optimiser::new(recipe.optimizer.clone(), recipe.clip.clone()),
            rates: Rates::new(recipe.optimizer.lr(), recipe.schedule.clone()),
            recipe,
            interface,
            device: device.clone(),
            seed: seed.derive("steps", &[]),
            steps: 0,
        })
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    fn images<C: burn::tensor::backend::Backend>(&self, images: Vec<f32>, device: &C::Device) -> Tensor<C, 4> {
        let s = self.interface.image;
        Tensor::from_data(TensorData::new(images, [self.interface.batch, s.channels, s.height, s.width]), device)
    }

    /// Forward, loss, backward, clipping, update. `epochs` whole epochs are done.
    pub(crate) fn step(&mut self, images: Vec<f32>, labels: &[u8], epochs: u64) -> Result<Stepped, FitError> {
        let start = Instant::now();
        let mut rng = StepRng::new(self.seed.derive("step", &[self.steps]));
        let deferred = Deferred::default();
        let images = [self.images(images, &self.device)];
        let pass = Pass::forward(&self.network, &self.plan, &images, &mut rng, &deferred);
        let known = read(pass.scores().clone())?;
        let forward_s = start.elapsed().as_secs_f64();
        let measured = loss(&self.recipe.loss, &known, self.interface.scores, labels)?;
        if !measured.loss.is_finite() {
            return Err(FitError::Diverged { step: self.steps, loss: measured.loss });
        }
        let gradient = TensorData::new(measured.gradient, [self.interface.batch, self.interface.scores]);
        let (mut whole, buffers) = pass.backward(Tensor::from_data(gradient, &self.device));
        // A parameter that the forward pass does not use has no gradient and is left alone, weight decay included.
        let mut products = deferred.take();
        let mut found = Vec::new();
        for (id, _) in self.network.parameters() {
            let gradient = whole.remove(&id).map(Gradient::Whole);
            found.extend(gradient.or_else(|| products.remove(&id).map(Gradient::Product)).map(|g| (id, g)));
        }
        let lr = self.rates.at(self.steps, epochs);
        if let Some(momentum) = self.rates.momentum(self.steps, epochs) {
            self.optimiser.set_momentum(momentum);
        }
        let mut updates = self.optimiser.step(found.iter().map(|(_, gradient)| gradient), lr);
        for (id, gradient) in found {
            self.network.replace(id, |value| Tensor::from_inner(updates.update(id, value.inner(), gradient)));
        }
        self.network.update_buffers(buffers);
        self.steps += 1;
        self.rates.observe(false, measured.loss, measured.correct as f64 / labels.len().max(1) as f64);
        Ok(Stepped { forward_s, loss: measured.loss, correct: measured.correct })
    }

    /// Tells the schedule that an epoch is done: mean loss and share of hits of its batches.
    pub(crate) fn end_epoch(&mut self, loss: f64, accuracy: f64) {
        self.rates.observe(true, loss, accuracy);
    }

    /// The state on the host, in the graph's order.
    pub(crate) fn state(&self) -> Result<Vec<HostTensor>, FitError> {
        self.network.state().map_err(FitError::Backend)
    }

    /// The learning rate of the next step.
    pub(crate) fn rate(&self, epochs: u64) -> f64 {
        self.rates.at(self.steps, epochs)
    }

    /// Hits among the first `labels.len()` images of each batch, in evaluation mode.
    pub(crate) fn evaluate(
        &self,
        batches: &crate::data::Batches<'_>,
        mut go_on: impl FnMut() -> Result<(), FitError>,
    ) -> Result<(usize, usize), FitError> {
        let network = self.network.valid();
        let (mut hits, mut total) = (0, 0);
        for i in 0..batches.len() {
            go_on()?;
            let (images, labels) = batches.get(i);
            let x: Tensor<B::InnerBackend, 4> = self.images(images, &self.device);
            let mut rng = StepRng::new(self.seed.derive("evaluate", &[i as u64]));
            let scores = read(network.forward_eval(&[x], &mut rng))?;
            for (row, &label) in scores.chunks(self.interface.scores).zip(&labels) {
                if row.iter().any(|v| v.is_nan()) {
                    return Err(FitError::Diverged { step: self.steps, loss: f64::NAN });
                }
                hits += usize::from(argmax(row) == usize::from(label));
            }
            total += labels.len();
        }
        Ok((hits, total))
    }
}

/// Scores on the host.
fn read<B: burn::tensor::backend::Backend>(scores: Tensor<B, 2>) -> Result<Vec<f64>, FitError> {
    let data = scores.try_into_data().map_err(|e| FitError::Backend(format!("{e:?}")))?;
    Ok(data.iter::<f64>().collect())
}
