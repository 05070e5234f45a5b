//! The search loop: what turns a language model, a compiler and a trainer into a designer that learns.
//!
//! - [`run`]: the cycle: prompts → proposals → gates → training → admission → pairs → fine-tuning, resumable at every step;
//! - [`config`]: every choice that a result depends on; [`prompt`], [`extract`]: from a request to source text;
//! - [`grammar`], [`guide`]: a language of networks, and the compiler, steering what is written; [`gates`]: what is refused
//!   before it costs anything;
//! - [`policy`]: what goes beyond the published protocol, each part by its own switch;
//! - [`patch`]: diffs that a model writes against a network; [`parts`]: the traits of the two heavy parts;
//! - [`mutation`]: the baseline that a model has to beat, in the model's place;
//! - [`admission`]: what is kept; [`replay`]: a run decided again with a part left out; [`reseed`]: candidates trained again;
//! - [`cache`]: an evaluator that knows results from earlier;
//! - [`augment`], [`graft`], [`corpus`]: variants of source text, and blocks of one network put into another, for the training text
//!   of the embedded model.
//!
//! Invariants: this crate knows neither burn nor candle; it reads no clock and no environment (times come from the caller);
//! every random draw derives from the run's seed, the cycle and the candidate; what a candidate does, the run goes on.

pub mod admission;
pub mod augment;
pub mod cache;
pub mod config;
pub mod corpus;
pub mod extract;
pub mod gates;
pub mod graft;
pub mod grammar;
pub mod guide;
pub mod mutation;
pub mod parts;
pub mod patch;
pub mod policy;
pub mod prompt;
pub mod replay;
pub mod reseed;
pub mod run;

pub use config::{Config, ConfigError};
pub use gates::{Gates, Judgement};
pub use parts::{Evaluation, EvaluationTask, Evaluator, Generator, Lesson, PartError, Proposal, ProposalRequest};
pub use prompt::{Prompt, Prompts};
pub use run::{Host, Outcome, RunError, Search};
