//! An archive as one self-contained HTML page, and as a small table for the terminal.
//!
//! ```text
//! Store ──► RunView::load ──► RunView      every figure, as data (serialisable)
//!                               ├─ render        one HTML file: no server, no network, no fonts or scripts from outside
//!                               ├─ text_summary  a few lines for the terminal
//!                               ├─ tables        everything it shows, for a spreadsheet
//!                               ├─ cycle_records a row a cycle, of several runs
//!                               ├─ Comparison    several runs side by side
//!                               └─ curves        their cycles in one picture
//! ```
//!
//! It refuses to run, read or judge a network: drawings come from the caller as SVG text, differences between networks as
//! lines. Invariants: everything that a
//! language model wrote is escaped at one place, whatever it holds; a Content-Security-Policy forbids the page every
//! request and every script but its own; an empty run, a run without one valid network and a run without one accuracy
//! have a report too; the same archive and context give the same page.

mod chart;
mod compare;
mod curves;
mod figures;
mod foresight;
mod front;
mod html;
mod load;
mod noise;
mod published;
mod python;
mod seeds;
pub mod stats;
mod tables;
mod text;
mod view;

use archsmith_archive::StoreError;
use thiserror::Error;

pub use compare::{Comparison, RunColumn, cycle_records};
pub use curves::curves;
pub use foresight::{ForesightView, PredictionView, ProxyView, RungView};
pub use html::render;
pub use noise::{LongerView, NoiseView, NoisyNetwork};
pub use seeds::{SeedSetView, SeedView};
pub use tables::{Table, csv, tables};
pub use text::text_summary;
pub use view::{
    Ancestor, BEST, BestView, CandidateView, Context, CycleView, Difference, DifferenceView, Drawing, FunnelStage,
    FunnelStep, OperatorRow, Reason, Relation, Relative, RunInfo, RunView, Seconds, SftView, Spread, Totals, Written,
};

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The archive can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The page's template failed: a defect of this program.
    #[error("the report's template failed ({0}); please report this as a bug")]
    Template(#[from] minijinja::Error),
}
