//! The Markdown files of `tests/mdtest`: each block of Python says what the frontend makes of it.

use archsmith_frontend::{Diagnostic, Options, Severity, check};
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\nclass Net(nn.Module):\n    \
    def __init__(self, in_shape, out_shape, prm, device):\n        super().__init__()\n        \
    self.head = nn.Linear(3 * 32 * 32, out_shape[0])\n\n    def forward(self, x):\n        images = x\n";
const TAIL: &str = "        return self.head(images.flatten(1))\n";

/// What a line says: `# error: [code]` or `# revealed: type`.
#[derive(Debug, PartialEq)]
enum Claim {
    Error(String),
    Revealed(String),
}

fn claims(text: &str) -> Vec<(usize, Claim)> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if let Some((_, rest)) = line.split_once("# error: [") {
            let code = rest.split(']').next().unwrap_or("");
            found.push((n + 1, Claim::Error(code.to_string())));
        }
        if let Some((_, rest)) = line.split_once("# revealed: ") {
            found.push((n + 1, Claim::Revealed(rest.trim().to_string())));
        }
    }
    found
}

/// The whole text of a block, and by how many lines it was moved down.
fn whole(block: &str) -> (String, usize) {
    if block.contains("class Net") || block.contains("def supported_hyperparameters") {
        return (block.to_string(), 0);
    }
    let body: String =
        block.lines().map(|l| if l.is_empty() { "\n".into() } else { format!("        {l}\n") }).collect();
    (format!("{HEAD}{body}{TAIL}"), HEAD.lines().count())
}

/// What is wrong with a block; empty when it holds.
fn problems(block: &str) -> String {
    let (text, down) = whole(block);
    let options = Options { in_shape: [2, 3, 32, 32], ..Options::default() };
    let diagnostics: Vec<Diagnostic> = match check(&text, &options) {
        Ok((_, notes)) => notes,
        Err(r) => r.diagnostics,
    };
    let mut said: Vec<(usize, Claim)> = Vec::new();
    for d in &diagnostics {
        let line = d.position(&text).0.saturating_sub(down);
        match d.severity {
            Severity::Error => said.push((line, Claim::Error(d.code.to_string()))),
            _ if d.code == "revealed-type" => {
                // A line is revealed once for each trace.
                let claim = (line, Claim::Revealed(d.message.clone()));
                if !said.contains(&claim) {
                    said.push(claim);
                }
            }
            _ => {}
        }
    }
    let mut out = String::new();
    let expected = claims(block);
    for (line, claim) in &expected {
        // A comment line of its own speaks of the whole block.
        let alone = block.lines().nth(line - 1).is_some_and(|l| l.trim_start().starts_with("# error"));
        let holds = said.iter().any(|(l, c)| c == claim && (alone || l == line));
        if !holds {
            let _ = writeln!(out, "line {line}: expected {claim:?}");
        }
    }
    for (line, claim) in &said {
        let known = expected.iter().any(|(_, c)| c == claim);
        if !known {
            let _ = writeln!(out, "line {line}: found {claim:?}");
        }
    }
    if !out.is_empty() {
        for d in diagnostics.iter().filter(|d| d.severity == Severity::Error) {
            let _ = writeln!(out, "{}", d.render(&text, "block.py", false));
        }
    }
    out
}

#[test]
fn every_block_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mdtest");
    let mut files: Vec<_> =
        std::fs::read_dir(&root).expect("tests/mdtest").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let mut failures = String::new();
    let mut blocks = 0;
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(file).expect("a readable file");
        let (mut heading, mut block, mut inside) = (String::new(), String::new(), false);
        for line in text.lines() {
            match line {
                "```py" => inside = true,
                "```" if inside => {
                    inside = false;
                    blocks += 1;
                    let wrong = problems(&block);
                    if !wrong.is_empty() {
                        let name = file.file_name().unwrap_or_default().to_string_lossy();
                        let _ = writeln!(failures, "== {name}, {heading}\n{block}--\n{wrong}");
                    }
                    block.clear();
                }
                l if inside => {
                    block.push_str(l);
                    block.push('\n');
                }
                l if l.starts_with('#') => heading = l.trim_start_matches('#').trim().to_string(),
                _ => {}
            }
        }
    }
    assert!(blocks > 20, "only {blocks} blocks were found");
    assert!(failures.is_empty(), "{failures}");
}
