//! Variants of a network's source text: other widths, other activations, other dropout.
//!
//! Used to make the training text of the embedded model from a few networks that were written by hand and from published ones
//! that are too large for a small budget. A variant is only a proposal: the caller keeps what the frontend accepts. The text is
//! changed literal by literal, so layout and names stay the author's.

use archsmith_archive::tokens::{TokenKind, lex};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Factors of width. Small ones prevail: published networks are too wide rather than too narrow.
const FACTORS: [f64; 7] = [0.125, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5];

/// Activations that take no argument that matters: constructor and function spellings of the same list.
const MODULES: [&str; 7] =
    ["nn.ReLU(inplace=True)", "nn.ReLU()", "nn.GELU()", "nn.SiLU()", "nn.ELU()", "nn.LeakyReLU(0.1)", "nn.Hardswish()"];
const FUNCTIONS: [&str; 5] = ["F.relu(", "F.gelu(", "F.silu(", "F.elu(", "F.hardswish("];

/// A variant of `source`. The same draw gives the same variant; it may equal the source where nothing could be changed.
pub fn variant(source: &str, rng: &mut ChaCha8Rng) -> String {
    let mut text = source.to_string();
    if rng.random_bool(0.85) {
        let factor = FACTORS[rng.random_range(0..FACTORS.len())];
        text = scale_widths(&text, factor, rng);
    }
    if rng.random_bool(0.5) {
        text = swap_one_of(&text, &MODULES, rng);
    }
    if rng.random_bool(0.3) {
        text = swap_one_of(&text, &FUNCTIONS, rng);
    }
    text
}

/// What a module entry of a list may be followed by.
const ENTRIES: [&str; 6] =
    ["nn.Dropout(0.1),", "nn.Dropout2d(0.1),", "nn.ReLU(),", "nn.GELU(),", "nn.SiLU(),", "nn.LeakyReLU(0.1),"];

/// What a value in `forward` may be passed through; `x` stands for its name.
const STEPS: [&str; 6] = [
    "x = x * torch.sigmoid(x)",
    "x = torch.relu(x)",
    "x = x + torch.tanh(x)",
    "x = x * x.mean((2, 3), keepdim=True).sigmoid()",
    "x = x - x.mean((2, 3), keepdim=True)",
    "x = x.abs().sqrt()",
];

/// Pairs of spellings of which one may take the other's place, at one occurrence.
const SWAPS: [(&str, &str); 16] = [
    ("nn.MaxPool2d(2)", "nn.AvgPool2d(2)"),
    ("nn.MaxPool2d(2, 2)", "nn.AvgPool2d(2, 2)"),
    ("F.max_pool2d(", "F.avg_pool2d("),
    ("3, padding=1", "5, padding=2"),
    ("3, padding=1", "1, padding=0"),
    ("kernel_size=3, padding=1", "kernel_size=5, padding=2"),
    ("kernel_size=3, padding=1", "kernel_size=3, padding=2, dilation=2"),
    (", padding=1)", ", padding=1, bias=False)"),
    ("nn.ReLU()", "nn.SiLU()"),
    ("nn.ReLU(inplace=True)", "nn.GELU()"),
    ("torch.relu(", "F.gelu("),
    ("F.relu(", "F.silu("),
    ("nn.BatchNorm2d(", "nn.InstanceNorm2d("),
    ("nn.AdaptiveAvgPool2d(", "nn.AdaptiveMaxPool2d("),
    (" + ", " * "),
    (".mean((2, 3))", ".amax((2, 3))"),
];

/// One small change of structure: a line of the network left out, repeated or moved, a layer or an operation put in, one spelling
/// exchanged. Training code and hyperparameters stay. Most changes do not stand; the caller keeps those that do.
pub fn edit(source: &str, rng: &mut ChaCha8Rng) -> String {
    let mut lines: Vec<String> = source.lines().map(str::to_string).collect();
    let places = network_lines(&lines);
    if places.is_empty() {
        return source.to_string();
    }
    let at = places[rng.random_range(0..places.len())];
    let line = lines[at].clone();
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let assigned = line
        .trim()
        .split_once(" = ")
        .map(|(name, _)| name)
        .filter(|n| n.chars().all(|c| c.is_alphanumeric() || c == '_'));
    match rng.random_range(0..10u32) {
        0 => {
            lines.remove(at);
        }
        1 | 2 => lines.insert(at + 1, line),
        3 if at + 1 < lines.len() => lines.swap(at, at + 1),
        4 | 5 => match assigned {
            Some(name) => {
                let step = STEPS[rng.random_range(0..STEPS.len())];
                let step: String = step.replace('x', name);
                lines.insert(at + 1, format!("{indent}{step}"));
            }
            None if line.trim().ends_with(',') && line.contains("nn.") => {
                let entry = ENTRIES[rng.random_range(0..ENTRIES.len())];
                lines.insert(at + 1, format!("{indent}{entry}"));
            }
            None => {}
        },
        _ => {
            let (a, b) = SWAPS[rng.random_range(0..SWAPS.len())];
            let (from, to) = if rng.random_bool(0.5) { (a, b) } else { (b, a) };
            let holding: Vec<usize> = places.iter().copied().filter(|&i| lines[i].contains(from)).collect();
            if !holding.is_empty() {
                let i = holding[rng.random_range(0..holding.len())];
                lines[i] = lines[i].replacen(from, to, 1);
            }
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// The lines of methods and functions that make up the network: not imports, signatures, blank lines, or training code.
fn network_lines(lines: &[String]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut left_out: Option<usize> = None;
    for (i, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.is_empty() {
            continue;
        }
        if left_out.is_some_and(|outer| indent <= outer) {
            left_out = None;
        }
        let definition = ["def ", "class ", "import ", "from ", "@"].iter().any(|p| text.starts_with(p));
        if ["train_setup", "learn", "supported_hyperparameters"].iter().any(|n| text.starts_with(&format!("def {n}(")))
        {
            left_out = Some(indent);
        }
        if left_out.is_none() && !definition && indent >= 4 && !text.starts_with("super().") {
            places.push(i);
        }
    }
    places
}

/// The text without comments, docstrings and runs of blank lines: what a model of a few million parameters need not learn.
/// A block that would be left without a statement keeps its docstring.
pub fn strip_comments(source: &str) -> String {
    let tokens = lex(source);
    let mut cut: Vec<(usize, usize)> = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        if token.kind != TokenKind::String {
            continue;
        }
        let starts_statement =
            i == 0 || matches!(tokens[i - 1].kind, TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent);
        let ends_statement = tokens.get(i + 1).is_none_or(|t| t.kind == TokenKind::Newline);
        let alone = i > 0
            && tokens[i - 1].kind == TokenKind::Indent
            && tokens.get(i + 2).is_none_or(|t| t.kind == TokenKind::Dedent);
        if starts_statement && ends_statement && !alone {
            cut.push((token.start, token.end));
        }
    }
    let mut out = String::with_capacity(source.len());
    let mut kept_to = 0;
    // Between two tokens stand only white space, comments and line continuations.
    let mut code = String::with_capacity(source.len());
    for (start, end) in cut {
        code.push_str(&source[kept_to..start]);
        kept_to = end;
    }
    code.push_str(&source[kept_to..]);
    let mut previous_end = 0;
    for token in lex(&code) {
        if token.start < previous_end {
            continue;
        }
        push_gap(&mut out, &code[previous_end..token.start]);
        out.push_str(&code[token.start..token.end]);
        previous_end = token.end;
    }
    let mut text = String::with_capacity(out.len());
    let mut blank = 0;
    for line in out.lines() {
        let line = line.trim_end();
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank <= 2 && !(line.is_empty() && text.is_empty()) {
            text.push_str(line);
            text.push('\n');
        }
    }
    format!("{}\n", text.trim_end())
}

/// White space between tokens, comments left out.
fn push_gap(out: &mut String, gap: &str) {
    let mut rest = gap;
    while let Some(at) = rest.find('#') {
        out.push_str(&rest[..at]);
        rest = rest[at..].find('\n').map_or("", |n| &rest[at + n..]);
    }
    out.push_str(rest);
}

/// Replaces every occurrence of one of the spellings that occurs by another one.
fn swap_one_of(text: &str, spellings: &[&str], rng: &mut ChaCha8Rng) -> String {
    let present: Vec<&str> = spellings.iter().copied().filter(|s| text.contains(s)).collect();
    if present.is_empty() {
        return text.to_string();
    }
    let from = present[rng.random_range(0..present.len())];
    let to = spellings[rng.random_range(0..spellings.len())];
    text.replace(from, to)
}

/// Multiplies every width-like integer (at least 16 and a multiple of 8, or a product of such with a small map) by one factor, equal
/// literals to equal results, so that layers keep fitting each other. One width in eight is nudged on its own.
fn scale_widths(text: &str, factor: f64, rng: &mut ChaCha8Rng) -> String {
    let mut map: BTreeMap<u64, u64> = BTreeMap::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, number, after)) = next_integer(rest) {
        out.push_str(before);
        match number.parse::<u64>() {
            Ok(v) if v >= 16 && v % 8 == 0 && v <= 1 << 20 => {
                let scaled = *map.entry(v).or_insert_with(|| {
                    let nudge = if rng.random_bool(0.125) { 1.5 } else { 1.0 };
                    let unit = if v >= 64 { 8.0 } else { 4.0 };
                    (((v as f64) * factor * nudge / unit).round() * unit).max(8.0) as u64
                });
                out.push_str(&scaled.to_string());
            }
            _ => out.push_str(number),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The next integer literal: what stands before it, the digits, what stands after. Digits inside names, strings, comments and
/// floats are passed over.
fn next_integer(text: &str) -> Option<(&str, &str, &str)> {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'#' => i = bytes[i..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| i + n),
            quote @ (b'"' | b'\'') => {
                let triple = bytes[i..].starts_with(&[quote; 3]);
                let fence: &[u8] = if triple { &[quote; 3] } else { &[quote] };
                i += fence.len();
                while i < bytes.len() && !bytes[i..].starts_with(fence) && (triple || bytes[i] != b'\n') {
                    i += if bytes[i] == b'\\' { 2 } else { 1 };
                }
                i = (i + fence.len()).min(bytes.len());
            }
            b if b.is_ascii_alphabetic() || b == b'_' || b >= 0x80 => {
                while i < bytes.len() && (bytes[i].is_ascii_alphanumeric() || bytes[i] == b'_' || bytes[i] >= 0x80) {
                    i += 1;
                }
            }
            b if b.is_ascii_digit() => {
                let start = i;
                while i < bytes.len() && (bytes[i].is_ascii_alphanumeric() || bytes[i] == b'_' || bytes[i] == b'.') {
                    i += 1;
                }
                let literal = &text[start..i];
                let fraction = start > 0 && bytes[start - 1] == b'.';
                if !fraction && literal.bytes().all(|b| b.is_ascii_digit()) {
                    return Some((&text[..start], literal, &text[i..]));
                }
            }
            _ => i += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn integers_are_found_where_they_are_literals() {
        let text = "a1 = 64 # 32\nb = \"128\" + f(0.5, 1e3, 16)";
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((_, n, after)) = next_integer(rest) {
            found.push(n);
            rest = after;
        }
        assert_eq!(found, ["64", "16"]);
    }

    #[test]
    fn equal_widths_stay_equal_and_small_numbers_stay() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let text = "nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 128, 3), nn.Linear(128 * 4 * 4, 10)";
        let scaled = scale_widths(text, 0.25, &mut rng);
        let (a, b) = (scaled.matches("(3, 16, 3, padding=1)").count(), scaled.matches("(16, 32, 3)").count());
        let nudged = scaled.contains("24") || scaled.contains("48");
        assert!((a == 1 && b == 1) || nudged, "{scaled}");
        assert!(scaled.ends_with("* 4 * 4, 10)"), "{scaled}");
    }

    #[test]
    fn comments_and_docstrings_go_and_code_stays() {
        let text = "# head\nimport torch  # tail\n\n\n\n\nclass A:\n    \"\"\"Doc.\n\n    More.\"\"\"\n    def f(self):\n        'only'\n\n    def g(self):\n        # why\n        x = '# no comment'\n        return x\n";
        let want = "import torch\n\n\nclass A:\n\n    def f(self):\n        'only'\n\n    def g(self):\n\n        x = '# no comment'\n        return x\n";
        let got = strip_comments(text);
        let lines = |t: &str| t.lines().filter(|l| !l.trim().is_empty()).map(String::from).collect::<Vec<_>>();
        assert_eq!(lines(&got), lines(want), "{got}");
    }

    #[test]
    fn edits_leave_training_code_alone_and_change_the_network() {
        let text = include_str!("../../../assets/seeds/residual_basic.py");
        let tail = |t: &str| t[t.find("    def train_setup").unwrap_or(0)..].to_string();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let edited: Vec<String> = (0..40).map(|_| edit(text, &mut rng)).collect();
        assert!(edited.iter().all(|e| tail(e) == tail(text)));
        let changed = edited.iter().filter(|e| *e != text).count();
        assert!(changed >= 15, "{changed}");
    }

    #[test]
    fn a_draw_repeats() {
        let text = include_str!("../../../assets/seeds/residual_basic.py");
        let draw = |seed| variant(text, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(draw(7), draw(7));
        assert!((0..8).any(|s| draw(s) != text));
    }
}
