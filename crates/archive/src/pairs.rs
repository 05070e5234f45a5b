//! Prompt–code pairs: what the language model is fine-tuned on.
//!
//! The file `pairs.jsonl` of a run is cumulative: one pair a line, in the order of admission. It is always written as a
//! whole, atomically, and a pair is known by its candidate and kind, so that adding the pairs of a cycle again after a
//! crash changes nothing. The text of a prompt is its caller's affair.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::run_dir::write_atomically;
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

/// Why pairs could not be read or written.
#[derive(Debug, Error)]
pub enum PairError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// A line is no pair.
    #[error("{path}, line {line}: expected a JSON object with prompt, completion, kind and candidate: {reason}")]
    NotAPair {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the JSON reader says.
        reason: String,
    },
}

/// Reads a file of pairs, one JSON object a line; empty lines are skipped.
///
/// # Errors
/// [`PairError::Io`], [`PairError::NotAPair`].
pub fn read_pairs(path: &Path) -> Result<Vec<Pair>, PairError> {
    let text = std::fs::read_to_string(path).map_err(|source| PairError::Io { path: path.to_path_buf(), source })?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| PairError::NotAPair {
                path: path.to_path_buf(),
                line: index + 1,
                reason: error.to_string(),
            })
        })
        .collect()
}

/// Writes a file of pairs, atomically.
///
/// # Errors
/// [`PairError::Io`]; the old file is whole then.
pub fn write_pairs(path: &Path, pairs: &[Pair]) -> Result<(), PairError> {
    let io_error = |source| PairError::Io { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    for pair in pairs {
        serde_json::to_writer(&mut bytes, pair).map_err(|error| io_error(error.into()))?;
        bytes.push(b'\n');
    }
    write_atomically(path, &bytes).map_err(io_error)
}

/// Adds pairs to a file, which may not exist yet, and gives all it then holds. A pair whose candidate and kind are
/// already there is left out.
///
/// # Errors
/// [`PairError::Io`], [`PairError::NotAPair`].
pub fn merge_pairs(path: &Path, pairs: &[Pair]) -> Result<Vec<Pair>, PairError> {
    let mut all = if path.exists() { read_pairs(path)? } else { Vec::new() };
    let mut known: BTreeSet<(String, PairKind)> = all.iter().map(|pair| (pair.candidate.clone(), pair.kind)).collect();
    for pair in pairs {
        if known.insert((pair.candidate.clone(), pair.kind)) {
            all.push(pair.clone());
        }
    }
    write_pairs(path, &all)?;
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
