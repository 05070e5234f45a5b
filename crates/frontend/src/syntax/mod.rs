//! Python's syntax: the tree that tree-sitter finds, lowered once to compact enums.

pub(crate) mod sym;

pub use sym::Sym;
