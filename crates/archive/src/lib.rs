//! What a run leaves behind: its records, where they are stored, and how new text is compared with them.
//!
//! - [`record`]: the only types that Archsmith persists.
//! - [`store`]: the SQLite archive of one run; [`events`]: its append-only log; [`run_dir`]: the folder around both.
//! - [`tokens`], [`novelty`]: the published token normalisation, shingles, MinHash, banding and exact Jaccard.
//! - [`lines`]: files with a JSON object a line; [`pairs`]: prompt–code pairs for fine-tuning, and the infill transformation.
//! - [`evaluations`]: results that are known from earlier, by what they depend on; [`retrainings`]: candidates trained again.
//! - [`import`]: networks from outside, read as data; [`export`]: a run's results in LEMUR's layout; [`bundle`]: a run as one file.
//!
//! The crate never reads the clock: whoever calls it brings the times. It draws no random number: the MinHash
//! permutations are fixed, since a stored novelty must mean the same in every run. It prints nothing.

pub mod bundle;
pub mod evaluations;
pub mod events;
pub mod export;
pub mod import;
pub mod lines;
pub mod novelty;
pub mod pairs;
pub mod record;
pub mod retrainings;
pub mod run_dir;
pub mod store;
pub mod tokens;

pub use bundle::{BundleError, BundledFile, Manifest, export_run, import_run};
pub use evaluations::{EvaluationCache, EvaluationRecord, content_hash};
pub use events::{Event, EventLog, EventLogError, TimedEvent};
pub use export::{Measured, export_lemur, lemur_name};
pub use import::{ImportError, Imported, import_corpus};
pub use lines::{LinesError, read_lines, write_lines};
pub use novelty::{GraphIndex, NEAR_DUPLICATE, Nearest, NoveltyIndex, RETRIEVAL, Sketch};
pub use pairs::{Pair, PairKind, merge_pairs, remove_forward_body};
pub use record::{
    CandidateRecord, CycleRecord, DiagnosticRecord, Foresight, Guidance, GuidedBy, Metrics, Origin, Proxies, RunRecord,
    Rung, SeedRecord, SftRecord, Stage, Verdict, candidate_id, run_id, text_hash,
};
pub use retrainings::{RetrainingRecord, Retrainings};
pub use run_dir::{RunDir, RunDirError, write_atomically};
pub use store::{Problem, Store, StoreError};
