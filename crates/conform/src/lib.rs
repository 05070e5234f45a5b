//! What Archsmith says of networks, compared with what PyTorch said of them.
//!
//! ```text
//! oracle file ──read_oracle──► Record ──Verdict::of──► Verdict        the frontend alone: types, names, shapes, refusals
//!                                │                        ▲
//!                                └─ValuesTask─► Values ───┘           lowering and burn: scores, loss, gradients
//! ```
//!
//! Values are computed under a fill formula ([`fill`]) that both sides follow bit for bit, so that no weights travel. They may
//! take gigabytes, or crash; so a [`ValuesTask`] is a whole of its own that a caller can run in a child process.
//!
//! It refuses to be lax: a refusal counts as right only where place and reason agree, a comparison that cannot be made is
//! said to be none (`null`), never counted as passed, and what was skipped for its size is counted as skipped.

pub mod fill;
mod record;
mod refusal;
mod totals;
mod values;
mod verdict;

pub use record::{OracleError, Record, StateRecord, read_oracle};
pub use totals::{Level, Tally, Totals};
pub use values::{Compared, Values, ValuesTask};
pub use verdict::Verdict;
