//! One forward pass in evaluation mode, from host tensors to host tensors: what `archsmith run-net` executes.

use crate::fit::{FitError, in_threads};
use crate::lower::{LowerError, Network, StepRng};
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{Seed, TensorType, TypedGraph};
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorData};

/// Why there are no outputs.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The network cannot be lowered, or the state is not its own.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The threads could not be made.
    #[error(transparent)]
    Threads(#[from] FitError),
    /// The network takes something else than one tensor of images.
    #[error("run-net takes networks with one input of 4 dimensions; this one takes {0}")]
    Interface(String),
    /// The result could not be read back.
    #[error("the outputs could not be read: {0}")]
    Read(String),
}

/// Runs images `[N, C, H, W]` through a network on the CPU and gives its logits `[N, K]`. `state` is in the order of the
/// graph's state. Where the network draws random values in evaluation too, they come from `seed`.
///
/// # Errors
/// See [`ForwardError`].
pub fn forward(
    graph: &TypedGraph,
    state: &[HostTensor],
    images: HostTensor,
    seed: &Seed,
    threads: usize,
) -> Result<HostTensor, ForwardError> {
    let types = &graph.graph().inputs;
    let shape = match &types[..] {
        [ty] if ty == images.ty() => <[usize; 4]>::try_from(&ty.shape[..]).ok(),
        _ => None,
    };
    let shape = shape.ok_or_else(|| {
        let types: Vec<String> = types.iter().map(ToString::to_string).collect();
        ForwardError::Interface(types.join(", "))
    })?;
    in_threads(threads, || {
        let device = Default::default();
        let network = Network::<Flex>::new(graph, state, &device)?;
        let values = images.into_f32().unwrap_or_default();
        let x = Tensor::<Flex, 4>::from_data(TensorData::new(values, shape), &device);
        let y = network.forward_eval(&[x], &mut StepRng::new(*seed));
        let shape = y.dims();
        let values = y.into_data().into_vec::<f32>().map_err(|e| ForwardError::Read(format!("{e:?}")))?;
        HostTensor::f32(TensorType::f32(shape).shape, values).ok_or_else(|| ForwardError::Read("another size".into()))
    })?
}
