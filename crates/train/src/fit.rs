//! Trains a network on a data set and measures it.
//!
//! The network's own recipe decides optimiser, loss, clipping and schedule; [`FitConfig`] the rest. On the CPU a fit is a pure
//! function of graph, data, configuration and number of threads, down to the last bit. On a GPU sums have no fixed order, so
//! accuracies may differ by a few images. It refuses to select by the test split: that is measured once, at the end.

use crate::backend::{Cpu, Device, DeviceError};
use crate::data::{Batches, DataError, Splits};
use crate::kernels::Kernels;
use crate::loss::LossError;
use crate::lower::LowerError;
use crate::trainer::{Interface, Trainer};
use archsmith_ir::{Seed, TypedGraph};
use burn::tensor::backend::AutodiffBackend;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::time::Instant;

/// How to train. The batch size is the graph's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FitConfig {
    /// Passes over the training split.
    pub epochs: u32,
    /// Weights, order of images, flips and dropout come from it.
    pub seed: u64,
    /// Where.
    pub device: Device,
    /// Threads of the CPU backend; 0: one for each core.
    pub threads: usize,
    /// Seconds after which training ends as timed out; `None`: no limit.
    pub time_limit_s: Option<f64>,
    /// Mirror training images left to right with probability ½.
    pub flip: bool,
    /// Measure the test split too.
    pub test: bool,
}

impl Default for FitConfig {
    fn default() -> Self {
        FitConfig { epochs: 1, seed: 0, device: Device::Cpu, threads: 0, time_limit_s: None, flip: false, test: true }
    }
}

/// What training measured. Accuracies are shares of a whole split, in evaluation mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Hits of the last epoch's training batches, each measured before its update, in training mode.
    pub accuracy_train: f64,
    /// Accuracy on the validation split: what selection sees.
    pub accuracy_val: f64,
    /// Accuracy on the test split: only reported.
    pub accuracy_test: Option<f64>,
    /// Mean training loss of the last epoch.
    pub loss: f64,
    /// Wall-clock seconds of training, evaluation left out.
    pub seconds: f64,
    /// Training images a second.
    pub img_s: f64,
    /// Peak resident memory of the process in MiB, where it is known.
    pub peak_rss_mb: Option<u64>,
    /// Epochs done.
    pub epochs: u32,
    /// Steps done.
    pub steps: u64,
}

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// The network cannot be trained here.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The scores do not fit the labels or the loss.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The initial weights could not be computed.
    #[error("the initial state could not be computed: {0}")]
    Initial(String),
    /// The loss is not a number, or infinite.
    #[error("training diverged: the loss of step {step} is {loss}")]
    Diverged {
        /// The step, from 0.
        step: u64,
        /// The loss.
        loss: f64,
    },
    /// The time limit passed.
    #[error("training ran out of time: {limit_s} s passed after {steps} steps")]
    TimedOut {
        /// The limit.
        limit_s: f64,
        /// Steps done.
        steps: u64,
    },
    /// The caller asked to stop.
    #[error("training was stopped after {steps} steps")]
    Stopped {
        /// Steps done.
        steps: u64,
    },
    /// The tensor library failed.
    #[error("the tensor library failed: {0}")]
    Backend(String),
}

/// How far training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch, from 0.
    pub epoch: u32,
    /// Steps done, of all epochs.
    pub step: u64,
    /// Steps of all epochs.
    pub steps: u64,
    /// Loss of the last step.
    pub loss: f64,
}

/// Called after every step.
pub type OnProgress<'a> = dyn FnMut(Progress) -> ControlFlow<()> + Send + 'a;

/// Trains a network from its initial weights and measures it.
///
/// # Errors
/// What cannot be trained, divergence, the time limit, the caller's wish.
pub fn fit(
    graph: &TypedGraph,
    splits: &Splits,
    config: &FitConfig,
    on_progress: &mut OnProgress<'_>,
) -> Result<Metrics, FitError> {
    match config.device {
        Device::Cpu => {
            in_threads(config.threads, || fit_on::<Cpu>(graph, splits, config, &Default::default(), on_progress))?
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            let device = burn::backend::cuda::CudaDevice::new(index);
            in_threads(config.threads, || fit_on::<crate::backend::Cuda>(graph, splits, config, &device, on_progress))?
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(_) => Err(DeviceError::NotCompiled(config.device).into()),
    }
}

/// Runs `work` with a pool of its own, so that several fits in one process do not share threads.
pub(crate) fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T, FitError> {
    // Differentiation and deep networks recurse: a stack that is only reserved costs nothing.
    const STACK_BYTES: usize = 64 << 20;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK_BYTES).build();
    Ok(pool.map_err(|e| FitError::Backend(format!("no thread pool: {e}")))?.install(work))
}

fn fit_on<B>(
    graph: &TypedGraph,
    splits: &Splits,
    config: &FitConfig,
    device: &B::Device,
    on_progress: &mut OnProgress<'_>,
) -> Result<Metrics, FitError>
where
    B: AutodiffBackend + Kernels,
    B::InnerBackend: Kernels,
{
    let start = Instant::now();
    crate::kernels::release_memory();
    let seed = Seed::from_u64(config.seed);
    let interface = Interface::of(graph)?;
    if interface.scores < splits.classes() {
        let what = format!("it scores {} classes, the data set has {}", interface.scores, splits.classes());
        return Err(LowerError::Contract { what }.into());
    }
    let mut trainer = Trainer::<B>::new(graph, &seed, device)?;
    let per_epoch = (splits.train.indices.len() / interface.batch) as u64;
    if per_epoch == 0 {
        let wanted = format!("one batch of {}", interface.batch);
        let found = splits.train.indices.len();
        return Err(DataError::TooSmall { name: "the training split".into(), found, wanted }.into());
    }
    let in_time = |steps: u64| match config.time_limit_s {
        Some(limit_s) if start.elapsed().as_secs_f64() > limit_s => Err(FitError::TimedOut { limit_s, steps }),
        _ => Ok(()),
    };
    let training = Instant::now();
    let (mut loss, mut correct) = (0.0, 0);
    for epoch in 0..config.epochs {
        (loss, correct) = (0.0, 0);
        let order = seed.derive("epoch", &[u64::from(epoch)]);
        let batches = Batches::shuffled(splits, &splits.train, interface.image, interface.batch, config.flip, &order);
        for i in 0..batches.len() {
            in_time(trainer.steps())?;
            let (images, labels) = batches.get(i);
            let stepped = trainer.step(images, &labels, u64::from(epoch))?;
            loss += stepped.loss;
            correct += stepped.correct;
            let progress = Progress {
                epoch,
                step: trainer.steps(),
                steps: per_epoch * u64::from(config.epochs),
                loss: stepped.loss,
            };
            if on_progress(progress).is_break() {
                return Err(FitError::Stopped { steps: trainer.steps() });
            }
        }
    }
    let seconds = training.elapsed().as_secs_f64();
    let measure = |split| -> Result<f64, FitError> {
        let batches = Batches::in_order(splits, split, interface.image, interface.batch);
        let (hits, total) = trainer.evaluate(&batches, || in_time(trainer.steps()))?;
        Ok(hits as f64 / total.max(1) as f64)
    };
    let accuracy_val = measure(&splits.validation)?;
    let accuracy_test = if config.test { Some(measure(&splits.test)?) } else { None };
    let steps = trainer.steps();
    Ok(Metrics {
        accuracy_train: correct as f64 / (per_epoch * interface.batch as u64) as f64,
        accuracy_val,
        accuracy_test,
        loss: loss / per_epoch as f64,
        seconds,
        img_s: steps as f64 * interface.batch as f64 / seconds.max(1e-9),
        peak_rss_mb: crate::memory::peak_rss_mb(),
        epochs: config.epochs,
        steps,
    })
}
