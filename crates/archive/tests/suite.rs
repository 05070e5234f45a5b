//! What the archive promises, seen from outside.

#[path = "suite/bundle.rs"]
mod bundle;
#[path = "suite/events_and_folder.rs"]
mod events_and_folder;
#[path = "suite/novelty.rs"]
mod novelty;
#[path = "suite/pairs_and_import.rs"]
mod pairs_and_import;
#[path = "suite/store.rs"]
mod store;
#[path = "suite/tokens.rs"]
mod tokens;

use std::path::PathBuf;

/// The project's own seed networks: name and text.
fn seed_networks() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/seeds");
    let imported = archsmith_archive::import_corpus(&folder, "cifar-10").expect("assets/seeds holds networks");
    imported.seeds.into_iter().map(|seed| (seed.name, seed.text)).collect()
}
