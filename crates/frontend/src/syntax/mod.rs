//! Python's syntax: the tree that tree-sitter finds, lowered once to compact enums.

pub(crate) mod ast;
mod lower;
pub(crate) mod mistake;
mod scope;
pub(crate) mod sym;

pub(crate) use lower::parse;
pub(crate) use sym::Sym;
