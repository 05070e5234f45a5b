//! Trains a network on a data set and measures it.
//!
//! The network's own recipe decides optimiser, loss, clipping and schedule; [`FitConfig`] the rest. On the CPU a fit is a pure
//! function of graph, data, configuration and number of threads, down to the last bit. On a GPU sums have no fixed order, so
//! accuracies may differ by a few images. It refuses to select by the test split: that is measured once, at the end.

use crate::backend::{Cpu, Device, DeviceError, Precision};
use crate::data::{Augment, Batches, DataError, Splits};
use crate::kernels::Kernels;
use crate::loss::LossError;
use crate::lower::{LowerError, Plan};
use crate::trainer::{Interface, Trainer};
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{Seed, TypedGraph};
use burn::tensor::backend::AutodiffBackend;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

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
    /// In what products are computed.
    pub precision: Precision,
    /// Threads of the CPU backend; 0: one for each core.
    pub threads: usize,
    /// Seconds after which training ends as timed out; `None`: no limit.
    pub time_limit_s: Option<f64>,
    /// Memory in MiB that the process may take: of a network that would need more, activations are computed again in the backward
    /// pass, and where that is not enough it is refused before anything is allocated. `None`: no limit. Only on the CPU.
    pub memory_limit_mb: Option<u64>,
    /// What is done to training images.
    pub augment: Augment,
    /// Measure the validation split after every epoch, not only after the last.
    pub validate: bool,
    /// Measure the test split too.
    pub test: bool,
}

impl Default for FitConfig {
    fn default() -> Self {
        FitConfig {
            epochs: 1,
            seed: 0,
            device: Device::Cpu,
            precision: Precision::F32,
            threads: 0,
            time_limit_s: None,
            memory_limit_mb: None,
            augment: Augment::default(),
            validate: false,
            test: true,
        }
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
    /// The steps so far say that the time limit would pass before the end.
    #[error("training would take {projected_s:.1} s at the speed of its first {steps} steps, the limit is {limit_s} s")]
    TooSlow {
        /// The limit.
        limit_s: f64,
        /// Seconds that all steps would take.
        projected_s: f64,
        /// Steps done.
        steps: u64,
    },
    /// The loss has climbed far above where it started.
    #[error("training is hopeless: the loss climbed to {loss:.3} at step {step}, from {first:.3} at the first")]
    Hopeless {
        /// The step, from 0.
        step: u64,
        /// Mean loss of the last steps.
        loss: f64,
        /// Loss of the first step.
        first: f64,
    },
    /// The graph says that the memory limit would be passed.
    #[error("training would take {predicted_mb} MiB of memory at the least, the limit is {limit_mb} MiB")]
    OverMemory {
        /// The limit.
        limit_mb: u64,
        /// The peak of the process with activations computed again.
        predicted_mb: u64,
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
    /// Its learning rate.
    pub rate: f64,
    /// What the epoch came to, after its last step.
    pub ended: Option<Epoch>,
}

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Mean training loss.
    pub loss: f64,
    /// Hits of its training batches, each measured before its update.
    pub accuracy_train: f64,
    /// Accuracy on the validation split, where it was measured.
    pub accuracy_val: Option<f64>,
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
    fit_from(graph, None, splits, config, on_progress).map(|fitted| fitted.metrics)
}

/// What [`fit_from`] gives.
pub struct Fitted {
    /// What was measured.
    pub metrics: Metrics,
    /// Into how many segments a step was cut to stay within the memory limit; 1: nothing was computed again.
    pub segments: usize,
    /// Reads the network's state from its device.
    read: Box<dyn Fn() -> Result<Vec<HostTensor>, FitError> + Send>,
}

impl std::fmt::Debug for Fitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fitted").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

impl Fitted {
    /// The trained state in the order of the graph's.
    ///
    /// # Errors
    /// What the device says, where it could not be read.
    pub fn state(&self) -> Result<Vec<HostTensor>, FitError> {
        (self.read)()
    }
}

/// As [`fit`], from weights that are known: `state` is in the order of the graph's state. With `None` they are drawn.
///
/// # Errors
/// Those of [`fit`].
pub fn fit_from(
    graph: &TypedGraph,
    state: Option<&[HostTensor]>,
    splits: &Splits,
    config: &FitConfig,
    on_progress: &mut OnProgress<'_>,
) -> Result<Fitted, FitError> {
    let start = Start { graph, state };
    match config.device {
        Device::Cpu => {
            in_threads(config.threads, || fit_on::<Cpu>(start, splits, config, &Default::default(), on_progress))?
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            let device = burn::backend::cuda::CudaDevice::new(index);
            in_threads(config.threads, || fit_on::<crate::backend::Cuda>(start, splits, config, &device, on_progress))?
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

/// What is trained.
#[derive(Clone, Copy)]
struct Start<'a> {
    graph: &'a TypedGraph,
    state: Option<&'a [HostTensor]>,
}

fn fit_on<B>(
    Start { graph, state }: Start<'_>,
    splits: &Splits,
    config: &FitConfig,
    device: &B::Device,
    on_progress: &mut OnProgress<'_>,
) -> Result<Fitted, FitError>
where
    B: AutodiffBackend + Kernels<Plain = <B as AutodiffBackend>::InnerBackend>,
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
    let plan = match (config.memory_limit_mb, config.device) {
        (Some(limit_mb), Device::Cpu) => within_memory(graph, splits, limit_mb)?,
        _ => Plan::default(),
    };
    let segments = plan.segments();
    let mut trainer = Trainer::<B>::new(graph, state, plan, config.precision, &seed, device)?;
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
    let measure = |trainer: &Trainer<B>, split| -> Result<f64, FitError> {
        let batches = Batches::in_order(splits, split, interface.image, interface.batch);
        let (hits, total) = trainer.evaluate(&batches, || in_time(trainer.steps()))?;
        Ok(hits as f64 / total.max(1) as f64)
    };
    let training = Instant::now();
    let mut measuring = Duration::ZERO;
    let steps_wanted = per_epoch * u64::from(config.epochs);
    let mut outlook = Outlook::new(interface.scores);
    let mut warm: Option<Instant> = None;
    let mut last = Epoch { loss: 0.0, accuracy_train: 0.0, accuracy_val: None };
    for epoch in 0..config.epochs {
        let (mut loss, mut correct) = (0.0, 0);
        let order = seed.derive("epoch", &[u64::from(epoch)]);
        let batches =
            Batches::shuffled(splits, &splits.train, interface.image, interface.batch, config.augment, &order);
        for i in 0..batches.len() {
            in_time(trainer.steps())?;
            let (images, labels) = batches.get(i);
            let rate = trainer.rate(u64::from(epoch));
            let stepped = trainer.step(images, &labels, u64::from(epoch))?;
            loss += stepped.loss;
            outlook.after(trainer.steps() - 1, stepped.loss)?;
            // The first step allocates and, on a GPU, compiles: it is no measure of the others.
            let warm = *warm.get_or_insert_with(Instant::now);
            if let Some(limit_s) = config.time_limit_s {
                let before = (warm - start).as_secs_f64();
                let since = warm.elapsed().saturating_sub(measuring);
                project(limit_s, before, since.as_secs_f64(), trainer.steps(), steps_wanted)?;
            }
            correct += stepped.correct;
            let mut ended = None;
            if i + 1 == batches.len() {
                last.loss = loss / per_epoch as f64;
                last.accuracy_train = correct as f64 / (per_epoch * interface.batch as u64) as f64;
                trainer.end_epoch(last.loss, last.accuracy_train);
                if config.validate || epoch + 1 == config.epochs {
                    let started = Instant::now();
                    last.accuracy_val = Some(measure(&trainer, &splits.validation)?);
                    measuring += started.elapsed();
                }
                ended = Some(last);
            }
            let progress =
                Progress { epoch, step: trainer.steps(), steps: steps_wanted, loss: stepped.loss, rate, ended };
            if on_progress(progress).is_break() {
                return Err(FitError::Stopped { steps: trainer.steps() });
            }
        }
    }
    let seconds = training.elapsed().saturating_sub(measuring).as_secs_f64();
    let accuracy_val = match last.accuracy_val {
        Some(accuracy) => accuracy,
        // Of no epochs at all.
        None => measure(&trainer, &splits.validation)?,
    };
    let accuracy_test = if config.test { Some(measure(&trainer, &splits.test)?) } else { None };
    let steps = trainer.steps();
    let metrics = Metrics {
        accuracy_train: last.accuracy_train,
        accuracy_val,
        accuracy_test,
        loss: last.loss,
        seconds,
        img_s: steps as f64 * interface.batch as f64 / seconds.max(1e-9),
        peak_rss_mb: crate::memory::peak_rss_mb(),
        epochs: config.epochs,
        steps,
    };
    Ok(Fitted { metrics, segments, read: Box::new(move || trainer.state()) })
}

/// How to stay within the memory limit. Refuses what would surely pass it in any way. A prediction may be a little off: what lies
/// just above is tried.
pub(crate) fn within_memory(graph: &TypedGraph, splits: &Splits, limit_mb: u64) -> Result<Plan, FitError> {
    const MARGIN: f64 = 1.15;
    let beside = (splits.dataset.bytes() as u64).div_ceil(1 << 20);
    let (plan, least) = Plan::fitting(graph, |footprint| footprint.process_mb() + beside <= limit_mb)?;
    let predicted_mb = least.process_mb() + beside;
    if predicted_mb as f64 > MARGIN * limit_mb as f64 {
        return Err(FitError::OverMemory { limit_mb, predicted_mb });
    }
    Ok(plan)
}

/// Judges the time of all steps by that of the steps after the first. `before`: seconds until the first step was done; `since`:
/// seconds of the others. Says nothing before [`PROJECT_AFTER`] steps, and leaves a margin: a busy machine is slow for a while.
fn project(limit_s: f64, before: f64, since: f64, steps: u64, wanted: u64) -> Result<(), FitError> {
    const PROJECT_AFTER: u64 = 10;
    const MARGIN: f64 = 1.25;
    if steps < PROJECT_AFTER || steps >= wanted {
        return Ok(());
    }
    let projected_s = before + since / (steps - 1) as f64 * (wanted - 1) as f64;
    if projected_s > MARGIN * limit_s {
        return Err(FitError::TooSlow { limit_s, projected_s, steps });
    }
    Ok(())
}

/// Watches the loss for a climb that no schedule explains.
struct Outlook {
    /// Loss of the first step.
    start: Option<f64>,
    /// Loss of guessing all classes alike: a first step below it is no measure.
    guessing: f64,
    /// Sum of the losses since the last judgement.
    window: f64,
}

impl Outlook {
    /// Steps whose mean is judged: single batches may leap.
    const WINDOW: u64 = 32;
    /// How far above its start a mean loss must lie. A warm-up or a restart of a schedule stays below.
    const CLIMB: f64 = 10.0;

    fn new(classes: usize) -> Self {
        Outlook { start: None, guessing: (classes.max(2) as f64).ln(), window: 0.0 }
    }

    fn after(&mut self, step: u64, loss: f64) -> Result<(), FitError> {
        let first = *self.start.get_or_insert(loss);
        self.window += loss;
        if !(step + 1).is_multiple_of(Self::WINDOW) {
            return Ok(());
        }
        let mean = std::mem::take(&mut self.window) / Self::WINDOW as f64;
        if mean > Self::CLIMB * first.abs().max(self.guessing) {
            return Err(FitError::Hopeless { step, loss: mean, first });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_waits_and_leaves_a_margin() {
        assert!(project(1.0, 0.0, 100.0, 9, 1000).is_ok());
        assert!(project(10.0, 1.0, 0.09, 10, 1000).is_ok());
        assert!(project(10.0, 1.0, 0.10, 10, 1000).is_ok(), "12.1 s is within the margin");
        let error = project(10.0, 1.0, 0.18, 10, 1000);
        assert!(
            matches!(error, Err(FitError::TooSlow { projected_s, steps: 10, .. }) if (projected_s - 20.98).abs() < 0.01)
        );
        assert!(project(1.0, 0.0, 100.0, 10, 10).is_ok(), "nothing is left to project");
    }

    #[test]
    fn a_climbing_loss_is_hopeless_and_a_leap_is_not() {
        let watch = |loss: &dyn Fn(u64) -> f64| {
            let mut outlook = Outlook::new(10);
            (0..320).try_for_each(|s| outlook.after(s, loss(s)))
        };
        assert!(watch(&|_| 2.3).is_ok());
        assert!(watch(&|s| if s == 40 { 300.0 } else { 2.0 }).is_ok());
        assert!(watch(&|s| 1000.0 / (s + 1) as f64).is_ok(), "a bad start that recovers");
        let error = watch(&|s| 2.0 + s as f64);
        assert!(matches!(error, Err(FitError::Hopeless { step: 63, .. })), "{error:?}");
    }
}
