//! Behaviour of the crate through its public interface.

#[path = "suite/data.rs"]
mod data;
#[path = "suite/lowering.rs"]
mod lowering;
#[path = "suite/nets.rs"]
mod nets;
#[path = "suite/optim.rs"]
mod optim;
#[path = "suite/proxies.rs"]
mod proxies;
#[path = "suite/training.rs"]
mod training;
#[path = "suite/worker.rs"]
mod worker;
