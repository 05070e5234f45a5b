//! From a typed graph to a trained network.
//!
//! ```text
//! TypedGraph ──lower──► Network (a module of the tensor library) ──fit──► Metrics
//!                          ▲ initial state from a seed            ▲ Splits of a Dataset
//! Task file  ──worker──► Outcome file, one candidate a process
//! ```
//!
//! Invariants:
//! - [`backend`] alone names the tensor library's backends;
//! - what cannot be trained is refused before the first step, with a reason;
//! - every random number comes from a seed; on the CPU equal seeds give equal bits for a given number of threads;
//! - selection sees the validation split, never the test split;
//! - a program that links this crate has its allocator, which keeps large blocks for their next use;
//! - nothing here prints, reads environment variables or ends the process.

pub mod backend;
pub mod bench;
pub mod data;
pub mod fit;
pub mod forward;
pub mod kernels;
pub mod loss;
pub mod lower;
mod memory;
pub mod optim;
pub mod probe;
pub mod proxies;
mod trainer;
pub mod worker;

pub use backend::{Device, DeviceError, Precision};
pub use data::{DataError, DataRef, Dataset, Part, Split, SplitConfig, Splits};
pub use fit::{Epoch, FitConfig, FitError, Fitted, Metrics, Progress, fit, fit_from};
pub use forward::{ForwardError, forward};
pub use lower::{LowerError, Network};
pub use memory::{Held, held, peak_rss_mb};
pub use proxies::Proxies;
pub use worker::{Aim, Executor, Outcome, Task};
