//! The two parts that the loop drives and does not know: who writes networks, and who trains them.
//!
//! They are traits since each has two implementations: the real one (wired up in the command), and a fake that the loop is
//! tested with in milliseconds.

use archsmith_archive::{EvaluationRecord, Guidance, Metrics, Pair, Proxies, SftRecord, Verdict};
use archsmith_ir::TypedGraph;
use std::ops::ControlFlow;
use std::path::Path;

use crate::prompt::Prompt;

/// One network to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposalRequest {
    /// The prompt as the model is to see it.
    pub prompt: String,
    /// What the answer is started with.
    pub prefix: String,
    /// Seed of its sampling: with it and the prompt, the answer is determined, whatever else is written beside it.
    pub seed: u64,
    /// The factor on the configured temperature. Who samples nothing passes it over.
    pub heat: f64,
}

/// What the model wrote.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Proposal {
    /// The answer, its started beginning included.
    pub text: String,
    /// Tokens written.
    pub tokens: u32,
    /// What the guide did, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<Guidance>,
    /// Its share of the wall-clock seconds.
    pub seconds: f64,
}

/// What to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Lesson<'a> {
    /// Pairs to train on.
    pub pairs: &'a [Pair],
    /// Pairs to measure the loss on; may be empty.
    pub held_out: &'a [Pair],
    /// Seed of shuffling and dropout.
    pub seed: u64,
    /// Where the adapter goes. It appears there whole or not at all.
    pub adapter: &'a Path,
}

/// A failure of a part, in words for a person.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// The language model.
pub trait Generator {
    /// The prompt in the model's own form (its chat template, or as it is).
    ///
    /// # Errors
    /// A template of the model that cannot be rendered.
    fn render(&self, prompt: &Prompt) -> Result<String, PartError>;

    /// Writes one network for each request, in their order.
    ///
    /// # Errors
    /// [`PartError::Interrupted`] when `stop` says so.
    fn generate(&mut self, requests: &[ProposalRequest], stop: &dyn Fn() -> bool) -> Result<Vec<Proposal>, PartError>;

    /// Learns from pairs, going on from what it has learnt before, and saves the adapter.
    ///
    /// # Errors
    /// [`PartError::Interrupted`] when `stop` says so; nothing is saved then.
    fn learn(
        &mut self,
        lesson: Lesson<'_>,
        on_step: &mut dyn FnMut(u64, f64),
        stop: &dyn Fn() -> bool,
    ) -> Result<SftRecord, PartError>;

    /// Takes up the adapter of an earlier cycle, or none.
    ///
    /// # Errors
    /// An adapter that is missing, damaged, or of another model.
    fn restore(&mut self, adapter: Option<&Path>) -> Result<(), PartError>;
}

/// One network to be trained.
#[derive(Clone, Debug)]
pub struct EvaluationTask {
    /// The candidate's id.
    pub id: String,
    /// The network, at the batch size of training.
    pub graph: TypedGraph,
    /// Which share of the training images it sees, as a rule all of them: 1.
    pub share: f64,
    /// Seed of initial weights, shuffling and dropout.
    pub seed: u64,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluation {
    /// Trained and measured.
    Trained(Metrics),
    /// The loss was no number.
    Diverged,
    /// The time limit.
    TimedOut,
    /// It used more of something than it may, or would have.
    OverBudget {
        /// Of what, such as `memory`.
        what: String,
    },
    /// It ended without a result.
    Crashed {
        /// Why, in words that do not change from run to run.
        reason: String,
    },
    /// It cannot be lowered.
    Unsupported {
        /// What is missing.
        feature: String,
    },
}

impl Evaluation {
    /// As it is stored.
    pub fn record(&self) -> EvaluationRecord {
        let metrics = if let Evaluation::Trained(metrics) = self { Some(metrics.clone()) } else { None };
        EvaluationRecord { verdict: self.verdict(), metrics }
    }

    /// From what was stored; `None` where that is no evaluation's result.
    pub fn from_record(record: EvaluationRecord) -> Option<Evaluation> {
        Some(match (record.verdict, record.metrics) {
            (Verdict::Trained, Some(metrics)) => Evaluation::Trained(metrics),
            (Verdict::Diverged, _) => Evaluation::Diverged,
            (Verdict::TimedOut, _) => Evaluation::TimedOut,
            (Verdict::OverBudget { what }, _) => Evaluation::OverBudget { what },
            (Verdict::Crashed { reason }, _) => Evaluation::Crashed { reason },
            (Verdict::Unsupported { feature }, _) => Evaluation::Unsupported { feature },
            _ => return None,
        })
    }

    /// What is recorded of it.
    pub fn verdict(&self) -> Verdict {
        match self.clone() {
            Evaluation::Trained(_) => Verdict::Trained,
            Evaluation::Diverged => Verdict::Diverged,
            Evaluation::TimedOut => Verdict::TimedOut,
            Evaluation::OverBudget { what } => Verdict::OverBudget { what },
            Evaluation::Crashed { reason } => Verdict::Crashed { reason },
            Evaluation::Unsupported { feature } => Verdict::Unsupported { feature },
        }
    }
}

/// Who trains candidates.
pub trait Evaluator {
    /// Trains every task and reports each, by its position, as soon as it is finished, in any order. Stops early, without an error,
    /// when `done` breaks.
    ///
    /// # Errors
    /// What concerns all candidates (a data set that is missing); a failure of one is its [`Evaluation`].
    fn evaluate(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Evaluation) -> ControlFlow<()>,
    ) -> Result<(), PartError>;

    /// Looks at every task's network untrained, and reports as [`Evaluator::evaluate`] does; none of a network that cannot be
    /// looked at.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    fn look(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Proxies) -> ControlFlow<()>,
    ) -> Result<(), PartError>;
}
