//! Texts that fuzzing found: each once made the frontend panic, hang or grow, and is answered now.

use archsmith_frontend::{Limits, Options, check, run_python};
use std::path::Path;

#[test]
fn found_texts_are_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fuzzed");
    let limits = Limits { steps: 400_000, frames: 200, nodes: 4_000, elements: 1_000_000 };
    let options = Options { in_shape: [2, 3, 32, 32], limits: limits.clone(), ..Options::default() };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of found texts") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a readable file");
        let text = String::from_utf8_lossy(&bytes);
        count += 1;
        match check(&text, &options) {
            Ok((graph, _)) => {
                archsmith_ir::cost::cost(&graph);
                archsmith_ir::fingerprint::fingerprint(&graph);
                archsmith_ir::summary::summary(&graph);
            }
            Err(r) => {
                assert_ne!(r.code(), "internal", "{}", path.display());
                r.render(&text, "net.py", false);
            }
        }
        let run = run_python(&text, &limits);
        assert!(run.error.is_none_or(|e| e.code != "internal"), "{}", path.display());
    }
    assert!(count > 0, "the folder is empty");
}
