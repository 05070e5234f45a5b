//! Drawings of a network's evaluation pass: SVG, one HTML page, Graphviz, Mermaid, Model Explorer.
//!
//! A box stands for a module and holds what is called in it; a card is a run of operators that only feed each other, one row
//! an operator, with its arguments, its output shape where that changes, and a colour for its share of the MACs. Equal
//! neighbouring blocks are drawn once, with `×4`. Nodes that do not reach an output, and state, are not drawn. The same graph
//! gives the same bytes.

mod explorer;
mod html;
mod layout;
pub(crate) mod model;
mod svg;
mod text;

pub use explorer::explorer;
pub use html::html;
pub use svg::svg;
pub use text::{dot, mermaid};
