//! Prompt–code pairs: what the language model is fine-tuned on.
//!
//! The file `pairs.jsonl` of a run is cumulative: one pair a line, in the order of admission. It is always written as a
//! whole, atomically, and a pair is known by its candidate and kind, so that adding the pairs of a cycle again after a
//! crash changes nothing. The text of a prompt is its caller's affair.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::lines::{LinesError, read_lines, write_lines};
use crate::tokens::{Token, TokenKind, lex};

/// What a pair teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairKind {
    /// Writing a whole network.
    Full,
    /// Completing a network whose `forward` has lost its body.
    Infill,
}

/// One training example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The prompt, as the model is to see it.
    pub prompt: String,
    /// What it is to answer.
    pub completion: String,
    /// What the pair teaches.
    pub kind: PairKind,
    /// Id of the candidate or seed network that the completion comes from.
    pub candidate: String,
}

/// Adds pairs to a file, which may not exist yet, and gives all it then holds. A pair whose candidate and kind are
/// already there is left out.
///
/// # Errors
/// [`LinesError`].
pub fn merge_pairs(path: &Path, pairs: &[Pair]) -> Result<Vec<Pair>, LinesError> {
    let mut all: Vec<Pair> = read_lines(path)?;
    let mut known: BTreeSet<(String, PairKind)> = all.iter().map(|pair| (pair.candidate.clone(), pair.kind)).collect();
    for pair in pairs {
        if known.insert((pair.candidate.clone(), pair.kind)) {
            all.push(pair.clone());
        }
    }
    write_lines(path, &all)?;
    Ok(all)
}

/// The text with `pass` in place of the body of `Net.forward`, all else unchanged. `None` where there is no class `Net`
/// at the top of the file, or it has no method `forward` with a body of its own.
pub fn remove_forward_body(text: &str) -> Option<String> {
    let tokens = lex(text);
    let word = |token: &Token| &text[token.start..token.end];
    let pair_at = |depth_wanted: usize, from: usize, first: &str, second: &str| -> Option<usize> {
        let mut depth = 0_usize;
        for (index, window) in tokens.windows(2).enumerate().skip(from) {
            match window[0].kind {
                TokenKind::Indent => depth += 1,
                // Left the block in which the search began.
                TokenKind::Dedent => depth = depth.checked_sub(1)?,
                TokenKind::Name if depth == depth_wanted && word(&window[0]) == first && word(&window[1]) == second => {
                    return Some(index);
                }
                _ => {}
            }
        }
        None
    };
    let class = pair_at(0, 0, "class", "Net")?;
    let class_body = class + tokens[class..].iter().position(|token| token.kind == TokenKind::Indent)?;
    // Something else than an indented block follows the class's line: `class Net(nn.Module): pass`.
    if tokens[class..class_body].iter().filter(|token| token.kind == TokenKind::Newline).count() != 1 {
        return None;
    }
    let forward = pair_at(0, class_body + 1, "def", "forward")?;

    let mut brackets = 0_usize;
    let mut colon = None;
    for (index, token) in tokens.iter().enumerate().skip(forward) {
        if token.kind == TokenKind::Newline {
            break;
        }
        match word(token) {
            "(" | "[" | "{" => brackets += 1,
            ")" | "]" | "}" => brackets = brackets.saturating_sub(1),
            ":" if brackets == 0 => {
                colon = Some(index);
                break;
            }
            _ => {}
        }
    }
    let colon = colon?;
    let next = tokens.get(colon + 1)?;
    if next.kind != TokenKind::Newline {
        // The body follows on the same line.
        let end = tokens[colon..].iter().find(|token| token.kind == TokenKind::Newline)?;
        return Some(format!("{} pass{}", &text[..tokens[colon].end], &text[end.start..]));
    }
    let open = colon + 2;
    if tokens.get(open)?.kind != TokenKind::Indent {
        return None;
    }
    let mut depth = 0_usize;
    let mut last = open;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            TokenKind::Indent => depth += 1,
            TokenKind::Dedent => depth -= 1,
            _ => last = index,
        }
        if depth == 0 {
            break;
        }
    }
    let body_start = tokens[open].start;
    let line_start = text[..body_start].rfind('\n').map_or(0, |at| at + 1);
    let indent = &text[line_start..body_start];
    // Comments and docstring between signature and body go too: they may tell what the body did.
    let body_end = tokens[last].start;
    Some(format!("{}\n{indent}pass{}", &text[..tokens[colon + 1].start], &text[body_end..]))
}
