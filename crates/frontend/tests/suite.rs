//! Behaviour of the frontend, through its public interface.

#[path = "suite/contract.rs"]
mod contract;
#[path = "suite/corpus.rs"]
mod corpus;
#[path = "suite/diagnostic.rs"]
mod diagnostic;
#[path = "suite/mdtest.rs"]
mod mdtest;
#[path = "suite/python.rs"]
mod python;
#[path = "suite/python_garbage.rs"]
mod python_garbage;
