//! The language model: text in, text out.
//!
//! A decoder of the llama or qwen2 family is loaded from a folder, a GGUF file, the hub, or the program itself
//! ([`Model::load`]); it writes answers ([`Model::generate`]), learns from pairs through a low-rank adapter
//! ([`Model::finetune`]), and small ones are trained from nothing ([`pretrain()`]).
//!
//! # Invariants
//! - The decoder that generates is the one that trains.
//! - One source of randomness: ChaCha8 from seeds the caller gives. The same call gives the same text and the same
//!   weights, on one machine at one number of threads. An answer does not depend on those written beside it.
//! - Damaged or lying files give an error, never a panic.
//! - Nothing is printed; progress goes to callbacks, which can also stop the work.
//!
//! candle reads GGUF files and unpacks their quantised blocks. Arithmetic and gradients are this crate's own, on the
//! matrix product of the `gemm` crate: candle has no gradient for fused and quantised operations, computes those of
//! frozen weights for nothing, and its quantised products stall when other work shares the cores. Computation is on
//! the CPU.

mod adamw;
mod adapter;
mod attention;
mod bench;
mod bpe;
mod config;
mod decoder;
mod error;
mod folder;
mod generate;
mod gguf;
mod grammar;
mod guide;
mod hub;
mod kernels;
mod linear;
mod matrix;
mod model;
mod pool;
mod pretrain;
mod quantised;
mod sampling;
mod sft;
mod simd;
mod text;
mod train;
mod weights;

pub use adamw::Schedule;
pub use adapter::LoraConfig;
pub use bench::GenerationSpeed;
pub use config::Architecture;
pub use error::{LlmError, Result};
pub use generate::{Completion, Progress, Request, StopReason};
pub use grammar::Grammar;
pub use guide::{Guide, Moment, Opinion, Steering};
pub use hub::{Hub, OnTransfer, Transfer};
pub use model::{LoadOptions, Model, ModelInfo, ModelSource};
pub use pretrain::{PretrainConfig, PretrainDoc, PretrainReport, pretrain};
pub use sampling::Sampling;
pub use sft::{Pair, SftConfig, SftReport};
pub use train::Step;
