//! The configuration of a run: every choice that the result depends on, in one TOML file.
//!
//! A file names only what differs from the preset it starts from; an unknown key is an error. The resolved configuration is
//! stored in the run folder, so that a run can be repeated from it alone.

mod beyond;

pub use beyond::{Halving, Predictor, SelectBy, Selection};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The default run: small enough for ten minutes on two cores, offline.
pub const SMOKE: &str = include_str!("presets/smoke.toml");
/// The method as published, for a GPU and a 7B model.
pub const PAPER: &str = include_str!("presets/paper.toml");
/// Twenty-two cycles with the embedded model on two cores.
pub const LAPTOP: &str = include_str!("presets/laptop.toml");

/// Names and texts of the presets.
pub const PRESETS: [(&str, &str); 3] = [("smoke", SMOKE), ("laptop", LAPTOP), ("paper", PAPER)];

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Seed and size of the run.
    pub run: Run,
    /// The language model.
    pub model: Model,
    /// What it is asked.
    pub prompt: Prompt,
    /// How it is sampled.
    pub sampling: Sampling,
    /// What a candidate may cost.
    pub budget: Budget,
    /// The images.
    pub data: Data,
    /// How a candidate is trained.
    pub training: Training,
    /// Which candidates are kept.
    pub admission: Admission,
    /// What counts as new.
    pub novelty: Novelty,
    /// What is done with rejected candidates.
    pub repair: Repair,
    /// How the model learns from the admitted.
    pub sft: Sft,
    /// Which of the admitted networks the model learns from and is shown. Left out: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Selection")]
    pub selection: Option<Selection>,
    /// Successive halving: give up the worse candidates after a share of the training images. Left out: all are trained in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Halving")]
    pub halving: Option<Halving>,
    /// A predictor of accuracies from the graph, which orders and prunes training. Left out: all are trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Predictor")]
    pub predictor: Option<Predictor>,
}

/// Seed and size of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Every random draw derives from it.
    pub seed: u64,
    /// Number of cycles.
    pub cycles: u32,
    /// Proposals in each cycle.
    pub candidates: u32,
    /// `builtin`, `none`, a file made by `corpus import`, a folder of networks or a wheel of them: known before the run, so
    /// that nothing in it counts as new.
    pub seeds: String,
}

/// The language model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// `embedded`, a GGUF file, a folder of safetensors, a hub repository `owner/name[@revision]`, or `mutation`: random edits
    /// of known networks in the place of a model, as a baseline.
    pub source: String,
    /// Threads of generation and fine-tuning.
    pub threads: usize,
    /// Rows that are decoded together.
    pub batch: usize,
}

/// How the request is worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PromptStyle {
    /// A short comment before the code, for a small model without a chat template.
    Compact,
    /// System and user turns.
    Chat,
}

/// What the model is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// How the request is worded.
    pub style: PromptStyle,
    /// The accuracy that is asked for is drawn from this range, for each candidate anew.
    pub accuracy: (f64, f64),
    /// State a budget drawn for each candidate anew, one of several sizes up to `budget.max_params`, and the smallest that
    /// holds it for a network that is learnt from; off: always `budget.max_params`. What is allowed stays the same.
    #[serde(default)]
    pub vary_budget: bool,
    /// Networks of the archive shown as examples (chat only), at most 3.
    pub examples: usize,
    /// Share of the candidates that are asked for as a unified diff against a network of the archive instead of whole (chat only,
    /// without a guide). While the archive has none, networks are asked for whole.
    #[serde(default)]
    pub delta: f64,
    /// Start the answer with the imports that every network begins with.
    pub start_with_imports: bool,
}

/// How the model is sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// 0 takes the likeliest token.
    pub temperature: f64,
    /// Only this many likeliest tokens; 0: all.
    pub top_k: usize,
    /// Only the likeliest tokens that together have this probability.
    pub top_p: f64,
    /// Longest answer, in tokens.
    pub max_new_tokens: usize,
    /// What reads along.
    #[serde(default)]
    pub guide: Guide,
    /// Tokens of one answer that the compiler may have taken back before the answer is given up, as a multiple of the longest
    /// answer. The embedded model reaches it now and then where it draws hot; for a model that
    /// rarely gets through it bounds the time.
    #[serde(default = "take_back")]
    pub take_back: usize,
}

fn take_back() -> usize {
    12
}

/// What steers the sampling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Guide {
    /// Nothing: the model's own distribution.
    #[default]
    Off,
    /// A grammar of networks: a token that no text of it could go on with is not drawn. Python that can be read, the contract's
    /// skeleton, and the names of PyTorch that are supported; shapes and budgets are not looked at.
    Grammar,
    /// The compiler: a statement that no network within the budget can have is taken back and drawn again.
    Compiler,
}

/// What a candidate may cost; more is refused before anything is allocated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Parameters, trainable and frozen.
    pub max_params: u64,
    /// Multiply-adds of one image, forward.
    pub max_macs: u64,
    /// Bytes of activations of one training batch.
    pub max_activation_bytes: u64,
}

/// The images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// `fashion-mnist-sample` (embedded), `fashion-mnist`, `cifar10`, or `folder`: images by class, ten classes at most.
    pub name: String,
    /// Where its files are; empty for the embedded sample or the hub.
    pub path: String,
    /// Training images used; 0: all that validation leaves.
    pub train_images: usize,
    /// Images held out of the training file, for selection.
    pub validation_images: usize,
    /// Test images used, for reporting only; 0: all.
    pub test_images: usize,
}

/// How a candidate is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Passes over the training split.
    pub epochs: u32,
    /// Images in a step.
    pub batch: usize,
    /// `cpu` or `cuda`.
    pub device: String,
    /// What convolutions and matrix products are computed in.
    #[serde(default)]
    pub precision: Precision,
    /// Candidates trained at the same time, each in a process of its own. They share a GPU, its memory too.
    pub workers: usize,
    /// Threads of each.
    pub threads: usize,
    /// Wall-clock limit of one candidate. Far above what the budget allows: it catches accidents, it does not select.
    pub time_limit_s: u64,
    /// Memory limit of one candidate.
    pub memory_limit_mb: u64,
    /// The hyperparameters handed to the network as `prm`.
    pub prm: BTreeMap<String, f64>,
}

/// A precision of products; all else is f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As the parameters are.
    #[default]
    F32,
    /// Operands are rounded to bf16, for a GPU's tensor cores; on a CPU that is only slower.
    Bf16,
}

/// Which trained candidates are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// Validation accuracy from which a candidate is admitted.
    pub threshold: f64,
    /// Top up to this many a cycle with the next best, 0: never.
    pub top_up: usize,
    /// But none below this.
    pub top_up_floor: f64,
}

/// What counts as new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Novelty {
    /// Jaccard similarity of the normalised texts from which a candidate is a near-duplicate.
    pub near_duplicate: f64,
    /// Refuse a candidate whose graph is already known, whatever its text.
    pub graph: bool,
    /// How often another network is asked for in the place of a duplicate, within the cycle. Each is a candidate of its own.
    #[serde(default)]
    pub redraws: u32,
    /// By which share of the configured temperature each of these is sampled hotter than the one before: a model that has narrowed
    /// down to what is known finds its way out.
    #[serde(default)]
    pub heat: f64,
}

/// What is done with rejected candidates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// Put missing imports in front. Counted as repaired, never as raw.
    pub imports: bool,
    /// How often the model sees a rejected network with its diagnostics again (chat only).
    pub attempts: u32,
}

/// How the model learns from the admitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sft {
    /// Off: the model stays as it is.
    pub enabled: bool,
    /// Rank of the adapter.
    pub rank: usize,
    /// Its scale is alpha / rank.
    pub alpha: f64,
    /// Dropout on the adapter's input.
    pub dropout: f64,
    /// Adapted layers, from the first; 0: all.
    pub layers: usize,
    /// Learning rate.
    pub lr: f64,
    /// Passes over the pairs in each cycle.
    pub epochs: u32,
    /// Steps of linear warm-up.
    pub warmup_steps: usize,
    /// Largest gradient norm.
    pub clip: f64,
    /// Pairs in a step.
    pub batch: usize,
    /// Longer pairs are cut.
    pub max_tokens: usize,
    /// Share of the pairs held out to watch the loss.
    pub held_out: f64,
    /// Stop after so many passes that did not lower the loss on the held-out pairs, and keep the best; 0: make all passes.
    #[serde(default)]
    pub patience: usize,
    /// Newest pairs used in a cycle; 0: the whole cumulative corpus.
    pub max_pairs: usize,
    /// Also train on infill pairs: the network without the body of its forward → the whole file.
    pub infill: bool,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No such preset.
    #[error("unknown preset '{0}'; there are smoke, laptop and paper")]
    UnknownPreset(String),
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{origin}: {message}")]
    Invalid {
        /// The file, or the command line.
        origin: String,
        /// What the parser says.
        message: String,
    },
    /// A value out of its range.
    #[error("{key} = {value}: {rule}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// What was found.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
}

impl Config {
    /// A preset by name.
    ///
    /// # Errors
    /// [`ConfigError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Config, ConfigError> {
        Config::resolve(name, None, &[])
    }

    /// A preset, changed by a TOML text (with the name of its origin) and then by `key = value` settings such as
    /// `run.cycles=5`.
    ///
    /// # Errors
    /// Unknown presets and keys, values of the wrong kind or out of range.
    pub fn resolve(preset: &str, file: Option<(&str, &str)>, settings: &[String]) -> Result<Config, ConfigError> {
        let text =
            PRESETS.iter().find(|(n, _)| *n == preset).ok_or_else(|| ConfigError::UnknownPreset(preset.to_string()))?.1;
        let mut table = parse_table(text, preset)?;
        if let Some((origin, text)) = file {
            merge(&mut table, parse_table(text, origin)?);
        }
        for setting in settings {
            merge(&mut table, parse_setting(setting)?);
        }
        let origin = file.map_or("settings", |f| f.0);
        let config: Config = toml::Value::Table(table).try_into().map_err(|e: toml::de::Error| {
            ConfigError::Invalid { origin: origin.to_string(), message: e.message().to_string() }
        })?;
        config.validate()?;
        Ok(config)
    }

    /// Reads a complete configuration, as it is stored in a run folder.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn from_toml(text: &str, origin: &str) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text)
            .map_err(|e| ConfigError::Invalid { origin: origin.to_string(), message: e.to_string() })?;
        config.validate()?;
        Ok(config)
    }

    /// The JSON schema of a configuration, for editors: every key with its meaning, its type and its default in the preset
    /// `smoke`. No key is required, since a file names only what differs from its preset.
    pub fn schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Config).to_value();
        schema["title"] = "Archsmith's run configuration".into();
        forget_required(&mut schema);
        let defaults = SMOKE.parse::<toml::Table>().ok().and_then(|t| serde_json::to_value(t).ok()).unwrap_or_default();
        for (section, values) in defaults.as_object().into_iter().flatten() {
            let name =
                schema["properties"][section]["$ref"].as_str().and_then(|r| r.rsplit('/').next()).map(String::from);
            let Some(name) = name else { continue };
            for (key, value) in values.as_object().into_iter().flatten() {
                schema["$defs"][&name]["properties"][key]["default"] = value.clone();
            }
        }
        schema
    }

    /// The complete configuration as TOML.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self)
            .map_err(|e| ConfigError::Invalid { origin: "configuration".into(), message: e.to_string() })
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let (low, high) = self.prompt.accuracy;
        check(self.run.cycles >= 1, "run.cycles", self.run.cycles, "at least 1")?;
        check(self.run.candidates >= 1, "run.candidates", self.run.candidates, "at least 1")?;
        check(self.model.batch >= 1, "model.batch", self.model.batch, "at least 1")?;
        check(
            share(low) && share(high) && low <= high,
            "prompt.accuracy",
            format!("{:?}", self.prompt.accuracy),
            "two shares between 0 and 1, the smaller first",
        )?;
        check(
            self.prompt.examples <= 3,
            "prompt.examples",
            self.prompt.examples,
            "at most 3: the prompt has to fit the model's context",
        )?;
        check(share(self.prompt.delta), "prompt.delta", self.prompt.delta, "a share between 0 and 1")?;
        check(
            self.prompt.delta == 0.0 || self.prompt.style == PromptStyle::Chat && self.sampling.guide == Guide::Off,
            "prompt.delta",
            self.prompt.delta,
            "only with prompt.style = \"chat\" and sampling.guide = \"off\": guides read networks, not diffs",
        )?;
        check(self.sampling.temperature >= 0.0, "sampling.temperature", self.sampling.temperature, "not negative")?;
        check(
            self.sampling.top_p > 0.0 && self.sampling.top_p <= 1.0,
            "sampling.top_p",
            self.sampling.top_p,
            "above 0, at most 1",
        )?;
        check(
            self.sampling.max_new_tokens >= 1,
            "sampling.max_new_tokens",
            self.sampling.max_new_tokens,
            "at least 1",
        )?;
        check(
            self.data.validation_images >= 1,
            "data.validation_images",
            self.data.validation_images,
            "at least 1: selection needs images that are not trained on",
        )?;
        check(self.training.epochs >= 1, "training.epochs", self.training.epochs, "at least 1")?;
        check(
            self.training.batch >= 2,
            "training.batch",
            self.training.batch,
            "at least 2: batch norm needs more than one image",
        )?;
        check(self.training.workers >= 1, "training.workers", self.training.workers, "at least 1")?;
        check(self.training.threads >= 1, "training.threads", self.training.threads, "at least 1")?;
        check(
            share(self.admission.threshold),
            "admission.threshold",
            self.admission.threshold,
            "a share between 0 and 1",
        )?;
        check(
            share(self.admission.top_up_floor),
            "admission.top_up_floor",
            self.admission.top_up_floor,
            "a share between 0 and 1",
        )?;
        check(
            share(self.novelty.near_duplicate),
            "novelty.near_duplicate",
            self.novelty.near_duplicate,
            "a share between 0 and 1",
        )?;
        check(self.novelty.heat >= 0.0, "novelty.heat", self.novelty.heat, "not negative")?;
        check(self.sft.rank >= 1, "sft.rank", self.sft.rank, "at least 1")?;
        check(self.sft.batch >= 1, "sft.batch", self.sft.batch, "at least 1")?;
        check(self.sft.lr > 0.0, "sft.lr", self.sft.lr, "above 0")?;
        check((0.0..1.0).contains(&self.sft.held_out), "sft.held_out", self.sft.held_out, "a share below 1")?;
        check((0.0..1.0).contains(&self.sft.dropout), "sft.dropout", self.sft.dropout, "a share below 1")?;
        self.halving.as_ref().map_or(Ok(()), Halving::validate)?;
        self.predictor.as_ref().map_or(Ok(()), Predictor::validate)
    }
}

/// Whether a value is in its range.
fn check(ok: bool, key: &'static str, value: impl ToString, rule: &'static str) -> Result<(), ConfigError> {
    if ok { Ok(()) } else { Err(ConfigError::OutOfRange { key, value: value.to_string(), rule }) }
}

fn share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn forget_required(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(map) => {
            map.remove("required");
            map.values_mut().for_each(forget_required);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(forget_required),
        _ => {}
    }
}

fn parse_table(text: &str, origin: &str) -> Result<toml::Table, ConfigError> {
    text.parse::<toml::Table>().map_err(|e| ConfigError::Invalid { origin: origin.to_string(), message: e.to_string() })
}

/// `a.b=value` as a table; a value that is not TOML is taken as a string.
fn parse_setting(setting: &str) -> Result<toml::Table, ConfigError> {
    let (key, value) = setting.split_once('=').ok_or_else(|| ConfigError::Invalid {
        origin: "--set".into(),
        message: format!("expected key=value, found {setting:?}"),
    })?;
    let (key, value) = (key.trim(), value.trim());
    let quoted = format!("{key} = {}", toml::Value::String(value.to_string()));
    format!("{key} = {value}").parse::<toml::Table>().or_else(|_| parse_table(&quoted, "--set"))
}

fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(b)), toml::Value::Table(o)) => merge(b, o),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
