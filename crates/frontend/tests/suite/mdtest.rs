//! The chapters under `tests/mdtest`: prose that states rules of Python and PyTorch, and blocks of Python that hold us to them.
//!
//! A block that a `text` block follows is plain Python and prints that text. Any other block is read as a network, or as the
//! body of a `forward` that gets `x`; `# revealed: type`, `# error: [code] "a part of the message"` and `# help: a part of the help` say what its lines do.
//! `MDTEST=word` runs the cases whose chapter or heading contains the word.

use archsmith_frontend::{Diagnostic, Limits, Options, Severity, check, run_python};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const HEAD: &str = "import math\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\nclass Net(nn.Module):\n    \
    def __init__(self, in_shape, out_shape, prm, device):\n        super().__init__()\n        \
    self.head = nn.Linear(3 * 32 * 32, out_shape[0])\n\n    def forward(self, x):\n        images = x\n";
const TAIL: &str = "        return self.head(images.flatten(1))\n";

/// A block and what it is held to.
struct Case {
    heading: String,
    code: String,
    /// What it prints; `None` for a network.
    prints: Option<String>,
}

fn cases(markdown: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let (mut heading, mut fence) = (String::new(), "");
    for line in markdown.lines() {
        match (fence, line) {
            ("", "```py") => {
                fence = "py";
                cases.push(Case { heading: heading.clone(), code: String::new(), prints: None });
            }
            ("", "```text") => {
                fence = "text";
                if let Some(case) = cases.last_mut() {
                    case.prints = Some(String::new());
                }
            }
            ("", _) => {
                if line.starts_with('#') {
                    heading = line.trim_start_matches('#').trim().to_string();
                }
            }
            (_, "```") => fence = "",
            (kind, _) => {
                if let Some(case) = cases.last_mut() {
                    let into = if kind == "py" { &mut case.code } else { case.prints.get_or_insert_default() };
                    into.push_str(line);
                    into.push('\n');
                }
            }
        }
    }
    cases
}

/// What a line says.
#[derive(Debug)]
enum Claim {
    /// `# error: [code] "part of the message"`.
    Error { code: String, part: String },
    /// `# help: a part of what to do`, of an error in that line.
    Help(String),
    /// `# revealed: type`; `N` is the size of the batch.
    Revealed(String),
}

impl Claim {
    fn fits(&self, d: &Diagnostic) -> bool {
        match self {
            Claim::Error { code, part } => {
                d.severity == Severity::Error && d.code == code && d.message.contains(part.as_str())
            }
            Claim::Help(part) => d.help.as_ref().is_some_and(|h| h.contains(part.as_str())),
            Claim::Revealed(ty) => d.code == "revealed-type" && d.message == *ty,
        }
    }
}

fn claims(text: &str) -> Vec<(usize, Claim)> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if let Some((_, rest)) = line.split_once("# error: [") {
            let (code, rest) = rest.split_once(']').unwrap_or((rest, ""));
            let part = rest.split(" # help: ").next().unwrap_or(rest).trim().trim_matches('"').to_string();
            found.push((n + 1, Claim::Error { code: code.to_string(), part }));
        }
        if let Some((_, rest)) = line.split_once("# help: ") {
            found.push((n + 1, Claim::Help(rest.trim().to_string())));
        }
        if let Some((_, rest)) = line.split_once("# revealed: ") {
            found.push((n + 1, Claim::Revealed(rest.trim().replace("[N]", "[2]").replace("[N,", "[2,"))));
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

/// What is wrong with a block that is read as a network; empty when it holds.
fn network_problems(block: &str) -> String {
    let (text, down) = whole(block);
    let options = Options { in_shape: [2, 3, 32, 32], ..Options::default() };
    let mut diagnostics = match check(&text, &options) {
        Ok((_, notes)) => notes,
        Err(r) => r.diagnostics,
    };
    diagnostics.retain(|d| d.severity == Severity::Error || d.code == "revealed-type");
    let mut out = String::new();
    let expected = claims(block);
    let line_of = |d: &Diagnostic| d.position(&text).0.saturating_sub(down);
    for (line, claim) in &expected {
        // A comment line of its own speaks of the whole block.
        let alone = block.lines().nth(line - 1).is_some_and(|l| l.trim_start().starts_with("# "));
        if !diagnostics.iter().any(|d| claim.fits(d) && (alone || line_of(d) == *line)) {
            let _ = writeln!(out, "line {line}: expected {claim:?}");
        }
    }
    // A line is revealed once for each trace and each time it runs.
    let unexpected = diagnostics.iter().filter(|d| {
        !expected
            .iter()
            .filter(|(_, c)| !matches!(c, Claim::Help(_)))
            .any(|(line, claim)| claim.fits(d) && (d.severity == Severity::Error || line_of(d) == *line))
    });
    for d in unexpected {
        let _ = writeln!(out, "line {}: found {d}", line_of(d));
    }
    out
}

/// What is wrong with a block that prints; empty when it holds.
fn print_problems(code: &str, prints: &str) -> String {
    let run = run_python(code, &Limits::default());
    let mut found = run.text;
    if let Some(e) = run.error {
        if !found.is_empty() && !found.ends_with('\n') {
            found.push('\n');
        }
        found.push_str(&e.message);
    }
    if found.trim_end() == prints.trim_end() { String::new() } else { format!("expected\n{prints}found\n{found}\n") }
}

fn chapters(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of chapters") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            chapters(&path, found);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
}

#[test]
fn every_block_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mdtest");
    let mut files = Vec::new();
    chapters(&root, &mut files);
    files.sort();
    let only = std::env::var("MDTEST").ok();
    let (mut failures, mut count, mut failed) = (String::new(), 0, 0);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        for case in cases(&text) {
            if only.as_ref().is_some_and(|word| !name.contains(word.as_str()) && !case.heading.contains(word.as_str()))
            {
                continue;
            }
            count += 1;
            let wrong = match &case.prints {
                Some(prints) => print_problems(&case.code, prints),
                None => network_problems(&case.code),
            };
            if !wrong.is_empty() {
                failed += 1;
                let _ = writeln!(failures, "== {name}, {}\n{}--\n{wrong}", case.heading, case.code);
            }
        }
    }
    assert!(only.is_some() || count >= 300, "only {count} blocks were found");
    assert!(failures.is_empty(), "{failed} of {count} cases fail\n{failures}");
    println!("{count} cases");
}
