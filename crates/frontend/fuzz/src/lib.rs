//! What the fuzz targets share: reading a text to the end, and making a text from a real network and a string of bytes.
//!
//! Invariants: the same bytes and the same seed networks give the same text; a text is read under limits so tight that one
//! reading takes milliseconds.

use archsmith_frontend::{Limits, Options, check, run_python};
use std::path::PathBuf;
use std::sync::OnceLock;

/// Longer texts are cut: the parser's time grows with the length and finds nothing new.
const MAX_TEXT: usize = 64 << 10;

/// Reads a text as `archsmith check` does, and says everything that can be said of it.
pub fn read(text: &str) {
    let text = cut(text, MAX_TEXT);
    let limits = Limits { steps: 400_000, frames: 200, nodes: 4_000, elements: 1_000_000 };
    let options = Options { in_shape: [2, 3, 32, 32], limits: limits.clone(), ..Options::default() };
    match check(text, &options) {
        Ok((graph, notes)) => {
            archsmith_ir::cost::cost(&graph);
            archsmith_ir::fingerprint::fingerprint(&graph);
            archsmith_ir::summary::summary(&graph).to_text();
            for note in notes {
                note.render(text, "net.py", false);
            }
        }
        Err(rejection) => {
            assert_ne!(rejection.code(), "internal", "the elaboration ended without an answer");
            rejection.render(text, "net.py", true);
            for d in &rejection.diagnostics {
                d.to_json(text);
            }
        }
    }
    // Texts without a network still exercise the evaluator.
    if !text.contains("class Net") {
        let _ = run_python(text, &limits);
    }
}

fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    &text[..end]
}

/// The networks that mutants are made of: the seeds, and the files of the folder that `ARCHSMITH_FUZZ_NETWORKS` names.
fn networks() -> &'static [String] {
    static NETWORKS: OnceLock<Vec<String>> = OnceLock::new();
    NETWORKS.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![root.join("../../../assets/seeds")];
        folders.extend(std::env::var_os("ARCHSMITH_FUZZ_NETWORKS").map(PathBuf::from));
        let mut texts = Vec::new();
        for folder in folders {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut paths: Vec<PathBuf> =
                entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "py")).collect();
            paths.sort();
            texts.extend(paths.iter().filter_map(|p| std::fs::read_to_string(p).ok()));
        }
        assert!(!texts.is_empty(), "there are no networks to change");
        texts
    })
}

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-2",
    "7",
    "64",
    "255",
    "1000",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "10**30",
    "0.0",
    "-0.0",
    "0.5",
    "1e-8",
    "1e308",
    "float('nan')",
    "float('inf')",
    "-float('inf')",
    "True",
    "None",
    "()",
    "[]",
    "(2, 3)",
    "'same'",
    "slice(None)",
    "x",
    "...",
];
const OPERATORS: &[&str] = &[
    "+", "-", "*", "/", "//", "%", "**", "@", "<<", ">>", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=", " is ",
    " in ", " and ", " or ", ",", "=", "+=", "*=", ".", ":", "(", ")", "[", "]", "{", "}", " not ", "~", " if ",
    " else ", " for ", "->",
];
const STATEMENTS: &[&str] = &[
    "pass",
    "break",
    "continue",
    "return",
    "return x",
    "return self",
    "raise ValueError('no')",
    "raise",
    "while True: pass",
    "x = x[::2]",
    "x = x.view(-1)",
    "x += x",
    "x = [x] * 3",
    "self.x = x",
    "self.weight = self",
    "self = None",
    "yield x",
    "yield",
    "global x",
    "nonlocal x",
    "del x",
    "x, *y = x",
    "assert False",
    "import os",
    "from math import *",
    "lambda: x",
    "x = (y := x)",
    "x = {**x}",
    "x = f'{x!r:>{x}}'",
    "super().__init__()",
    "self.append(self)",
    "x = sorted(x)",
    "x = x.unfold(2, 3, 1)",
    "x[0] = x[1]",
    "x[..., 0] += 1",
    "x = torch.cat([x, x], -1)",
    "x = x.sum(dim=[0, -1])",
    "x = F.interpolate(x, scale_factor=2)",
    "x = x.expand(-1, 7, 2, 2)",
    "x = x.reshape(0, -1)",
    "x = torch.zeros(10**12)",
    "x = self(x)",
    "self.forward = self.forward",
    "self.register_buffer('b', x)",
    "x = x.permute(0, 0, 1, 2)",
    "exec('x')",
    "x = 'a' * 10**9",
    "x = 10**10**10",
    "x = list(range(10**9))",
    "x = x.repeat(1000, 1000, 1000, 1000)",
    "x = x.long()",
    "x = x @ x",
    "x = torch.einsum('abcd,abce->de', x, x)",
    "x = x.flatten(-1, 0)",
    "def f(*a, **k): return f(*a, **k)\nf(x)",
    "class A(A if False else object):\n    __slots__ = ()",
    "try:\n    x = 1 / 0\nfinally:\n    pass",
    "with torch.no_grad(): x = x",
    "match x:\n    case [a, *_] | {'k': a}: pass",
    "@property\ndef p(self): return self.p",
    "for x in x: x = x",
];

/// The bytes of a mutation, read one after the other.
struct Bytes<'a> {
    rest: &'a [u8],
}

impl Bytes<'_> {
    fn byte(&mut self) -> Option<usize> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first as usize)
    }

    fn pick(&mut self, below: usize) -> Option<usize> {
        let (high, low) = (self.byte()?, self.byte()?);
        (below > 0).then(|| (high << 8 | low) % below)
    }
}

/// A network changed as the bytes say: two of them choose it, then some for each change.
pub fn mutant(data: &[u8]) -> String {
    let mut bytes = Bytes { rest: data };
    let Some(n) = bytes.pick(networks().len()) else { return String::new() };
    let mut text = networks()[n].clone();
    while text.len() < MAX_TEXT && change(&mut text, &mut bytes).is_some() {}
    text
}

/// One change; `None` when the bytes are used up.
fn change(text: &mut String, bytes: &mut Bytes<'_>) -> Option<()> {
    let kind = bytes.byte()?;
    match kind % 10 {
        0..=2 => statement(text, kind / 10 % 4, bytes),
        3..=5 => replace_token(text, bytes, |t| t.starts_with(|c: char| c.is_ascii_digit()), NUMBERS),
        6 => replace_token(text, bytes, |t| t.starts_with(is_operator), OPERATORS),
        7 => rename(text, bytes),
        8 => insert(text, bytes),
        _ => replace_token(text, bytes, is_name, NUMBERS),
    }
}

/// Lines of the block that starts at `from`: the line and all that are indented deeper.
fn block(lines: &[&str], from: usize) -> usize {
    let indent = |l: &str| l.len() - l.trim_start().len();
    let own = indent(lines[from]);
    let mut to = from + 1;
    while to < lines.len() && (lines[to].trim().is_empty() || indent(lines[to]) > own) {
        to += 1;
    }
    to
}

/// Removes, doubles or moves a statement with its block.
fn statement(text: &mut String, what: usize, bytes: &mut Bytes<'_>) -> Option<()> {
    let lines: Vec<&str> = text.lines().collect();
    let from = bytes.pick(lines.len())?;
    let to = block(&lines, from);
    let whole = lines[from..to].to_vec();
    let mut out: Vec<&str> = lines[..from].to_vec();
    match what {
        0 => out.extend(&lines[to..]),
        1 => {
            out.extend(&whole);
            out.extend(&lines[from..]);
        }
        _ => {
            out.extend(&lines[to..]);
            let at = bytes.pick(out.len() + 1)?;
            out.splice(at..at, whole);
        }
    }
    let changed = out.join("\n");
    *text = changed;
    Some(())
}

fn is_operator(c: char) -> bool {
    "+-*/%@<>=&|^~.,:()[]{}".contains(c)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Byte ranges of the words, numbers and single signs of a text.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut in_word = false;
    for (i, c) in text.char_indices() {
        let word = c.is_alphanumeric() || c == '_';
        match found.last_mut() {
            Some(last) if word && in_word => last.1 = i + c.len_utf8(),
            _ if c.is_whitespace() => {}
            _ => found.push((i, i + c.len_utf8())),
        }
        in_word = word;
    }
    found
}

fn replace_token(text: &mut String, bytes: &mut Bytes<'_>, wanted: impl Fn(&str) -> bool, by: &[&str]) -> Option<()> {
    let found: Vec<_> = tokens(text).into_iter().filter(|&(a, b)| wanted(&text[a..b])).collect();
    let (from, to) = *found.get(bytes.pick(found.len())?)?;
    let by = by[bytes.byte()? % by.len()];
    text.replace_range(from..to, by);
    Some(())
}

/// Replaces a name by another name of the text.
fn rename(text: &mut String, bytes: &mut Bytes<'_>) -> Option<()> {
    let found: Vec<_> = tokens(text).into_iter().filter(|&(a, b)| is_name(&text[a..b])).collect();
    let (from, to) = *found.get(bytes.pick(found.len())?)?;
    let (a, b) = *found.get(bytes.pick(found.len())?)?;
    let by = text[a..b].to_string();
    text.replace_range(from..to, &by);
    Some(())
}

/// Inserts a statement of the list before a line, at its indentation.
fn insert(text: &mut String, bytes: &mut Bytes<'_>) -> Option<()> {
    let lines: Vec<&str> = text.lines().collect();
    let at = bytes.pick(lines.len())?;
    let indent = &lines[at][..lines[at].len() - lines[at].trim_start().len()];
    let new = STATEMENTS[bytes.byte()? % STATEMENTS.len()];
    let new: Vec<String> = new.lines().map(|l| format!("{indent}{l}")).collect();
    let mut out: Vec<&str> = lines[..at].to_vec();
    out.extend(new.iter().map(String::as_str));
    out.extend(&lines[at..]);
    *text = out.join("\n");
    Some(())
}
