//! The tables of `tests/mdtest/python`: each block of Python prints what the block after it says. CPython 3.11 wrote the answers.

use archsmith_frontend::{Limits, run_python};
use std::fmt::Write;
use std::path::Path;

struct Case {
    heading: String,
    code: String,
    prints: String,
}

fn cases(markdown: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let (mut heading, mut fence) = (String::new(), "");
    for line in markdown.lines() {
        match (fence, line) {
            ("", "```py") => {
                fence = "py";
                cases.push(Case { heading: heading.clone(), code: String::new(), prints: String::new() });
            }
            ("", "```text") => fence = "text",
            ("", _) => {
                if let Some(h) = line.strip_prefix("## ") {
                    heading = h.to_string();
                }
            }
            (_, "```") => fence = "",
            (kind, _) => {
                if let Some(case) = cases.last_mut() {
                    let into = if kind == "py" { &mut case.code } else { &mut case.prints };
                    into.push_str(line);
                    into.push('\n');
                }
            }
        }
    }
    cases
}

fn prints(code: &str) -> String {
    let run = run_python(code, &Limits::default());
    let mut text = run.text;
    if let Some(e) = run.error {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&e.message);
        text.push('\n');
    }
    text
}

#[test]
fn code_prints_what_cpython_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mdtest/python");
    let mut files: Vec<_> =
        std::fs::read_dir(&root).expect("the tables").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let (mut failures, mut count, mut failed) = (String::new(), 0, 0);
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(file).expect("a readable file");
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_string();
        for case in cases(&text) {
            count += 1;
            let found = prints(&case.code);
            if found.trim_end() != case.prints.trim_end() {
                failed += 1;
                let _ = writeln!(failures, "== {name}: {}", case.heading);
                for (n, line) in case.prints.lines().enumerate() {
                    let other = found.lines().nth(n).unwrap_or("(nothing)");
                    if line != other {
                        let _ = writeln!(failures, "  expected {line}\n  found    {other}");
                    }
                }
                if found.lines().count() > case.prints.lines().count() {
                    let _ = writeln!(failures, "  and more: {}", found.lines().last().unwrap_or(""));
                }
            }
        }
    }
    assert!(count >= 100, "only {count} cases were found");
    assert!(failures.is_empty(), "{failed} of {count} cases fail\n{failures}");
}
