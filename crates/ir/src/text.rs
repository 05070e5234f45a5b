//! The textual IR: a [`Graph`] as lines that a person can read, compare and edit.
//!
//! [`parse`] of what [`print`] wrote gives an equal graph, for every graph that [`crate::infer()`] accepts. Printing
//! never fails; parsing refuses everything that it does not understand, with line and column.
//!
//! # Form
//! One item a line; indentation is free; a line that begins with `#` is a comment.
//!
//! ```text
//! archsmith graph 1
//! name "Net"
//! recipe {"optimizer":{"kind":"sgd", …}, …}                          JSON on one line
//! input f32[2, 3, 32, 32]                                             one line each
//! scope 0 "" Net !10+200                                              index, path, class
//! scope 1 "features.0" Conv2d in 0 !60+20                             `in` its parent
//! state features.0.weight: f32[8, 3, 3, 3] parameter = %3 !60+20      `= %3`: a value of `init`
//! entry other.weight = $features.0.weight                             only where the state dict is not simply the
//!                                                                     parameters and buffers by name (`entries none`: empty)
//! init {
//!   %0 = random_uniform(…) : f32[8, 3, 3, 3]
//!   return
//! }
//! train { … }
//! eval {
//!   %0 = input 0
//!   %2 = conv2d(%0, $features.0.weight, bias=None, stride=[1, 1], …) : f32[2, 8, 30, 30] @features.0 !120+25
//!   return %2
//! }
//! ```
//!
//! - `%n` is the n-th value of its body, and values are defined in order. `$name` is a state tensor; where a body
//!   mentions one for the first time in a node, it takes the number just before the node's first output. Where it
//!   takes another, a line `%1 = $name` says so.
//! - Arguments follow the operator's canonical signature, none left out. Tensors are bare, lists of tensors in
//!   parentheses, everything else `name=value` with Python's spelling: `None`, `True`, `3`, `0.5`, `inf`, `"text"`,
//!   `[1, 2]`, `[0.5, 1.0]`, `torch.float32`. An empty list of floats is `floats[]`.
//! - The types after `:` are proved by inference, not believed: they may be left out, and a wrong one is an error.
//! - `@path` is the module (`@` left out: the network itself), `!start+length` the bytes of the source.
//! - Names with other characters than letters, digits, `_` and `.` are quoted as in JSON. Where a name is not unique,
//!   its index stands instead: `$#3`, `@#3`.

mod parse;
mod print;

pub use parse::{ParseError, parse};
pub use print::{print, print_untyped};

use crate::graph::{Graph, StateId, StateKind};
use rustc_hash::FxHashMap;

/// First line of every text.
const HEADER: &str = "archsmith graph 1";

/// The state dict that most networks have: parameters and buffers, in order, each under its own name.
fn usual_entries(graph: &Graph) -> Vec<(String, StateId)> {
    let listed = graph.state.iter().enumerate().filter(|(_, s)| s.kind != StateKind::Constant);
    listed.map(|(i, s)| (s.name.clone(), StateId(i as u32))).collect()
}

/// Whether a name needs no quotes.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

/// For each name its index, where it is the only one of that name.
fn unique<'a>(names: impl Iterator<Item = &'a str>) -> FxHashMap<&'a str, u32> {
    let mut seen: FxHashMap<&str, Option<u32>> = FxHashMap::default();
    for (i, name) in names.enumerate() {
        seen.entry(name).and_modify(|e| *e = None).or_insert(Some(i as u32));
    }
    seen.into_iter().filter_map(|(name, i)| Some((name, i?))).collect()
}

/// The word for a kind of state.
fn kind_word(kind: StateKind) -> &'static str {
    match kind {
        StateKind::Parameter => "parameter",
        StateKind::FrozenParameter => "frozen",
        StateKind::Buffer => "buffer",
        StateKind::Constant => "constant",
    }
}
