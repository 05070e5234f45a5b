//! PyTorch source to architecture IR, by partial evaluation.
//!
//! A table of layers:
//!
//! ```
//! let source = r#"
//! import torch.nn as nn
//! class Net(nn.Module):
//!     def __init__(self, in_shape, out_shape, prm, device):
//!         super().__init__()
//!         self.conv = nn.Conv2d(in_shape[1], 8, 3, padding=1)
//!         self.head = nn.Linear(8, out_shape[0])
//!     def forward(self, x):
//!         return self.head(self.conv(x).relu().mean((2, 3)))
//! "#;
//! let (graph, _notes) = archsmith_frontend::check(source, &Default::default()).expect("a network");
//! let table = archsmith_ir::summary::summary(&graph);
//! for row in &table.rows {
//!     println!("{:<6} {:<8} {:?} {:>6} {:>9}", row.scope, row.op, row.outputs, row.params, row.macs);
//! }
//! let totals = table.totals;
//! assert_eq!((totals.params, totals.macs), (3 * 8 * 9 + 8 + 8 * 10 + 10, 3 * 8 * 9 * 32 * 32 + 8 * 10));
//! ```
//!
//! How it goes:
//!
//! ```text
//! text ──► cst, syntax   tree-sitter's tree, lowered once to compact enums
//!            │ eval, python   Python on concrete and abstract values, with fuel
//!            │ torch          tensors, operators, modules; library/*.py is PyTorch's Python side in our own words
//!            ▼
//!          contract, recipe   Net constructed, traced twice, its state laid out, its training read
//!            ▼
//!          archsmith_ir::Graph
//! ```
//!
//! Invariants: generated Python is never executed by a Python interpreter; no file, network, clock or environment access; no
//! text panics; every call ends within [`Limits`]. Diagnostics carry a stable code and a span of the author's source.

pub mod code;
mod contract;
mod cst;
mod diagnostic;
mod eval;
mod plain;
mod prefix;
mod prune;
mod python;
mod recipe;
mod suggest;
mod supported;
mod syntax;
mod torch;
mod worker;

pub use contract::{Elaborated, Options, Prm, check, elaborate, parse, syntax_tree};
pub use diagnostic::{Diagnostic, Phase, Rejection, Severity, Stage};
pub use eval::Limits;
pub use plain::{Printed, run_python};
pub use prefix::{Spent, check_prefix};
pub use supported::supported_names;
