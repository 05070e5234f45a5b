//! What one does with a network besides training it: look at it, compare it, take it away.
//!
//! ```text
//! TypedGraph ──► onnx       a model file for other runtimes
//!            ──► burn       a crate of its own on burn
//!            ──► source     canonical PyTorch
//!            ──► lowered    the primitives as text
//!            ──► trace      where a value comes from
//!            ──► draw       SVG, HTML, Graphviz, Mermaid, Model Explorer
//!            ──► table      the complete summary
//!            ──► diff       what two networks differ in
//!            ──► json       the graph by a published schema
//!            ──► weights    safetensors with PyTorch's state_dict names, both ways
//! ```
//!
//! Invariants: everything is a function of the graph (and of weights or a seed that the caller gives); the same input gives
//! the same bytes; no tensor library, no I/O but what is written to the caller's writer; nothing panics on any graph that
//! inference accepts.

pub mod burn;
pub mod diff;
pub mod draw;
pub mod json;
pub mod lowered;
pub mod onnx;
pub mod source;
pub mod table;
pub mod trace;
pub mod weights;

/// Text that is safe in HTML and SVG, in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
