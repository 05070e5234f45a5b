//! What an untrained network tells of itself: zero-cost proxies of the accuracy that it will have.
//!
//! One batch of the training split goes through the initial weights that training would start from; nothing is updated. Always on the
//! CPU, so that a figure does not depend on the device that trains. Which of these figures says something about accuracy is for
//! whoever compares them with accuracies (M. Abdelfattah and others, "Zero-cost proxies for lightweight NAS", arXiv 2101.08134).

use crate::backend::Cpu;
use crate::data::{Augment, Batches, Splits};
use crate::fit::{FitConfig, FitError, in_threads, within_memory};
use crate::kernels::Kernels;
use crate::loss::loss;
use crate::lower::{Network, StepRng};
use crate::trainer::Interface;
use archsmith_ir::prim::UnaryOp;
use archsmith_ir::reference::{HostTensor, initial_state};
use archsmith_ir::{Seed, StateKind, TypedGraph};
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

type Plain = <Cpu as AutodiffBackend>::InnerBackend;

/// The figures. `None`: no finite number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Proxies {
    /// Σ over parameter tensors of the L2 norm of the loss's gradient.
    pub grad_norm: Option<f64>,
    /// Σ |θ · ∂loss/∂θ| (N. Lee and others, "SNIP", arXiv 1810.02340).
    pub snip: Option<f64>,
    /// Σ θ · ∂R/∂θ where every θ is made positive and R is the sum of the scores of an image of ones, in evaluation mode (H. Tanaka
    /// and others, "Pruning neural networks without any data by iteratively conserving synaptic flow", arXiv 2006.05467).
    pub synflow: Option<f64>,
    /// log |det K|, where K\[i, j\] counts the units that images i and j both switch on or both switch off (J. Mellor and others,
    /// "Neural architecture search without training", arXiv 2006.04647). Units are the elements that an activation function makes.
    pub naswot: Option<f64>,
}

/// The proxies of a network: its batch size, initial weights and first batch are those of a training with this configuration.
///
/// # Errors
/// What cannot be lowered, or would pass the memory limit.
pub fn proxies(graph: &TypedGraph, splits: &Splits, config: &FitConfig) -> Result<Proxies, FitError> {
    if let Some(limit_mb) = config.memory_limit_mb {
        within_memory(graph, splits, limit_mb)?;
    }
    in_threads(config.threads, || look(graph, splits, &Seed::from_u64(config.seed)))?
}

fn look(graph: &TypedGraph, splits: &Splits, seed: &Seed) -> Result<Proxies, FitError> {
    let interface = Interface::of(graph)?;
    let state = initial_state(graph, &seed.derive("weights", &[])).map_err(|e| FitError::Initial(e.to_string()))?;
    let order = seed.derive("epoch", &[0]);
    let first = Batches::shuffled(splits, &splits.train, interface.image, interface.batch, Augment::default(), &order);
    let (images, labels) = first.get(0);
    let finite = |x: f64| x.is_finite().then_some(x);

    let device = Default::default();
    let network = Network::<Cpu>::new(graph, &state, &device)?;
    let x = upload::<Cpu>(&interface, images.clone());
    let (scores, _) = network.forward_train(&[x], &mut quiet());
    let measured = loss(&graph.graph().recipe.loss, &read(scores.clone())?, interface.scores, &labels)?;
    let (mut grad_norm, mut snip) = (0.0, 0.0);
    each_gradient(&network, scores, measured.gradient, |theta, gradient| {
        grad_norm += gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        snip += theta.iter().zip(gradient).map(|(t, g)| (t * g).abs()).sum::<f64>();
    })?;

    let positive = Network::<Cpu>::new(graph, &all_positive(graph, state.clone()), &device)?;
    let x = upload::<Cpu>(&interface, vec![1.0; images.len()]);
    let scores = positive.forward_eval(&[x], &mut quiet());
    let ones = vec![1.0 / interface.batch as f32; interface.batch * interface.scores];
    let mut synflow = 0.0;
    each_gradient(&positive, scores, ones, |theta, gradient| {
        synflow += theta.iter().zip(gradient).map(|(t, g)| t * g).sum::<f64>();
    })?;

    let plain = Network::<Plain>::new(graph, &state, &device)?;
    let units = switched_on(&plain, upload::<Plain>(&interface, images), interface.batch);
    Ok(Proxies {
        grad_norm: finite(grad_norm),
        snip: finite(snip),
        synflow: finite(synflow),
        naswot: log_determinant(agreement(&units)).and_then(finite),
    })
}

/// Calls `see` with each trained parameter and its gradient, where the scores depend on it, for a gradient of the scores.
fn each_gradient(
    network: &Network<Cpu>,
    scores: Tensor<Cpu, 2>,
    gradient: Vec<f32>,
    mut see: impl FnMut(&[f64], &[f64]),
) -> Result<(), FitError> {
    let shape = scores.dims();
    let gradient = Tensor::<Plain, 2>::from_data(TensorData::new(gradient, shape), &Default::default());
    let seeded = Cpu::seeded(scores.into_primitive().tensor(), gradient.into_primitive().tensor());
    let Some(mut found) = seeded.map(Cpu::backward) else { return Ok(()) };
    for (_, parameter) in network.parameters() {
        if let Some(gradient) = parameter.grad_remove(&mut found) {
            see(&values(parameter.inner())?, &values(gradient)?);
        }
    }
    Ok(())
}

fn all_positive(graph: &TypedGraph, mut state: Vec<HostTensor>) -> Vec<HostTensor> {
    let trained = graph.graph().state.iter().map(|s| s.kind == StateKind::Parameter);
    for (tensor, _) in state.iter_mut().zip(trained).filter(|(_, trained)| *trained) {
        tensor.f32_mut().into_iter().flatten().for_each(|v| *v = v.abs());
    }
    state
}

/// For each image the units that its activation functions switch on, as bits, in training mode.
fn switched_on(network: &Network<Plain>, images: Tensor<Plain, 4>, batch: usize) -> Vec<Vec<bool>> {
    let mut units = vec![Vec::new(); batch];
    network.watch_train(&[images], &mut quiet(), |function, shape, value| {
        // Where images are no longer apart (attention over all, a sum over the batch), nothing can be said of one.
        if !switches(function) || shape.first() != Some(&batch) {
            return;
        }
        let each = shape[1..].iter().product::<usize>().max(1);
        for (units, values) in units.iter_mut().zip(value().chunks(each)) {
            units.extend(values.iter().map(|v| *v > 0.0));
        }
    });
    units
}

/// Whether this is an activation function whose result is positive where its input is, and nowhere else.
fn switches(function: UnaryOp) -> bool {
    match function {
        UnaryOp::Relu | UnaryOp::Silu | UnaryOp::Mish | UnaryOp::HardSwish | UnaryOp::Tanh => true,
        UnaryOp::Gelu { .. } | UnaryOp::LeakyRelu { .. } => true,
        UnaryOp::Clamp { min, max } => min == 0.0 && max > 0.0,
        _ => false,
    }
}

/// How many units each two images have in the same state.
fn agreement(units: &[Vec<bool>]) -> Vec<Vec<f64>> {
    let bits: Vec<Vec<u64>> = units
        .iter()
        .map(|units| units.chunks(64).map(|c| c.iter().fold(0, |word, on| word << 1 | u64::from(*on))).collect())
        .collect();
    let differ = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones() as usize).sum::<usize>();
    let n = units.first().map_or(0, Vec::len);
    bits.iter().map(|a| bits.iter().map(|b| (n - differ(a, b)) as f64).collect()).collect()
}

/// log |det| of a positive definite matrix, by Cholesky's method; `None` where it is singular.
fn log_determinant(mut a: Vec<Vec<f64>>) -> Option<f64> {
    /// A pivot so much smaller than its diagonal is nothing but rounding.
    const SINGULAR: f64 = 1e-12;
    let mut log = 0.0;
    for j in 0..a.len() {
        let diagonal = a[j][j];
        let pivot = diagonal - (0..j).map(|k| a[j][k] * a[j][k]).sum::<f64>();
        if pivot.is_nan() || pivot <= SINGULAR * diagonal {
            return None;
        }
        a[j][j] = pivot.sqrt();
        log += pivot.ln();
        for i in j + 1..a.len() {
            let rest = a[i][j] - (0..j).map(|k| a[i][k] * a[j][k]).sum::<f64>();
            a[i][j] = rest / a[j][j];
        }
    }
    (!a.is_empty()).then_some(log)
}

fn quiet() -> StepRng {
    StepRng::without_dropout(Seed::from_u64(0))
}

fn upload<B: Kernels>(interface: &Interface, images: Vec<f32>) -> Tensor<B, 4> {
    let shape = [interface.batch, interface.image.channels, interface.image.height, interface.image.width];
    Tensor::from_data(TensorData::new(images, shape), &B::Device::default())
}

fn values(tensor: Tensor<Plain, 1>) -> Result<Vec<f64>, FitError> {
    let data = tensor.try_into_data().map_err(|e| FitError::Backend(format!("{e:?}")))?;
    Ok(data.iter::<f64>().collect())
}

fn read(scores: Tensor<Cpu, 2>) -> Result<Vec<f64>, FitError> {
    let data = scores.try_into_data().map_err(|e| FitError::Backend(format!("{e:?}")))?;
    Ok(data.iter::<f64>().collect())
}

#[cfg(test)]
mod tests {
    use super::{agreement, log_determinant};

    #[test]
    fn images_agree_on_units_that_are_on_or_off_in_both() {
        // 70 units, so that a second word begins: the first two images differ in 3 of them, the third is the first's opposite.
        let one: Vec<bool> = (0..70).map(|i| i % 3 == 0).collect();
        let mut other = one.clone();
        [1, 64, 69].into_iter().for_each(|i: usize| other[i] = !other[i]);
        let opposite = one.iter().map(|on| !on).collect();
        let k = agreement(&[one, other, opposite]);
        assert_eq!(k, [[70.0, 67.0, 0.0], [67.0, 70.0, 3.0], [0.0, 3.0, 70.0]]);
    }

    #[test]
    fn the_determinant_is_the_one_by_hand() {
        // 4·3·5 − 4·1·1 − 2·2·5 = 36.
        let log = log_determinant(vec![vec![4.0, 2.0, 0.0], vec![2.0, 3.0, 1.0], vec![0.0, 1.0, 5.0]]);
        assert!(log.is_some_and(|log| (log - 36f64.ln()).abs() < 1e-12), "{log:?}");
        assert_eq!(log_determinant(vec![vec![2.0, 2.0], vec![2.0, 2.0]]), None, "two images that nothing tells apart");
        assert_eq!(log_determinant(Vec::new()), None);
    }
}
