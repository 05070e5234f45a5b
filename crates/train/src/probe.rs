//! One look at a network: its scores, or its loss and gradients, for given state and images.
//!
//! This is what is compared with other implementations. It runs the same lowering and the same kernels as training, on the CPU,
//! with all dropout off; other random numbers come from a fixed seed. It changes nothing and keeps nothing.

use crate::backend::Cpu;
use crate::fit::FitError;
use crate::kernels::Kernels;
use crate::loss::loss;
use crate::lower::{Network, StepRng};
use crate::trainer::Interface;
use archsmith_ir::recipe::Loss;
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{Seed, StateId, TypedGraph};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Tensor, TensorData};

type Plain = <Cpu as AutodiffBackend>::InnerBackend;

/// Loss and gradients of one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// Mean cross-entropy.
    pub loss: f64,
    /// The L2 norm of the gradient of each trained parameter, summed as `torch.Tensor.norm` sums it; `None` where the loss does
    /// not depend on it.
    pub norms: Vec<(StateId, Option<f64>)>,
}

/// The scores `[N, classes]`, row-major, of images `[N, C, H, W]` in evaluation mode.
///
/// # Errors
/// A network that cannot be lowered, a state or images that are not the graph's.
pub fn scores(graph: &TypedGraph, state: &[HostTensor], images: Vec<f32>) -> Result<Vec<f64>, FitError> {
    let interface = Interface::of(graph)?;
    let device = Default::default();
    let network = Network::<Plain>::new(graph, state, &device)?;
    let images = upload::<Plain>(&interface, images)?;
    read(network.forward_eval(&[images], &mut quiet()))
}

/// Loss and gradients for images `[N, C, H, W]` and their labels, in training or in evaluation mode.
///
/// # Errors
/// As [`scores`]; a label without a score.
pub fn gradients(
    graph: &TypedGraph,
    state: &[HostTensor],
    images: Vec<f32>,
    labels: &[u8],
    training: bool,
) -> Result<Gradients, FitError> {
    let interface = Interface::of(graph)?;
    let device = Default::default();
    let network = Network::<Cpu>::new(graph, state, &device)?;
    let images = [upload::<Cpu>(&interface, images)?];
    let scores = match training {
        true => network.forward_train(&images, &mut quiet()).0,
        false => network.forward_eval(&images, &mut quiet()),
    };
    let kind = Loss::CrossEntropy { label_smoothing: 0.0, weight: None };
    let measured = loss(&kind, &read(scores.clone())?, interface.scores, labels)?;
    let gradient = TensorData::new(measured.gradient, [interface.batch, interface.scores]);
    let gradient = Tensor::<Plain, 2>::from_data(gradient, &device).into_primitive().tensor();
    let mut found = Cpu::seeded(scores.into_primitive().tensor(), gradient).map(Cpu::backward);
    let mut norms = Vec::new();
    for (id, parameter) in network.parameters() {
        let norm = match found.as_mut().and_then(|found| parameter.grad_remove(found)) {
            Some(gradient) => Some(norm(gradient)?),
            None => None,
        };
        norms.push((id, norm));
    }
    Ok(Gradients { loss: measured.loss, norms })
}

fn quiet() -> StepRng {
    StepRng::without_dropout(Seed::from_u64(0))
}

fn upload<B: Backend>(interface: &Interface, images: Vec<f32>) -> Result<Tensor<B, 4>, FitError> {
    let shape = [interface.batch, interface.image.channels, interface.image.height, interface.image.width];
    let expected: usize = shape.iter().product();
    if images.len() != expected {
        return Err(FitError::Initial(format!("{expected} values are expected for {shape:?}, found {}", images.len())));
    }
    Ok(Tensor::from_data(TensorData::new(images, shape), &B::Device::default()))
}

fn norm(gradient: Tensor<Plain, 1>) -> Result<f64, FitError> {
    let data = gradient.try_into_data().map_err(|e| FitError::Backend(format!("{e:?}")))?;
    let values: Vec<f32> = data.iter::<f32>().collect();
    Ok(f64::from(single_norm(&values)))
}

/// The L2 norm as `torch.Tensor.norm` sums it on a CPU with eight lanes of single precision: every eighth square into its own
/// sum, those one after the other. Over many millions of elements a full lane loses what is added to it, and the norm comes
/// out up to 1 % too small; a figure of PyTorch's can only be compared with one that is rounded alike.
fn single_norm(values: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut lanes = [0f32; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += v * v;
        }
    }
    lanes.iter().copied().chain(rest.iter().map(|v| v * v)).fold(0f32, |sum, v| sum + v).sqrt()
}

fn read<B: Backend>(scores: Tensor<B, 2>) -> Result<Vec<f64>, FitError> {
    let data = scores.try_into_data().map_err(|e| FitError::Backend(format!("{e:?}")))?;
    Ok(data.iter::<f64>().collect())
}

#[cfg(test)]
mod tests {
    use super::single_norm;

    #[test]
    fn few_elements_are_summed_well() {
        assert_eq!(single_norm(&[3.0, 4.0]), 5.0);
        let values: Vec<f32> = (0..1003).map(|i| (i as f32 * 0.37).sin()).collect();
        let exact = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
        assert!((f64::from(single_norm(&values)) - exact).abs() < 1e-5 * exact);
    }

    #[test]
    fn a_full_lane_takes_up_no_more() {
        // 2^13 squared is 2^26, where the next number after it is 2^26 + 8: ones added to it one by one are lost.
        let mut values = vec![1f32; 8 * 1024];
        values[..8].fill(8192.0);
        assert_eq!(single_norm(&values), (8f32 * 67_108_864.0).sqrt());
    }
}
