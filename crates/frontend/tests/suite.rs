//! Behaviour of the frontend, through its public interface.

#[path = "suite/book.rs"]
mod book;
#[path = "suite/codes.rs"]
mod codes;
#[path = "suite/contract.rs"]
mod contract;
#[path = "suite/corpus.rs"]
mod corpus;
#[path = "suite/diagnostic.rs"]
mod diagnostic;
#[path = "suite/fuzzed.rs"]
mod fuzzed;
#[path = "suite/mdtest.rs"]
mod mdtest;
#[path = "suite/python_garbage.rs"]
mod python_garbage;
