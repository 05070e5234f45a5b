//! The worker processes as the loop's evaluator, and data sets by name.

use crate::output;
use anyhow::{Context, anyhow, bail};
use archsmith_archive::{EvaluationCache, Metrics, Proxies, content_hash};
use archsmith_ir::seed::Seed;
use archsmith_search::cache::Cached;
use archsmith_search::run::Contract;
use archsmith_search::{Config, Evaluation, EvaluationTask, Evaluator, PartError};
use archsmith_train::{Aim, DataRef, Device, Executor, FitConfig, Outcome, Precision, SplitConfig, Task};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// What every network of a run takes in and gives out: ten classes of images at their native 32×32.
pub(crate) const CONTRACT: Contract = Contract { input: [3, 32, 32], classes: 10 };

/// Names of data sets.
const DATA_SETS: [&str; 5] = ["fashion-mnist-sample", "fashion-mnist", "cifar10", "cifar100", "folder"];

/// Which data set a name and a path stand for. Looks at the files' names, reads none of them; CIFAR without a path comes from
/// the hub, or from its cache. `side`: what the images of a folder are scaled to.
pub(crate) fn data_ref(name: &str, path: &str, side: usize) -> anyhow::Result<DataRef> {
    let dir = || -> anyhow::Result<PathBuf> {
        let dir = PathBuf::from(path);
        if path.is_empty() {
            bail!("the data set {name} needs a path: give --path or data.path, the folder with its files");
        }
        if !dir.is_dir() {
            bail!("the data set {name}: {} is no folder", dir.display());
        }
        Ok(dir)
    };
    // And whether the files are parquet.
    let cifar = |hub_folder: &str| -> anyhow::Result<(PathBuf, bool)> {
        if path.is_empty() {
            return Ok((cifar_from_hub(name, hub_folder)?, true));
        }
        let dir = dir()?;
        let parquet = has_extension(&dir, "parquet")?;
        Ok((dir, parquet))
    };
    match name {
        "fashion-mnist-sample" => Ok(DataRef::Embedded),
        "fashion-mnist" => Ok(DataRef::FashionMnist { dir: dir()? }),
        "cifar10" => Ok(match cifar("plain_text")? {
            (dir, true) => DataRef::Cifar10Parquet { dir },
            (dir, false) => DataRef::Cifar10Binary { dir },
        }),
        "cifar100" => Ok(match cifar("cifar100")? {
            (dir, true) => DataRef::Cifar100Parquet { dir },
            (dir, false) => DataRef::Cifar100Binary { dir },
        }),
        "folder" => Ok(DataRef::Folder { dir: dir()?, side }),
        _ => bail!("unknown data set '{name}'; there are {}", DATA_SETS.join(", ")),
    }
}

fn has_extension(dir: &Path, extension: &str) -> anyhow::Result<bool> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("{} could not be listed", dir.display()))?;
    Ok(entries.filter_map(Result::ok).any(|e| e.path().extension().is_some_and(|x| x == extension)))
}

/// The folder of the hub's parquet files of CIFAR-10 or CIFAR-100.
fn cifar_from_hub(name: &str, folder_name: &str) -> anyhow::Result<PathBuf> {
    let help = "give the folder of its binary version or of its parquet files with --path or data.path";
    let hub = archsmith_llm::Hub::from_env();
    let mut folder = None;
    let mut loading = output::Loading::new(format!("loading {name}"));
    for part in ["train", "test"] {
        let file = format!("{folder_name}/{part}-00000-of-00001.parquet");
        let each = &mut |t: archsmith_llm::Transfer<'_>| {
            loading.transfer(t.file, t.done, t.of);
            ControlFlow::Continue(())
        };
        let path = hub
            .data_file(&format!("uoft-cs/{name}"), &file, each)
            .map_err(|e| anyhow!("{name} could not be fetched: {e}; {help}"))?;
        folder = path.parent().map(Path::to_path_buf);
    }
    folder.ok_or_else(|| anyhow!("the hub's cache has no folder; {help}"))
}

/// Trains candidates in worker processes of this program.
pub(crate) struct WorkerEvaluator {
    executor: Executor,
    data: DataRef,
    splits: SplitConfig,
    /// Images of the training split.
    train_images: usize,
    fit: FitConfig,
}

impl WorkerEvaluator {
    pub(crate) fn new(config: &Config) -> anyhow::Result<WorkerEvaluator> {
        let device: Device = config.training.device.parse()?;
        device.check(&std::env::var("LD_LIBRARY_PATH").unwrap_or_default())?;
        let data = data_ref(&config.data.name, &config.data.path, CONTRACT.input[1])?;
        // A data set that cannot be read concerns all candidates: said before the first is written.
        let loaded = data.load()?;
        if loaded.classes > CONTRACT.classes {
            bail!(
                "the networks of a run score {} classes, and {} has {}",
                CONTRACT.classes,
                loaded.name,
                loaded.classes
            );
        }
        let splits = SplitConfig {
            validation: config.data.validation_images,
            train_limit: (config.data.train_images > 0).then_some(config.data.train_images),
            test_limit: (config.data.test_images > 0).then_some(config.data.test_images),
            seed: Seed::from_u64(config.run.seed).derive("splits", &[]).u64(),
        };
        let train_images = archsmith_train::Splits::new(std::sync::Arc::new(loaded), &splits)?.train.indices.len();
        let executor = Executor {
            program: std::env::current_exe().context("this program's own file cannot be found")?,
            arguments: vec!["worker".into()],
            workers: config.training.workers,
            time_limit: Duration::from_secs(config.training.time_limit_s),
            memory_limit_mb: (config.training.memory_limit_mb > 0).then_some(config.training.memory_limit_mb),
            folder: std::env::temp_dir().join(format!("archsmith-{}", std::process::id())),
        };
        let fit = FitConfig {
            epochs: config.training.epochs,
            seed: 0,
            device,
            precision: match config.training.precision {
                archsmith_search::config::Precision::F32 => Precision::F32,
                archsmith_search::config::Precision::Bf16 => Precision::Bf16,
            },
            threads: config.training.threads,
            memory_limit_mb: executor.memory_limit_mb,
            ..FitConfig::default()
        };
        Ok(WorkerEvaluator { executor, data, splits, train_images, fit })
    }
}

/// Who trains candidates: workers, behind a folder of earlier results where one is given. And how many images one training sees, all
/// epochs together.
pub(crate) fn evaluator(config: &Config, cache: Option<&Path>) -> anyhow::Result<(Box<dyn Evaluator>, u64)> {
    let workers = WorkerEvaluator::new(config)?;
    let images = workers.train_images as u64 * u64::from(config.training.epochs);
    let Some(folder) = cache else { return Ok((Box::new(workers), images)) };
    let settings = workers.settings()?;
    let cache =
        EvaluationCache::open(folder).with_context(|| format!("the cache {} could not be opened", folder.display()))?;
    Ok((Box::new(Cached::new(Box::new(workers), cache, settings)), images))
}

impl WorkerEvaluator {
    /// The images of a task: a share of the training split is whole batches of it, at least one.
    fn splits_of(&self, task: &EvaluationTask) -> SplitConfig {
        if task.share >= 1.0 {
            return self.splits;
        }
        let batch = archsmith_ir::cost::batch_size(&task.graph).max(1);
        let batches = (self.train_images as f64 * task.share / batch as f64).round() as usize;
        SplitConfig { train_limit: Some((batches.max(1) * batch).min(self.train_images)), ..self.splits }
    }

    /// What a result depends on beside its task. The images themselves count, not where they lie; a time limit does not.
    fn settings(&self) -> anyhow::Result<serde_json::Value> {
        let data = self.data.load()?;
        let parts = [&data.train.images, &data.train.labels, &data.test.images, &data.test.labels];
        Ok(serde_json::json!({
            "program": env!("CARGO_PKG_VERSION"),
            "data": content_hash(&parts.map(Vec::as_slice)),
            "splits": self.splits,
            "fit": FitConfig { time_limit_s: None, ..self.fit.clone() },
        }))
    }
}

impl Drop for WorkerEvaluator {
    fn drop(&mut self) {
        // Empty by now; where it is not, the system's own cleaning of temporary files takes it.
        let _ = std::fs::remove_dir(&self.executor.folder);
    }
}

impl Evaluator for WorkerEvaluator {
    fn evaluate(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Evaluation) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        self.work(tasks, Aim::Metrics, &mut |at, outcome| Ok(done(at, evaluation(outcome)?)))
    }

    fn look(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Proxies) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        self.work(tasks, Aim::Proxies, &mut |at, outcome| match outcome {
            Outcome::Seen(p) => {
                let archsmith_train::Proxies { grad_norm, snip, synflow, naswot } = p;
                Ok(done(at, Proxies { grad_norm, snip, synflow, naswot }))
            }
            Outcome::Failed { reason } => Err(reason),
            _ => Ok(ControlFlow::Continue(())),
        })
    }
}

impl WorkerEvaluator {
    /// Puts tasks through the workers. `done` hears of each outcome as it comes; what it says of one that is no candidate's fault
    /// ends the work.
    fn work(
        &self,
        tasks: &[EvaluationTask],
        aim: Aim,
        done: &mut dyn FnMut(usize, Outcome) -> Result<ControlFlow<()>, String>,
    ) -> Result<(), PartError> {
        let tasks: Vec<Task> = tasks
            .iter()
            .map(|t| Task {
                graph: t.graph.graph().clone(),
                data: self.data.clone(),
                splits: self.splits_of(t),
                config: FitConfig { seed: t.seed, ..self.fit.clone() },
                aim,
            })
            .collect();
        if tasks.is_empty() {
            return Ok(());
        }
        let stop = AtomicBool::new(false);
        let (executor, stop) = (&self.executor, &stop);
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let worker = scope.spawn(move || {
                let mut tell = |i: usize, outcome: &Outcome| {
                    // The other side only goes away when it has asked to stop.
                    let _ = sender.send((i, outcome.clone()));
                };
                executor.run(&tasks, stop, &mut tell)
            });
            let mut failed = None;
            for (i, outcome) in receiver {
                match done(i, outcome) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => stop.store(true, Ordering::Relaxed),
                    Err(reason) => {
                        failed.get_or_insert(reason);
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            }
            let result = worker.join().map_err(|_| PartError::Failed("the executor's thread ended early".into()))?;
            if let Some(reason) = failed {
                return Err(PartError::Failed(reason));
            }
            match result {
                Ok(_) | Err(archsmith_train::worker::ExecutorError::Stopped) => Ok(()),
                Err(e) => Err(PartError::Failed(e.to_string())),
            }
        })
    }
}

/// A worker's outcome as the loop sees it; `Err` for what is no candidate's fault.
fn evaluation(outcome: Outcome) -> Result<Evaluation, String> {
    Ok(match outcome {
        Outcome::Trained(m) => Evaluation::Trained(Metrics {
            accuracy_train: Some(m.accuracy_train),
            accuracy_val: m.accuracy_val,
            accuracy_test: m.accuracy_test.unwrap_or(f64::NAN),
            loss: m.loss,
            seconds: m.seconds,
            img_s: m.img_s,
            peak_rss_mb: m.peak_rss_mb.map_or(f64::NAN, |v| v as f64),
            epochs: m.epochs,
        }),
        Outcome::Diverged { .. } => Evaluation::Diverged,
        Outcome::TimedOut { .. } => Evaluation::TimedOut,
        Outcome::Unsupported { reason } => Evaluation::Unsupported { feature: reason },
        Outcome::OverMemory { .. } => Evaluation::OverBudget { what: "memory".to_string() },
        // What follows the first colon (sizes, what the process said last) differs from run to run.
        Outcome::Crashed { reason } => {
            Evaluation::Crashed { reason: reason.split(':').next().unwrap_or_default().to_string() }
        }
        Outcome::Failed { reason } => return Err(reason),
        Outcome::Seen(_) => return Err("a worker gave proxies where metrics were asked for".to_string()),
    })
}
