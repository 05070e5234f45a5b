//! The seed networks of `assets/seeds`: every one becomes a typed graph with a recipe of its own.

use archsmith_frontend::{Options, check};
use std::path::Path;

#[test]
fn every_seed_network_is_typed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/seeds");
    let mut files: Vec<_> = std::fs::read_dir(root)
        .expect("assets/seeds")
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "py"))
        .collect();
    files.sort();
    assert!(files.len() >= 30, "only {} seeds", files.len());
    let options = Options { in_shape: [2, 3, 32, 32], ..Options::default() };
    let mut failures = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_string();
        match check(&text, &options) {
            Ok((typed, _)) => {
                let assumed = &typed.graph().recipe.assumed;
                if !assumed.is_empty() {
                    failures.push_str(&format!("{name}: recipe assumed {assumed:?}\n"));
                }
            }
            Err(r) => failures.push_str(&r.render(&text, &name, false)),
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn elaboration_is_deterministic() {
    let text = include_str!("../../../../assets/seeds/mixture_of_experts.py");
    let first = check(text, &Options::default()).expect("a network").0;
    let second = check(text, &Options::default()).expect("a network").0;
    assert_eq!(first.graph(), second.graph());
}
