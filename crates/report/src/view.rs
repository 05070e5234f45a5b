//! What a report shows, as plain data: every figure of the page and of the terminal table, and nothing about how they
//! look. `archsmith report --json` prints it.
//!
//! Invariants: a number in here is finite, or it is `None`. Raw and repaired candidates are never added up in a figure
//! about validity. Test accuracies are carried along and used in no choice and no order.

use std::collections::BTreeMap;

use archsmith_archive::{DiagnosticRecord, Foresight, Guidance, RetrainingRecord, TimedEvent};
use serde::Serialize;

use crate::foresight::ForesightView;
use crate::noise::NoiseView;
use crate::seeds::SeedSetView;
use crate::stats::{Mean, Share};

/// How many of the best networks are shown with their drawing and source.
pub const BEST: usize = 5;

/// What the caller knows about a run and the archive does not.
#[derive(Clone, Debug)]
pub struct Context {
    /// What the run was, for a reader: such as `("Language model", "…")`, `("Data", "…")`, in the order to show.
    pub facts: Vec<(String, String)>,
    /// Validation accuracy, 0–1, from which on a network may be admitted.
    pub threshold: f64,
    /// The run's event log, for its wall-clock time; may be empty.
    pub events: Vec<TimedEvent>,
    /// Drawings by candidate id; those of the best [`BEST`] by validation accuracy are shown.
    pub drawings: BTreeMap<String, Drawing>,
    /// By candidate id, what its graph differs in from networks that it comes from.
    pub differences: BTreeMap<String, Vec<Difference>>,
    /// Candidates trained again, and seed networks trained, as far as they were.
    pub retrainings: Vec<RetrainingRecord>,
    /// The command that repeats the run; without it one is put together from the archive.
    pub command: Option<String>,
}

impl Default for Context {
    /// No facts, no events, no drawings; the published threshold of 0.40.
    fn default() -> Context {
        Context {
            facts: Vec::new(),
            threshold: 0.40,
            events: Vec::new(),
            drawings: BTreeMap::new(),
            differences: BTreeMap::new(),
            retrainings: Vec::new(),
            command: None,
        }
    }
}

/// What a network has to do with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The other was shown in its prompt.
    Shown,
    /// The other was the nearest by its text when it was judged.
    Nearest,
}

/// What a network's graph differs in from another one's.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Id of the other network.
    pub from: String,
    /// What they have to do with each other.
    pub relation: Relation,
    /// The difference, one edit a line: `-` gone, `+` new, `~` changed, `>` moved, anything else a remark.
    pub text: String,
}

/// A [`Difference`] as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DifferenceView {
    /// The other network.
    pub network: Relative,
    /// What they have to do with each other.
    pub relation: Relation,
    /// The difference.
    pub text: String,
}

/// A network as a picture and as a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Drawing {
    /// A whole SVG document. It is shown as an image, so nothing in it runs or reaches the page.
    pub svg: String,
    /// Its operators, in order of execution.
    pub rows: Vec<OperatorRow>,
}

/// One operator of a network.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OperatorRow {
    /// Where it belongs, such as `features.0`.
    pub name: String,
    /// What it is, such as `conv2d 3×3, stride 2`.
    pub operator: String,
    /// Shape of its output, such as `N×32×16×16`.
    pub output: String,
    /// Trainable parameters.
    pub params: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
}

/// Everything a report shows. Made by [`RunView::load`].
#[derive(Clone, Debug, Serialize)]
pub struct RunView {
    /// The run's own record, where there is one.
    pub run: Option<RunInfo>,
    /// See [`Context::facts`].
    pub facts: Vec<(String, String)>,
    /// See [`Context::threshold`].
    pub threshold: f64,
    /// Digest of the archive.
    pub digest: String,
    /// Whether the event log says that the run came to its end; `None` without an event log.
    pub finished: Option<bool>,
    /// Wall-clock seconds by the event log, pauses between an interruption and a resume left out.
    pub wall_seconds: Option<f64>,
    /// Figures over the whole run.
    pub totals: Totals,
    /// The yield funnel: one entry a stage, in order.
    pub funnel: Vec<FunnelStage>,
    /// One entry a cycle, in order.
    pub cycles: Vec<CycleView>,
    /// The best networks by validation accuracy, best first.
    pub best: Vec<BestView>,
    /// Places in [`RunView::candidates`] of the networks that no other one beats in validation accuracy, parameters and
    /// multiply-adds at once, smallest first.
    pub front: Vec<usize>,
    /// What training networks again said, where that was done.
    pub noise: Option<NoiseView>,
    /// The networks that were known before the run.
    pub seed_set: SeedSetView,
    /// What looking ahead was worth, where the run did.
    pub foresight: Option<ForesightView>,
    /// All candidates in the order in which they were made.
    pub candidates: Vec<CandidateView>,
    /// The command that repeats the run.
    pub command: String,
}

/// The run's own record.
#[derive(Clone, Debug, Serialize)]
pub struct RunInfo {
    /// Its id.
    pub run_id: String,
    /// Version of Archsmith.
    pub version: String,
    /// Seed.
    pub seed: u64,
    /// When it was started, RFC 3339.
    pub created: String,
    /// The resolved configuration, TOML.
    pub config: String,
}

/// Figures over the whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Totals {
    /// First texts, raw or guided: one a proposal of the language model.
    pub raw: u64,
    /// Repaired candidates: further attempts after a rejection.
    pub repaired: u64,
    /// Valid ones among the first texts as the model writes them on its own: in a guided run, those that the guide never
    /// objected to.
    pub raw_valid: Share,
    /// Valid ones among the guided texts, in a run that is guided.
    pub guided_valid: Option<Share>,
    /// What the guide did in the whole run.
    pub guidance: Guidance,
    /// Valid ones among the repaired candidates.
    pub repaired_valid: Share,
    /// Proposals of which the first text or one of its repairs is valid, among all proposals.
    pub valid_in_the_end: Share,
    /// Candidates trained to the end, raw and repaired.
    pub trained: u64,
    /// Those among them without a finite validation accuracy.
    pub unmeasured: u64,
    /// Trained candidates at or over the admission threshold, among those with an accuracy.
    pub over_threshold: Share,
    /// Candidates admitted.
    pub admitted: u64,
    /// Candidates below the threshold that were taken as examples all the same, to top their cycle up.
    pub topped_up: u64,
    /// Epochs of training, where it was the same for all.
    pub epochs: Option<u32>,
    /// Networks in the seed set.
    pub seeds: usize,
    /// Tokens generated.
    pub tokens: u64,
    /// Wall-clock seconds of generation, training and fine-tuning.
    pub seconds: Seconds,
}

/// Wall-clock seconds by kind of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seconds {
    /// Generating text.
    pub generation: f64,
    /// Training and measuring candidates.
    pub training: f64,
    /// Fine-tuning the language model.
    pub sft: f64,
}

/// One stage of the yield funnel.
#[derive(Clone, Debug, Serialize)]
pub struct FunnelStage {
    /// Stable code of the stage, such as `ill-typed`.
    pub code: &'static str,
    /// The stage for a reader.
    pub label: &'static str,
    /// What it means to stop here.
    pub meaning: &'static str,
    /// Raw candidates.
    pub raw: FunnelStep,
    /// Repaired candidates.
    pub repaired: FunnelStep,
    /// Most frequent reasons, raw and repaired together; a candidate counts once, by its first diagnostic.
    pub reasons: Vec<Reason>,
    /// Candidates stopped here whose reason is in none of `reasons`.
    pub other_reasons: u64,
}

/// Candidates at one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FunnelStep {
    /// How many came no further. At the last stage: how many were trained.
    pub stopped: u64,
    /// How many are left behind it. At the last stage: how many were trained.
    pub left: u64,
}

/// Why candidates stopped at a stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// Code of the diagnostic, or the verdict's own detail where there is none.
    pub code: String,
    /// Candidates.
    pub count: u64,
    /// The message of the first of them.
    pub example: String,
}

/// One cycle.
#[derive(Clone, Debug, Serialize)]
pub struct CycleView {
    /// Cycle, counted from 0.
    pub cycle: u32,
    /// Whether the cycle came to its end.
    pub complete: bool,
    /// As [`Totals::raw_valid`].
    pub raw_valid: Share,
    /// As [`Totals::guided_valid`].
    pub guided_valid: Option<Share>,
    /// Valid ones among the repaired candidates.
    pub repaired_valid: Share,
    /// Candidates trained to the end.
    pub trained: u64,
    /// Validation accuracy of the trained candidates.
    pub accuracy: Option<Mean>,
    /// The best validation accuracy.
    pub best: Option<f64>,
    /// Trained candidates at or over the admission threshold, among those with an accuracy.
    pub over_threshold: Share,
    /// All that the model wrote, new or not.
    pub written: Written,
    /// Candidates admitted.
    pub admitted: u64,
    /// Candidates below the threshold that were taken as examples all the same, to top the cycle up.
    pub topped_up: u64,
    /// Novelty of the candidates that have one.
    pub novelty: Option<Spread>,
    /// Fine-tuning at the end of the cycle.
    pub sft: Option<SftView>,
    /// Tokens generated.
    pub tokens: u64,
    /// Wall-clock seconds by kind of work.
    pub seconds: Seconds,
}

/// How good all that a model wrote in a cycle is: what was trained, and repetitions, each with the accuracy of the network that it
/// repeats. Repetitions of seed networks, which have none, are left out. What is new alone gets the harder to be good the more is
/// known; this is the model's own distribution. Repetitions of one network are not independent: the intervals are too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Written {
    /// Validation accuracy.
    pub accuracy: Option<Mean>,
    /// Those at or over the admission threshold.
    pub over_threshold: Share,
}

/// Where values lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Values.
    pub count: usize,
    /// The least.
    pub min: f64,
    /// A quarter lies below.
    pub quarter: f64,
    /// Half lies below.
    pub median: f64,
    /// Three quarters lie below.
    pub three_quarters: f64,
    /// The greatest.
    pub max: f64,
}

/// Fine-tuning at the end of a cycle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SftView {
    /// Prompt–code pairs.
    pub pairs: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Mean loss per completion token before the first step.
    pub loss_before: Option<f64>,
    /// The same after the last step.
    pub loss_after: Option<f64>,
}

/// One of the best networks: what a [`CandidateView`] does not say.
#[derive(Clone, Debug, Serialize)]
pub struct BestView {
    /// Its place in [`RunView::candidates`].
    pub candidate: usize,
    /// Its drawing, where the caller brought one.
    pub drawing: Option<Drawing>,
    /// Parents, their parents and so on, each followed by its own; no network twice.
    pub lineage: Vec<Ancestor>,
}

/// A network that another one comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ancestor {
    /// The network.
    pub network: Relative,
    /// 1 for a parent, 2 for a parent's parent, …
    pub generation: u32,
}

/// A network that is spoken of at another one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Relative {
    /// Its id.
    pub id: String,
    /// Its name for a reader.
    pub label: String,
    /// Whether it is one of the run's candidates.
    pub is_candidate: bool,
    /// Its validation accuracy, or a seed's best known one-epoch accuracy.
    pub accuracy: Option<f64>,
}

/// One candidate.
#[derive(Clone, Debug, Serialize)]
pub struct CandidateView {
    /// Its id.
    pub id: String,
    /// Its name for a reader: `2.07`, number 7 of cycle 2; `2.07r1` for its first repair.
    pub label: String,
    /// Cycle, counted from 0.
    pub cycle: u32,
    /// Number within the cycle, counted from 0.
    pub index: u32,
    /// 0 for raw text, *n* for its *n*-th repair.
    pub attempt: u32,
    /// Whether it is a repair.
    pub repaired: bool,
    /// Name of the prompt template.
    pub prompt_id: String,
    /// The networks shown in the prompt.
    pub parents: Vec<Relative>,
    /// The program.
    pub text: String,
    /// Code of the stage it reached.
    pub stage: &'static str,
    /// The verdict in full.
    pub verdict: String,
    /// Whether it was a valid network.
    pub valid: bool,
    /// What was found in its text.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// Fingerprint of its graph.
    pub fingerprint: Option<String>,
    /// Trainable parameters.
    pub params: Option<u64>,
    /// Multiply-adds for one image.
    pub macs: Option<u64>,
    /// Its training recipe, flattened: name and value.
    pub recipe: Vec<(String, String)>,
    /// 1 − Jaccard similarity to the nearest network known when it was judged.
    pub novelty: Option<f64>,
    /// That network.
    pub nearest: Option<Relative>,
    /// What its graph differs in from networks that it comes from, where the caller brought it.
    pub differences: Vec<DifferenceView>,
    /// What the run knew before it was trained, where it looked.
    pub foresight: Option<Foresight>,
    /// Accuracy on the training split.
    pub accuracy_train: Option<f64>,
    /// Accuracy on the validation split.
    pub accuracy_val: Option<f64>,
    /// Accuracy on the test split.
    pub accuracy_test: Option<f64>,
    /// Mean training loss of the last epoch.
    pub loss: Option<f64>,
    /// Epochs trained.
    pub epochs: Option<u32>,
    /// Wall-clock seconds of training and measuring.
    pub training_seconds: Option<f64>,
    /// Whether it was admitted.
    pub admitted: bool,
    /// Whether it was taken as an example below the threshold, to top its cycle up.
    pub topped_up: bool,
    /// Seed of its training.
    pub seed: u64,
    /// Tokens generated.
    pub tokens: u32,
    /// What the guide did, where there was one.
    pub guidance: Option<Guidance>,
    /// Wall-clock seconds of generation.
    pub generation_seconds: Option<f64>,
}
