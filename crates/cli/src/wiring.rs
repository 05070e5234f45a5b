//! The real parts behind the loop's traits: the language model and the trainer.

mod evaluator;
mod generator;

pub(crate) use evaluator::{CONTRACT, WorkerEvaluator, data_ref, evaluator};
pub(crate) use generator::{LlmGenerator, Steer, generate, load_model};
