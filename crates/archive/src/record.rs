//! The records of a run: plain data, the only types that are persisted.
//!
//! Invariants: a record holds everything about its subject and points at others by id alone. Every field that depends
//! on wall-clock time is named in [`CandidateRecord::digest`] and [`CycleRecord::digest`] and left out of both, so that
//! two runs of one configuration have equal digests. Fields are only ever added, with a default; a change of meaning
//! needs a new [`SCHEMA_VERSION`].
//!
//! This module refuses to judge: whether a candidate is admitted, or what its verdict is, is decided by its caller.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Version of the record types, written into each [`RunRecord`].
pub const SCHEMA_VERSION: u32 = 1;

/// Prefix of the id under which a seed network is named among a candidate's parents: `seed:<name>`.
pub const SEED_PREFIX: &str = "seed:";

/// How far a candidate came. Ordered: a later stage compares greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The text is not a Python file that can be read.
    Unparsed,
    /// The contract is not met: no `Net`, a missing method, a wrong signature.
    Contract,
    /// The program uses something the compiler does not know.
    Unsupported,
    /// Shapes or types do not fit.
    IllTyped,
    /// The network is larger than the budget.
    OverBudget,
    /// A near-duplicate of a network already there.
    Duplicate,
    /// A policy of the run gave it up: it was not trained, or not to the end.
    Pruned,
    /// Training ended without a result.
    Crashed,
    /// The loss became NaN or infinite.
    Diverged,
    /// Training took longer than its limit.
    TimedOut,
    /// Trained and measured.
    Trained,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Stage; 11] = [
        Stage::Unparsed,
        Stage::Contract,
        Stage::Unsupported,
        Stage::IllTyped,
        Stage::OverBudget,
        Stage::Duplicate,
        Stage::Pruned,
        Stage::Crashed,
        Stage::Diverged,
        Stage::TimedOut,
        Stage::Trained,
    ];

    /// The stable code of the stage, as it is stored and printed.
    pub fn code(self) -> &'static str {
        match self {
            Stage::Unparsed => "unparsed",
            Stage::Contract => "contract",
            Stage::Unsupported => "unsupported",
            Stage::IllTyped => "ill-typed",
            Stage::OverBudget => "over-budget",
            Stage::Duplicate => "duplicate",
            Stage::Pruned => "pruned",
            Stage::Crashed => "crashed",
            Stage::Diverged => "diverged",
            Stage::TimedOut => "timed-out",
            Stage::Trained => "trained",
        }
    }

    /// The stage with this code.
    pub fn from_code(code: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.code() == code)
    }

    /// Whether a network that came this far was a valid one: it met the contract, its shapes fitted and it was within
    /// the budget. Duplicates and networks that failed in training count as valid.
    pub fn is_valid(self) -> bool {
        self > Stage::OverBudget
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// What became of a candidate: the stage it reached, and what a reader needs to know about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Verdict {
    /// See [`Stage::Unparsed`].
    Unparsed,
    /// See [`Stage::Contract`].
    Contract,
    /// See [`Stage::Unsupported`].
    Unsupported {
        /// The feature that is missing, such as `torch.fft.fft2`.
        feature: String,
    },
    /// See [`Stage::IllTyped`].
    IllTyped,
    /// See [`Stage::OverBudget`].
    OverBudget {
        /// What is too large, such as `parameters`.
        what: String,
    },
    /// See [`Stage::Duplicate`].
    Duplicate {
        /// Id of the network that it repeats.
        of: String,
        /// Exact Jaccard similarity of the two shingle sets; 1 for a duplicate found by its graph.
        #[serde(deserialize_with = "null_as_nan")]
        jaccard: f64,
    },
    /// See [`Stage::Pruned`].
    Pruned {
        /// Which policy.
        by: String,
    },
    /// See [`Stage::Crashed`].
    Crashed {
        /// Why, in words that do not change from run to run.
        reason: String,
    },
    /// See [`Stage::Diverged`].
    Diverged,
    /// See [`Stage::TimedOut`].
    TimedOut,
    /// See [`Stage::Trained`].
    Trained,
}

impl Verdict {
    /// The stage reached.
    pub fn stage(&self) -> Stage {
        match self {
            Verdict::Unparsed => Stage::Unparsed,
            Verdict::Contract => Stage::Contract,
            Verdict::Unsupported { .. } => Stage::Unsupported,
            Verdict::IllTyped => Stage::IllTyped,
            Verdict::OverBudget { .. } => Stage::OverBudget,
            Verdict::Duplicate { .. } => Stage::Duplicate,
            Verdict::Pruned { .. } => Stage::Pruned,
            Verdict::Crashed { .. } => Stage::Crashed,
            Verdict::Diverged => Stage::Diverged,
            Verdict::TimedOut => Stage::TimedOut,
            Verdict::Trained => Stage::Trained,
        }
    }

    /// The stable code of the stage reached.
    pub fn code(&self) -> &'static str {
        self.stage().code()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Unsupported { feature } => write!(f, "unsupported: {feature}"),
            Verdict::OverBudget { what } => write!(f, "over-budget: {what}"),
            Verdict::Duplicate { of, jaccard } => write!(f, "duplicate of {of} (Jaccard {jaccard:.3})"),
            Verdict::Pruned { by } => write!(f, "pruned: {by}"),
            Verdict::Crashed { reason } => write!(f, "crashed: {reason}"),
            other => f.write_str(other.code()),
        }
    }
}

/// Where a candidate's text comes from. They are counted apart everywhere; a run has raw candidates or guided ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// As the language model wrote it, on its own.
    Raw,
    /// As the language model wrote it while something steered it: its [`Guidance`] says what.
    Guided,
    /// Written again by the language model after a rejection.
    Repaired,
}

/// What steered a text as it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuidedBy {
    /// The compiler, which takes back statements that no network can have.
    #[default]
    Compiler,
    /// A grammar, which rules tokens out.
    Grammar,
}

impl GuidedBy {
    fn is_compiler(&self) -> bool {
        *self == GuidedBy::Compiler
    }
}

/// What was done to a text that was written under guidance. With no objection, the text is the one that the model writes on its
/// own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guidance {
    /// By what.
    #[serde(default, skip_serializing_if = "GuidedBy::is_compiler")]
    pub by: GuidedBy,
    /// How often it took something back, or ruled out the token that the model wanted.
    pub objections: u32,
    /// Tokens that were written and taken back, beside those of the text.
    pub taken_back: u32,
}

/// What the run knew of a candidate's accuracy before it was trained in full.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Foresight {
    /// What a predictor made of its graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<f64>,
    /// Whether the predictor would have given it up, and it was trained to see whether that would have been right.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audited: bool,
    /// Its results on shares of the training images, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rungs: Vec<Rung>,
    /// What one batch told before any training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxies: Option<Proxies>,
}

/// Zero-cost proxies of an untrained network's accuracy, from one batch. `None`: no finite number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Proxies {
    /// Σ over parameter tensors of the L2 norm of the loss's gradient.
    pub grad_norm: Option<f64>,
    /// Σ |θ · ∂loss/∂θ|.
    pub snip: Option<f64>,
    /// Σ θ · ∂(sum of scores)/∂θ, every θ made positive, for an image of ones.
    pub synflow: Option<f64>,
    /// log |det K|, K\[i, j\] counting the units that images i and j both switch on or both switch off.
    pub naswot: Option<f64>,
}

impl Proxies {
    /// The names of [`Proxies::values`], in their order.
    pub const NAMES: [&str; 4] = ["grad_norm", "snip", "synflow", "naswot"];

    /// All of them.
    pub fn values(&self) -> [Option<f64>; 4] {
        [self.grad_norm, self.snip, self.synflow, self.naswot]
    }
}

/// A result on a share of the training images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// The share, 0–1.
    pub share: f64,
    /// Accuracy on the validation split, where it was measured.
    pub accuracy_val: Option<f64>,
}

/// One finding about a candidate's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosticRecord {
    /// Stable code of the finding.
    pub code: String,
    /// Message for a person.
    pub message: String,
    /// Line, counted from 1, where the finding has a place.
    pub line: Option<u32>,
    /// Column in characters, counted from 1.
    pub column: Option<u32>,
}

/// What training measured. Accuracies are fractions in 0–1 after the last epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Accuracy on the training split, where it was measured.
    pub accuracy_train: Option<f64>,
    /// Accuracy on the validation split: what selection reads.
    #[serde(deserialize_with = "null_as_nan")]
    pub accuracy_val: f64,
    /// Accuracy on the test split: reported only.
    #[serde(deserialize_with = "null_as_nan")]
    pub accuracy_test: f64,
    /// Mean training loss of the last epoch.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss: f64,
    /// Wall-clock seconds of training and measuring. Not part of the digest.
    #[serde(deserialize_with = "null_as_nan")]
    pub seconds: f64,
    /// Training images a second. Not part of the digest.
    #[serde(deserialize_with = "null_as_nan")]
    pub img_s: f64,
    /// Peak resident memory of the worker, in MB. Not part of the digest.
    #[serde(deserialize_with = "null_as_nan")]
    pub peak_rss_mb: f64,
    /// Epochs trained.
    pub epochs: u32,
}

/// JSON has no NaN: it is written as `null`, and read back as NaN.
fn null_as_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

/// One candidate: one program that a language model wrote, and everything found out about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateRecord {
    /// See [`candidate_id`].
    pub id: String,
    /// Cycle, counted from 0.
    pub cycle: u32,
    /// Number within the cycle, counted from 0. A repaired candidate has the number of the one it repairs.
    pub index: u32,
    /// 0 for raw text, *n* for its *n*-th repair.
    #[serde(default)]
    pub attempt: u32,
    /// Raw or repaired.
    pub origin: Origin,
    /// Name of the prompt template.
    pub prompt_id: String,
    /// [`text_hash`] of the rendered prompt; [`crate::Store::prompt`] gives the text.
    pub prompt_hash: String,
    /// Ids of the networks shown in the prompt (examples, the network to fill in or to repair).
    pub parents: Vec<String>,
    /// The program.
    pub text: String,
    /// What became of it.
    pub verdict: Verdict,
    /// What was found in its text, most important first.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// Fingerprint of its graph, where it has one.
    pub fingerprint: Option<String>,
    /// Trainable parameters.
    pub params: Option<u64>,
    /// Multiply-adds for one image, one multiply-add counted as one.
    pub macs: Option<u64>,
    /// The training recipe read from its own code.
    #[serde(default)]
    pub recipe: Value,
    /// 1 − Jaccard similarity to the nearest network known when it was judged.
    pub novelty: Option<f64>,
    /// Id of that nearest network.
    pub nearest: Option<String>,
    /// What the run knew before, where it looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foresight: Option<Foresight>,
    /// What training measured, where it was trained.
    pub metrics: Option<Metrics>,
    /// Whether it entered the archive's set of examples.
    pub admitted: bool,
    /// Seed of its training.
    pub seed: u64,
    /// Tokens generated.
    pub tokens: u32,
    /// What the guide did, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<Guidance>,
    /// Wall-clock seconds of generation. Not part of the digest.
    pub generation_seconds: f64,
}

impl CandidateRecord {
    /// BLAKE3 of the record's canonical JSON (object keys sorted) without the fields that wall-clock time decides:
    /// `generation_seconds`, `metrics.seconds`, `metrics.img_s`, `metrics.peak_rss_mb`.
    ///
    /// # Errors
    /// Where the record cannot be written as JSON.
    pub fn digest(&self) -> serde_json::Result<String> {
        let mut value = serde_json::to_value(self)?;
        remove(&mut value, &["generation_seconds"]);
        if let Some(metrics) = value.get_mut("metrics") {
            remove(metrics, &["seconds", "img_s", "peak_rss_mb"]);
        }
        Ok(hash_hex(canonical_json(&value).as_bytes()))
    }
}

/// The fine-tuning step at the end of a cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SftRecord {
    /// Prompt–code pairs trained on.
    pub pairs: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Mean loss per completion token before the first step: on pairs that are held out, or, where there are none, on some of the others.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss_before: f64,
    /// The same after the last step.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss_after: f64,
    /// Wall-clock seconds. Not part of the digest.
    pub seconds: f64,
}

/// One finished cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CycleRecord {
    /// Cycle, counted from 0.
    pub cycle: u32,
    /// Candidates it holds, repaired ones included.
    pub candidates: u32,
    /// The fine-tuning step, where there was one.
    pub sft: Option<SftRecord>,
    /// Folder of the adapter made in this cycle, relative to the run folder, with `/` between its parts.
    pub adapter: Option<String>,
    /// Candidates taken into the examples below the threshold, to top the cycle up.
    #[serde(default)]
    pub topped_up: Vec<String>,
}

impl CycleRecord {
    /// BLAKE3 of the record's canonical JSON without `sft.seconds`.
    ///
    /// # Errors
    /// Where the record cannot be written as JSON.
    pub fn digest(&self) -> serde_json::Result<String> {
        let mut value = serde_json::to_value(self)?;
        if let Some(sft) = value.get_mut("sft") {
            remove(sft, &["seconds"]);
        }
        Ok(hash_hex(canonical_json(&value).as_bytes()))
    }
}

/// The run itself. Not part of the digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// See [`run_id`].
    pub run_id: String,
    /// Version of Archsmith that started the run.
    pub version: String,
    /// The run's seed.
    pub seed: u64,
    /// The resolved configuration, as TOML.
    pub config: String,
    /// When it was started: RFC 3339, brought by the caller.
    pub created: String,
    /// [`SCHEMA_VERSION`] of the program that started it.
    pub schema: u32,
}

/// One network of the seed set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedRecord {
    /// Its name: the file's name without `.py`.
    pub name: String,
    /// The program.
    pub text: String,
    /// Its best known one-epoch accuracy, 0–1.
    pub accuracy: Option<f64>,
    /// Fingerprint of its graph, once someone has computed it.
    pub fingerprint: Option<String>,
}

impl SeedRecord {
    /// The id that parents and novelty use for it: `seed:<name>`.
    pub fn id(&self) -> String {
        format!("{SEED_PREFIX}{}", self.name)
    }
}

/// Id of a run: 16 hex digits of BLAKE3 over seed and resolved configuration. Two runs of one configuration and seed
/// share it on purpose: their archives are to be equal.
pub fn run_id(config: &str, seed: u64) -> String {
    short_hash(&format!("run\n{seed}\n{config}"))
}

/// Id of a candidate: 16 hex digits of BLAKE3 over run, cycle, number within the cycle, and attempt (0 for raw text,
/// *n* for the *n*-th repair).
pub fn candidate_id(run_id: &str, cycle: u32, index: u32, attempt: u32) -> String {
    short_hash(&format!("candidate\n{run_id}\n{cycle}\n{index}\n{attempt}"))
}

/// Hash under which a text (a prompt) is stored: 16 hex digits of BLAKE3.
pub fn text_hash(text: &str) -> String {
    short_hash(text)
}

fn short_hash(text: &str) -> String {
    let mut hex = hash_hex(text.as_bytes());
    hex.truncate(16);
    hex
}

/// BLAKE3 as 64 hex digits.
pub(crate) fn hash_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

fn remove(value: &mut Value, fields: &[&str]) {
    if let Value::Object(map) = value {
        for field in fields {
            map.shift_remove(*field);
        }
    }
}

/// JSON without white space and with sorted keys, so that the order of insertion does not matter.
pub(crate) fn canonical_json(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| key.as_str());
                Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}
