//! Tests of the IR through its public interface.

#[path = "suite/cost.rs"]
mod cost;
#[path = "suite/fingerprint.rs"]
mod fingerprint;
#[path = "suite/net.rs"]
mod net;
#[path = "suite/ops.rs"]
mod ops;
#[path = "suite/reference.rs"]
mod reference;
#[path = "suite/seed.rs"]
mod seed;
#[path = "suite/text.rs"]
mod text;
