//! The loop on fakes: no tensor library, no language model, milliseconds.

#[path = "suite/cache.rs"]
mod cache;
#[path = "suite/config.rs"]
mod config;
#[path = "suite/fakes.rs"]
mod fakes;
#[path = "suite/killed.rs"]
mod killed;
#[cfg(target_os = "linux")]
#[path = "suite/long.rs"]
mod long;
#[path = "suite/replay.rs"]
mod replay;
#[path = "suite/reseed.rs"]
mod reseed;
#[path = "suite/resume.rs"]
mod resume;
#[path = "suite/verdicts.rs"]
mod verdicts;
