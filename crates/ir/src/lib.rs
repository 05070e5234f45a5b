//! The architecture IR: what a network *is*, apart from the text it was written in and the library that runs it.
//!
//! ```
//! let text = r#"archsmith graph 1
//! name "Net"
//! input f32[2, 10, 8, 8]
//! scope 0 "" Net
//! init {
//!   return
//! }
//! train {
//!   %0 = input 0
//!   %1 = relu(%0, inplace=False)
//!   %2 = mean(%1, dim=[2, 3], keepdim=False, dtype=None)
//!   return %2
//! }
//! eval {
//!   %0 = input 0
//!   %1 = relu(%0, inplace=False)
//!   %2 = mean(%1, dim=[2, 3], keepdim=False, dtype=None)
//!   return %2
//! }"#;
//! let graph = archsmith_ir::infer(archsmith_ir::text::parse(text)?)?;
//! let logits = graph.graph().eval.outputs[0];
//! assert_eq!(graph.eval().ty(logits).to_string(), "f32[2, 10]");
//! assert_eq!(archsmith_ir::cost::cost(&graph).params, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! Graph       operator nodes as the author called them, state (parameters and buffers), recipe, source spans
//!   │ infer   each operator is emitted once as primitives; every shape and dtype is proved on the way
//!   ▼
//! TypedGraph  the same graph and, for each body, a `Program` of typed primitives
//!   │
//!   ├─ cost, fingerprint, text
//!   ├─ reference: the naive interpreter, the meaning that every other interpreter is compared with
//!   └─ (in other crates) lowering to a tensor library
//! ```
//!
//! Invariants:
//! - only [`infer`] makes a [`TypedGraph`]: holding one is a proof that every operator accepts its inputs;
//! - an operator is one file in `ops/` and one line in `ops/mod.rs`;
//! - a primitive is one variant of [`Prim`]; the compiler lists the places to extend;
//! - no tensor library, no I/O, no clock; randomness only from seeds that the caller gives.

pub mod attr;
pub mod cost;
pub mod fingerprint;
pub mod graph;
pub mod infer;
pub mod op;
pub mod ops;
pub mod prim;
pub mod recipe;
pub mod reference;
pub mod seed;
pub mod signature;
pub mod summary;
pub mod text;
pub mod types;

pub use attr::Attr;
pub use graph::{
    Arg, Body, Graph, Node, NodeId, Scope, ScopeId, Span, StateId, StateKind, StateTensor, ValueDef, ValueId,
};
pub use infer::{Program, Step, TypedGraph, infer};
pub use op::{Call, Emitter, Example, OpError, Operator, Returns, V};
pub use ops::OpId;
pub use prim::Prim;
pub use recipe::Recipe;
pub use seed::Seed;
pub use types::{DType, TensorType};
