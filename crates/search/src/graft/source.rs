//! Finding one's way in a network's source as text: its functions and classes, a method's lines, calls and their arguments.
//!
//! It knows layout and brackets, not Python: it reads what is written as these networks are, finds nothing in other text, and
//! never decides what stands.

use archsmith_archive::tokens::{TokenKind, lex};
use std::collections::BTreeSet;
use std::ops::Range;

pub(super) struct Item {
    pub(super) name: String,
    /// With the blank lines behind it.
    pub(super) range: Range<usize>,
}

/// Functions and classes at the top level.
pub(super) fn items(text: &str) -> Vec<Item> {
    let mut found: Vec<Item> = Vec::new();
    let mut open = false;
    let mut decorated: Option<usize> = None;
    for line in lines(text) {
        let content = &text[line.clone()];
        if content.starts_with(char::is_whitespace) || content.starts_with(')') {
            if open && let Some(last) = found.last_mut() {
                last.range.end = line.end;
            }
            continue;
        }
        open = false;
        if content.starts_with('@') {
            decorated.get_or_insert(line.start);
            continue;
        }
        let name = content
            .strip_prefix("class ")
            .or_else(|| content.strip_prefix("def "))
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>());
        if let Some(name) = name {
            found.push(Item { name, range: decorated.unwrap_or(line.start)..line.end });
            open = true;
        }
        decorated = None;
    }
    found
}

/// An item and what it uses of the others, in the text's order.
pub(super) fn needed(text: &str, items: &[Item], name: &str) -> Vec<(String, String)> {
    let mut wanted = BTreeSet::from([name.to_string()]);
    let mut to_do = vec![name.to_string()];
    while let Some(next) = to_do.pop() {
        for item in items.iter().filter(|i| i.name == next) {
            let used = words(&text[item.range.clone()]);
            for other in items.iter().filter(|o| used.contains(o.name.as_str())) {
                if wanted.insert(other.name.clone()) {
                    to_do.push(other.name.clone());
                }
            }
        }
    }
    items
        .iter()
        .filter(|i| wanted.contains(&i.name))
        .map(|i| (i.name.clone(), text[i.range.clone()].to_string()))
        .collect()
}

pub(super) fn words(text: &str) -> BTreeSet<&str> {
    lex(text).into_iter().filter(|t| t.kind == TokenKind::Name).map(|t| &text[t.start..t.end]).collect()
}

/// The lines, each with its end.
pub(super) fn lines(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|l| {
            at += l.len();
            at - l.len()..at
        })
        .collect()
}

/// The lines of a method of `Net`, its signature included.
pub(super) fn method(text: &str, head: &str) -> Option<Range<usize>> {
    let net = items(text).into_iter().find(|i| i.name == "Net")?.range;
    let start = net.start + text[net.clone()].find(&format!("\n    {head}"))? + 1;
    let mut end = start + line_length(&text[start..]);
    while end < net.end {
        let line = &text[end..end + line_length(&text[end..])];
        let indent = line.len() - line.trim_start().len();
        if !line.trim().is_empty() && indent <= 4 && !line.trim_start().starts_with(')') {
            break;
        }
        end += line.len();
    }
    Some(start..end)
}

/// The parameters in a signature, as they are written.
pub(super) fn signature(text: &str, head: &str) -> Option<Vec<String>> {
    let at = text.find(head)? + head.len() - 1;
    Some(split_arguments(&text[at..])?.0)
}

pub(super) struct Call {
    pub(super) range: Range<usize>,
    pub(super) arguments: Vec<String>,
}

/// The calls of a name in a part of the text.
pub(super) fn calls(text: &str, within: Range<usize>, name: &str) -> Vec<Call> {
    let head = format!("{name}(");
    text[within.clone()]
        .match_indices(&head)
        .map(|(i, _)| within.start + i)
        .filter(|&start| {
            let before = text[..start].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.')
        })
        .filter_map(|start| {
            let (arguments, length) = split_arguments(&text[start + head.len() - 1..])?;
            Some(Call { range: start..start + head.len() - 1 + length, arguments })
        })
        .collect()
}

/// What stands between the bracket that the text begins with and its partner, at the commas; and the length of it all.
pub(super) fn split_arguments(text: &str) -> Option<(Vec<String>, usize)> {
    let mut depth = 0usize;
    let mut parts = Vec::new();
    let mut start = 1;
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    parts.push(text[start..i].trim().to_string());
                    parts.retain(|p| !p.is_empty());
                    return Some((parts, i + 1));
                }
            }
            ',' if depth == 1 => {
                parts.push(text[start..i].trim().to_string());
                start = i + 1;
            }
            '\'' | '"' | '#' => return None,
            _ => {}
        }
    }
    None
}

/// Whether every bracket of a line is closed in it.
pub(super) fn balanced(line: &str) -> bool {
    let count = |set: [char; 3]| line.matches(set).count();
    count(['(', '[', '{']) == count([')', ']', '}'])
}

/// Whether a text is a number, or a tuple or list of such.
pub(super) fn constant(text: &str) -> bool {
    matches!(text, "True" | "False" | "None")
        || (text.contains(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || " .,-()[]e".contains(c)))
}

pub(super) fn word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Where the statement of a method ends that begins a line with `head`.
pub(super) fn statement_end(text: &str, within: &Range<usize>, head: &str) -> Option<usize> {
    let mut rest = lines(text).into_iter().filter(|l| within.contains(&l.start));
    let first = rest.find(|l| text[l.clone()].starts_with(head))?;
    if balanced(&text[first.clone()]) {
        return Some(first.end);
    }
    rest.map(|l| l.end).find(|&end| balanced(&text[first.start..end]))
}

pub(super) fn line_length(text: &str) -> usize {
    text.find('\n').map_or(text.len(), |i| i + 1)
}
