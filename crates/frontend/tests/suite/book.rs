//! The book names every code and every chapter of rules, and nothing that is not there.

use archsmith_frontend::code;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn targets(markdown: &str) -> Vec<&str> {
    markdown.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn the_summary_is_complete() {
    let book = root().join("assets/book");
    let summary = std::fs::read_to_string(book.join("SUMMARY.md")).expect("a summary");
    let chapters = targets(&summary);
    for c in code::ALL {
        let page = format!("codes/{}.md", c.name);
        assert!(chapters.contains(&page.as_str()), "{page} is not in the summary");
    }
    for chapter in &chapters {
        // Made when the book is built.
        if *chapter != "operators.md" {
            assert!(book.join(chapter).is_file(), "{chapter} does not exist");
        }
    }
}

#[test]
fn every_chapter_of_rules_is_included() {
    let book = root().join("assets/book/rules");
    let mut included = Vec::new();
    for entry in std::fs::read_dir(&book).expect("the rules") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a chapter");
        let file = text.trim().strip_prefix("{{#include ").and_then(|t| t.strip_suffix("}}")).expect("an include");
        included.push(book.join(file).canonicalize().expect("what is included exists"));
    }
    let mut pending = vec![root().join("tests/mdtest")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).expect("chapters") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let path = path.canonicalize().expect("a path");
                assert!(included.contains(&path), "{} is not in the book", path.display());
            }
        }
    }
}

#[test]
fn links_of_the_chapters_lead_somewhere() {
    let book = root().join("assets/book");
    for name in ["introduction", "commands", "python", "diagnostics", "conformance", "adding"] {
        let text = std::fs::read_to_string(book.join(format!("{name}.md"))).expect("a chapter");
        for target in targets(&text).into_iter().filter(|t| !t.starts_with("http")) {
            assert!(book.join(target).is_file(), "{name}.md links to {target}");
        }
    }
}
