//! PyTorch source to architecture IR, by partial evaluation.
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
mod python;
mod recipe;
mod suggest;
mod syntax;
mod torch;
mod worker;

pub use contract::{Elaborated, Options, Prm, check, elaborate, parse, syntax_tree};
pub use diagnostic::{Diagnostic, Phase, Rejection, Severity, Stage};
pub use eval::Limits;
pub use plain::{Printed, run_python};
