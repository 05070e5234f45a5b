//! How fast a network trains: the figures of `archsmith bench train`.

use crate::backend::{Cpu, Device, Precision};
use crate::fit::{FitError, in_threads};
use crate::kernels::Kernels;
use crate::lower::Plan;
use crate::trainer::{Interface, Trainer};
use archsmith_ir::{Seed, StateKind, TypedGraph};
use burn::tensor::backend::AutodiffBackend;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Speed of one network: medians over the measured steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchResult {
    /// Trained parameters and frozen ones.
    pub params: u64,
    /// Images a step.
    pub batch: usize,
    /// Seconds of a forward pass in training mode.
    pub fwd_s: f64,
    /// Seconds of a whole step by the network's own recipe: forward, loss, backward, clipping, update.
    pub step_s: f64,
    /// `batch / step_s`.
    pub img_s: f64,
    /// Peak resident memory of the process in MiB, where it is known.
    pub peak_rss_mb: Option<u64>,
    /// The same as the graph says before anything is allocated; on the CPU.
    pub predicted_mb: Option<u64>,
    /// Into how many segments a step is cut to take less memory; 1: nothing is computed again.
    pub segments: usize,
}

/// Measures `steps` steps on random images, and the forward pass in each, after one step to warm up. Activations are computed again
/// where the process would otherwise take more than `limit_mb`; on the CPU.
///
/// # Errors
/// What cannot be trained.
pub fn bench(
    graph: &TypedGraph,
    steps: usize,
    threads: usize,
    device: Device,
    precision: Precision,
    limit_mb: Option<u64>,
) -> Result<BenchResult, FitError> {
    match device {
        Device::Cpu => {
            let (plan, footprint) = Plan::fitting(graph, |f| limit_mb.is_none_or(|limit| f.process_mb() <= limit))?;
            let predicted_mb = Some(footprint.process_mb());
            let result = in_threads(threads, || bench_on::<Cpu>(graph, plan, precision, steps, &Default::default()))?;
            result.map(|result| BenchResult { predicted_mb, ..result })
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            let device = burn::backend::cuda::CudaDevice::new(index);
            in_threads(threads, || bench_on::<crate::backend::Cuda>(graph, Plan::default(), precision, steps, &device))?
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(_) => Err(crate::backend::DeviceError::NotCompiled(device).into()),
    }
}

fn bench_on<B>(
    graph: &TypedGraph,
    plan: Plan,
    precision: Precision,
    steps: usize,
    device: &B::Device,
) -> Result<BenchResult, FitError>
where
    B: AutodiffBackend + Kernels<Plain = <B as AutodiffBackend>::InnerBackend>,
    B::InnerBackend: Kernels,
{
    crate::kernels::release_memory();
    let seed = Seed::from_u64(0);
    let interface = Interface::of(graph)?;
    let s = interface.image;
    let mut draws = seed.derive("images", &[]).draws();
    let images: Vec<f32> =
        (0..interface.batch * s.channels * s.height * s.width).map(|_| draws.normal() as f32).collect();
    let labels: Vec<u8> = (0..interface.batch).map(|i| (i % interface.scores.min(10)) as u8).collect();
    let segments = plan.segments();
    let mut trainer = Trainer::<B>::new(graph, None, plan, precision, &seed, device)?;
    trainer.step(images.clone(), &labels, 0)?;
    let (mut forward, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..steps.max(1) {
        let start = Instant::now();
        forward.push(trainer.step(images.clone(), &labels, 0)?.forward_s);
        whole.push(start.elapsed().as_secs_f64());
    }
    let step_s = median(whole);
    let parameters = graph.graph().state.iter().filter(|s| s.kind != StateKind::Buffer && s.kind.is_parameter());
    Ok(BenchResult {
        params: parameters.map(|s| s.ty.numel() as u64).sum(),
        batch: interface.batch,
        fwd_s: median(forward),
        step_s,
        img_s: interface.batch as f64 / step_s,
        peak_rss_mb: crate::memory::peak_rss_mb(),
        predicted_mb: None,
        segments,
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n % 2 == 1 { values[n / 2] } else { (values[n / 2 - 1] + values[n / 2]) / 2.0 }
}
