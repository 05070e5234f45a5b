//! The pages of the codes: each example gives its code and reads as shown, each fix does not; no code without a page.
//!
//! `BLESS=1 cargo test -p archsmith-frontend pages` writes what the examples give into the pages.

use archsmith_frontend::{Diagnostic, Options, check, code};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> PathBuf {
    root().join("assets/book/codes").join(format!("{name}.md"))
}

/// The text between a fence of this kind and its end, after a heading.
fn block<'a>(page: &'a str, heading: &str, kind: &str) -> Option<&'a str> {
    let section = page.split_once(&format!("\n## {heading}\n"))?.1;
    let section = section.split("\n## ").next()?;
    let inside = section.split_once(&format!("```{kind}\n"))?.1;
    Some(inside.split_once("```").map_or(inside, |(text, _)| text))
}

/// All that is said of a text, and whether it is accepted.
fn said(text: &str) -> (bool, Vec<Diagnostic>) {
    match check(text, &Options::default()) {
        Ok((_, notes)) => (true, notes),
        Err(r) => (false, r.diagnostics),
    }
}

#[test]
fn pages_show_what_their_examples_give() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = String::new();
    for c in code::ALL {
        let name = c.name;
        let text = std::fs::read_to_string(page(name)).expect("a page");
        assert!(text.starts_with(&format!("# {name}\n\n")), "{name}: the heading");
        assert!(!c.summary().is_empty() && text.contains("\n## Fix\n"), "{name}: a summary and a fix");
        let (Some(example), Some(fix)) = (block(&text, "Example", "py"), block(&text, "Fix", "py")) else {
            // Only a mistake of the program itself cannot be shown.
            assert_eq!(name, "internal", "{name} has no example or no fixed example");
            continue;
        };
        let (_, diagnostics) = said(example);
        let Some(d) = diagnostics.iter().find(|d| d.code == name) else {
            let _ = writeln!(wrong, "{name}: the example gives {:?}", diagnostics.first());
            continue;
        };
        if d.severity == archsmith_frontend::Severity::Error {
            assert_eq!(diagnostics[0].code, name, "the reason comes first");
        }
        let shown: String = d.render(example, "net.py", false).lines().map(|l| format!("{}\n", l.trim_end())).collect();
        let expected = block(&text, "Example", "text").unwrap_or("");
        if shown != expected {
            if bless {
                let old = format!("```text\n{expected}```");
                std::fs::write(page(name), text.replacen(&old, &format!("```text\n{shown}```"), 1)).expect("written");
            } else {
                let _ = writeln!(wrong, "{name}: the page shows\n{expected}\nbut it is\n{shown}");
            }
        }
        let (accepted, diagnostics) = said(fix);
        if !accepted || diagnostics.iter().any(|d| d.code == name) {
            let _ = writeln!(wrong, "{name}: the fix gives {:?}", diagnostics.first());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_page_is_of_a_code() {
    let folder = root().join("assets/book/codes");
    for entry in std::fs::read_dir(folder).expect("the pages") {
        let name = entry.expect("an entry").file_name().to_string_lossy().to_string();
        let name = name.strip_suffix(".md").expect("a page is Markdown");
        assert!(code::by_name(name).is_some(), "{name} is no code");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for c in code::ALL {
        for link in c.page.split("](").skip(1) {
            let target = link.split(')').next().unwrap_or("");
            let target = target.strip_suffix(".md").expect("links lead to pages");
            assert!(code::by_name(target).is_some(), "{} links to {target}", c.name);
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "py") {
            found.push(path);
        }
    }
}

#[test]
fn codes_named_in_the_sources_have_pages() {
    let mut files = Vec::new();
    for part in ["crates/frontend/src", "crates/ir/src"] {
        sources(&root().join(part), &mut files);
    }
    let mut count = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        for start in
            ["abort(\"", "code: \"", "code = \"", "Diagnostic::error(\"", "Diagnostic::warning(\"", "_unsupported('"]
        {
            for rest in text.split(start).skip(1) {
                let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                // Examples of operators have a field `code` too, of Python.
                if name.len() > 4 && rest[name.len()..].starts_with(['"', '\'']) {
                    count += 1;
                    assert!(code::by_name(&name).is_some(), "{}: {name} has no page", file.display());
                }
            }
        }
    }
    assert!(count > 0, "the library sources name codes");
}

#[test]
fn the_nearest_code_is_suggested() {
    let nearest = |name| code::nearest(name).map(|c| c.name);
    assert_eq!(nearest("shape-mismach"), Some("shape-mismatch"));
    assert_eq!(nearest("Shape_Mismatch"), Some("shape-mismatch"));
    assert_eq!(nearest("quite something else"), None);
}
