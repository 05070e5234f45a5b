//! What is wrong with a text that does not parse: the commonest slips, found by looking at its characters alone.
//!
//! The parser recovers from an error somewhere after it and knows little of its cause. A pass over brackets, strings, colons
//! and margins knows more, for the slips that people and language models make. The words are near those of CPython 3.12.
//!
//! Invariants: called only for a text that was refused already; it never refuses one itself; `None` rather than a guess.

use crate::diagnostic::Diagnostic;
use archsmith_ir::Span;

/// Statements that end with a colon.
const COMPOUND: &[&str] =
    &["if", "elif", "else", "for", "while", "def", "class", "try", "except", "finally", "with", "async"];

/// Words that are no names.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

/// The first slip that explains why a text does not parse.
#[cold]
pub(crate) fn explain(text: &str) -> Option<Diagnostic> {
    if let Some(at) = fence(text) {
        let span = Span { start: at as u32, end: (at + 3) as u32 };
        return Some(error("invalid syntax: '```' is Markdown, not Python", span).help("leave the fence lines out"));
    }
    let mut scan = Scan { bytes: text.as_bytes(), at: 0, open: Vec::new() };
    let mut line = Line::default();
    let mut blocks = Blocks::default();
    let mut words = vec![Words::default()];
    let mut expects_block: Option<(String, usize, usize)> = None;
    while scan.at < scan.bytes.len() {
        let (at, c) = (scan.at, scan.bytes[scan.at]);
        if line.start.is_none() && !matches!(c, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'#' | b'\\') {
            line = Line::starting(text, at);
            if let Some((keyword, margin, number)) = expects_block.take()
                && line.margin <= margin
            {
                let of = if matches!(keyword.as_str(), "def" | "class") { "definition" } else { "statement" };
                let message = format!("expected an indented block after the '{keyword}' {of} on line {number}");
                return Some(error(message, point(at)));
            }
            if let Some(d) = blocks.follow(text, &line, at) {
                return Some(d);
            }
        }
        if let Some(d) = foreign(text, at) {
            return Some(d);
        }
        if let Some(word) = word_at(text, at)
            && let Some(d) = words.last_mut().and_then(|w| w.read(text, at, word, line.start == Some(at)))
        {
            return Some(d);
        }
        let ends = matches!(c, b')' | b']' | b'}' | b',') || (c == b'\n' && scan.open.is_empty());
        if ends && let Some(d) = words.last_mut().and_then(Words::end) {
            return Some(d);
        }
        match c {
            b'(' | b'[' | b'{' => words.push(Words::default()),
            b')' | b']' | b'}' if words.len() > 1 => {
                words.pop();
            }
            b'\n' if scan.open.is_empty() => words = vec![Words::default()],
            _ => {}
        }
        match c {
            b'#' => {
                scan.skip_line();
                continue;
            }
            b'\'' | b'"' => {
                if let Err(start) = scan.string() {
                    let span = Span { start: start as u32, end: end_of_line(text, start) as u32 };
                    return Some(error("unterminated string literal", span).help("close the quotes on the same line"));
                }
                line.last = c;
                continue;
            }
            b'\\' => scan.at += 1,
            b'(' | b'[' | b'{' => scan.open.push((c, at)),
            b')' | b']' | b'}' => match scan.open.pop() {
                None => return Some(error(format!("unmatched '{}'", char::from(c)), point(at))),
                Some((o, from)) if closing(o) != c => {
                    let message = format!(
                        "closing parenthesis '{}' does not match opening parenthesis '{}' on line {}",
                        char::from(c),
                        char::from(o),
                        line_number(text, from)
                    );
                    return Some(error(message, point(at)).label(point(from), "opened here"));
                }
                Some(_) => {}
            },
            b':' if scan.open.is_empty() => line.colon = true,
            b'=' if scan.open.is_empty() && line.is_condition() && !line.colon && scan.is_assignment() => {
                return Some(
                    error("invalid syntax: '=' assigns, and a condition compares", point(at)).help("write '=='"),
                );
            }
            b'\n' if scan.open.is_empty() => {
                if let Some(d) = line.lacks_colon(text, at) {
                    return Some(d);
                }
                if let (Some(start), true) = (line.start, line.last == b':') {
                    expects_block = Some((line.keyword.clone(), line.margin, line_number(text, start)));
                }
                line = Line::default();
            }
            _ => {}
        }
        if !c.is_ascii_whitespace() {
            line.last = c;
        }
        scan.at += 1;
    }
    if let Some(&(o, from)) = scan.open.last() {
        let d = error(format!("'{}' was never closed", char::from(o)), point(from));
        return Some(match statement_after(text, from) {
            Some(n) => d.help(format!("add '{}' before line {n}", char::from(closing(o)))),
            None => d.help("was the text cut off? the closing part is missing"),
        });
    }
    line.lacks_colon(text, text.trim_end().len())
}

fn error(message: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error(crate::code::SYNTAX_ERROR, message, span)
}

fn point(at: usize) -> Span {
    Span { start: at as u32, end: at as u32 + 1 }
}

fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

fn line_number(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

fn end_of_line(text: &str, at: usize) -> usize {
    text.bytes().skip(at).position(|b| b == b'\n').map_or(text.len(), |n| at + n)
}

/// Where a line is a fence of Markdown.
fn fence(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let margin = line.len() - line.trim_start().len();
        if line[margin..].starts_with("```") {
            return Some(at + margin);
        }
        at += line.len();
    }
    None
}

/// The number of the first line after a bracket that must be a statement: nothing in brackets starts so.
fn statement_after(text: &str, open: usize) -> Option<usize> {
    let from = line_number(text, open);
    text.lines().enumerate().skip(from).find_map(|(n, line)| {
        let line = line.trim_start();
        let starts = ["def ", "class ", "return ", "self.", "import ", "@"].iter().any(|s| line.starts_with(s));
        // `self.x` may well stand in brackets; `self.x = …` may not.
        let assigns = !line.starts_with("self.") || line.split_once(" = ").is_some_and(|(l, _)| !l.contains('('));
        (starts && assigns).then_some(n + 1)
    })
}

/// The word that starts here.
fn word_at(text: &str, at: usize) -> Option<&str> {
    let name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80;
    let bytes = text.as_bytes();
    if !name(bytes.get(at)?) || bytes[at].is_ascii_digit() || at.checked_sub(1).is_some_and(|i| name(&bytes[i])) {
        return None;
    }
    text.get(at..at + bytes[at..].iter().take_while(|b| name(b)).count())
}

/// A character that Python's grammar does not have.
fn foreign(text: &str, at: usize) -> Option<Diagnostic> {
    let c = text.get(at..)?.chars().next()?;
    let span = Span { start: at as u32, end: (at + c.len_utf8()) as u32 };
    let code = c as u32;
    let rest = text[at..].lines().next().unwrap_or("").get(2..).unwrap_or("").split('#').next().unwrap_or("");
    match c {
        '`' => Some(error("invalid syntax", span).help("Python 3 has no backticks: write repr(x), or quotes")),
        '+' | '-' if text[at + 1..].starts_with(c) && rest.trim().is_empty() => {
            Some(error("invalid syntax", span).help(format!("Python writes '{c}= 1'")))
        }
        _ if c.is_ascii() || c == '\u{feff}' || c.is_alphanumeric() => None,
        _ if c.is_whitespace() || c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}') => {
            Some(error(format!("invalid non-printable character U+{code:04X}"), span).help("write a plain space"))
        }
        _ => {
            let d = error(format!("invalid character '{c}' (U+{code:04X})"), span);
            Some(match c {
                '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => d.help("write plain quotes"),
                '\u{2212}' | '\u{2013}' | '\u{2014}' => d.help("write '-'"),
                '\u{d7}' => d.help("write '*'"),
                _ => d,
            })
        }
    }
}

/// The statements above a line, by their margins: what `else` and the like may follow.
#[derive(Default)]
struct Blocks(Vec<(usize, String)>);

impl Blocks {
    fn follow(&mut self, text: &str, line: &Line, at: usize) -> Option<Diagnostic> {
        self.0.retain(|(margin, _)| *margin <= line.margin);
        let keyword = if word_at(text, at) == Some(line.keyword.as_str()) { line.keyword.as_str() } else { "" };
        let before = match self.0.last() {
            Some((margin, word)) if *margin == line.margin => word.as_str(),
            _ => "",
        };
        let after: &[&str] = match keyword {
            "else" => &["if", "elif", "for", "while", "try", "except", "async"],
            "elif" => &["if", "elif"],
            "except" => &["try", "except"],
            "finally" => &["try", "except", "else"],
            _ => &[],
        };
        let span = Span { start: at as u32, end: (at + keyword.len()) as u32 };
        if !after.is_empty() && !after.contains(&before) {
            let opener = if matches!(keyword, "else" | "elif") { "if" } else { "try" };
            let help = format!("no '{opener}' stands above this '{keyword}' with the same margin");
            return Some(error("invalid syntax", span).help(help));
        }
        if keyword == "else" && text[at + 4..].trim_start_matches(' ').starts_with("if ") {
            return Some(error("expected ':'", span).help("Python writes 'elif'"));
        }
        let keyword = keyword.to_string();
        if before.is_empty() && self.0.last().is_none_or(|(margin, _)| *margin != line.margin) {
            self.0.push((line.margin, keyword));
        } else if let Some(last) = self.0.last_mut() {
            last.1 = keyword;
        }
        None
    }
}

/// The words of one bracket, or of a line outside all brackets.
#[derive(Default)]
struct Words {
    /// A `for` of a comprehension has been read: an `if` after it is a condition.
    comprehension: bool,
    /// Where an `if` stands whose `else` has not come yet.
    open: Option<usize>,
}

impl Words {
    fn read(&mut self, text: &str, at: usize, word: &str, first: bool) -> Option<Diagnostic> {
        let span = Span { start: at as u32, end: (at + word.len()) as u32 };
        let rest = text[at + word.len()..].trim_start_matches(' ');
        let assigned = rest.starts_with('=') && !rest.starts_with("==");
        let attribute = text[..at].ends_with('.') && !text[..at].ends_with("..");
        if KEYWORDS.contains(&word) && (assigned || attribute) {
            let help = format!("'{word}' is a word of Python: choose another name, such as '{word}_'");
            return Some(error("invalid syntax", span).help(help));
        }
        match word {
            "for" => self.comprehension = true,
            // A condition of a statement or of a case, not of an expression.
            "if" if first || self.comprehension || line_starts_with(text, at, "case ") => {}
            "if" => self.open = Some(at),
            "else" => self.open = None,
            _ => {}
        }
        None
    }

    fn end(&mut self) -> Option<Diagnostic> {
        let at = self.open.take()?;
        let span = Span { start: at as u32, end: at as u32 + 2 };
        Some(error("expected 'else' after 'if' expression", span).help("write 'a if condition else b'"))
    }
}

fn line_starts_with(text: &str, at: usize, word: &str) -> bool {
    let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
    text[start..at].trim_start().starts_with(word)
}

/// The logical line that is being read.
#[derive(Default)]
struct Line {
    start: Option<usize>,
    margin: usize,
    keyword: String,
    colon: bool,
    last: u8,
}

impl Line {
    fn starting(text: &str, at: usize) -> Self {
        let from = text.as_bytes()[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        let letters = text.as_bytes()[at..].iter().take_while(|b| b.is_ascii_alphabetic());
        let keyword = letters.map(|b| char::from(*b)).collect();
        Line { start: Some(at), margin: at - from, keyword, colon: false, last: 0 }
    }

    fn is_condition(&self) -> bool {
        matches!(self.keyword.as_str(), "if" | "elif" | "while")
    }

    fn lacks_colon(&self, text: &str, end: usize) -> Option<Diagnostic> {
        let start = self.start?;
        if self.colon || !COMPOUND.contains(&self.keyword.as_str()) {
            return None;
        }
        // `else_ = 1` and `with_bn(x)` only begin like a statement.
        let next = text.as_bytes().get(start + self.keyword.len());
        if next.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'.') {
            return None;
        }
        let code_end = start + text.get(start..end)?.split('#').next()?.trim_end().len();
        Some(error(
            format!("expected ':' at the end of this '{}'", self.keyword),
            Span { start: start as u32, end: code_end as u32 },
        ))
    }
}

/// A place in the text, and the brackets open there.
struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    open: Vec<(u8, usize)>,
}

impl Scan<'_> {
    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' {
            self.at += 1;
        }
    }

    /// Whether the sign here stands alone: not a part of `==`, `<=`, `!=`, `:=`.
    fn is_assignment(&self) -> bool {
        let before = self.at.checked_sub(1).map_or(b' ', |i| self.bytes[i]);
        let after = self.bytes.get(self.at + 1).copied().unwrap_or(b' ');
        after != b'=' && !matches!(before, b'=' | b'<' | b'>' | b'!' | b':')
    }

    /// Goes past a string; the `Err` is where one starts that has no end.
    fn string(&mut self) -> Result<(), usize> {
        let start = self.at;
        let quote = self.bytes[start];
        let formatted = self.bytes[..start]
            .iter()
            .rev()
            .take(2)
            .take_while(|b| b.is_ascii_alphabetic())
            .any(|b| matches!(b, b'f' | b'F'));
        let triple = self.bytes[start..].starts_with(&[quote; 3]);
        self.at += if triple { 3 } else { 1 };
        let mut braces = 0_usize;
        while let Some(&c) = self.bytes.get(self.at) {
            match c {
                b'\\' => self.at += 1,
                b'\n' if !triple => return Err(start),
                b'{' if formatted && self.bytes.get(self.at + 1) != Some(&b'{') => braces += 1,
                b'{' if formatted => self.at += 1,
                b'}' if formatted => braces = braces.saturating_sub(1),
                // Since Python 3.12 a field of a formatted string may hold strings with the same quotes.
                b'\'' | b'"' if braces > 0 => {
                    self.string()?;
                    continue;
                }
                _ if c == quote && (!triple || self.bytes[self.at..].starts_with(&[quote; 3])) => {
                    self.at += if triple { 3 } else { 1 };
                    return Ok(());
                }
                _ => {}
            }
            self.at += 1;
        }
        Err(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        explain(text).map_or_else(String::new, |d| d.message)
    }

    #[test]
    fn what_is_right_is_not_explained() {
        for text in [
            "x = {'a': [1, (2)], \"b\": f'{x[\"y\"]}'}\nif x == 1:\n    pass\n",
            "def f(a, b=')'):\n    '''it's (fine'''\n    return a[\n        b]\n",
            "if (y := 3) <= 4: z = 'a' 'b'\nelse: z = lambda: 0\nwith_bn = 2\n",
            "class A:\n    # nothing\n\n    x = 1\n",
            "x = 1 + \\\n    2\n",
            "é = [a for a in b if a]\nx = (1 if a\n     else 2, f(else_=3))\n",
            "for a in b:\n    try:\n        x = 1\n    except E:\n        x = 2\n    else:\n        x = 3\nelse:\n    x = 4\n",
            "match x:\n    case 1 if y:\n        z = lambda a: a if a else b\n",
            "x = f(*a, key=lambda x: x)[1:] - -2\n",
        ] {
            assert_eq!(message(text), "", "{text}");
        }
    }

    #[test]
    fn slips_are_named() {
        for (text, expected) in [
            ("x = f(1, [2)\n", "closing parenthesis ')' does not match opening parenthesis '[' on line 1"),
            ("x = 1)\n", "unmatched ')'"),
            ("x = (1,\ny = 2\n", "'(' was never closed"),
            ("x = 'a\n", "unterminated string literal"),
            ("if x\n    y = 1\n", "expected ':' at the end of this 'if'"),
            ("if x = 1:\n    y = 1\n", "invalid syntax: '=' assigns, and a condition compares"),
            ("def f():\nx = 1\n", "expected an indented block after the 'def' definition on line 1"),
            ("```python\nx = 1\n```\n", "invalid syntax: '```' is Markdown, not Python"),
            ("x = \u{201c}a\u{201d}\n", "invalid character '\u{201c}' (U+201C)"),
            ("x =\u{a0}1 +\n", "invalid non-printable character U+00A0"),
            ("x = a \u{2212} 1\n", "invalid character '\u{2212}' (U+2212)"),
            ("x = `a`\n", "invalid syntax"),
            ("x++\n", "invalid syntax"),
            ("x = 1\nelse:\n    y = 1\n", "invalid syntax"),
            ("if x:\n    y = 1\nelse if z:\n    y = 2\n", "expected ':'"),
            ("lambda = 1\n", "invalid syntax"),
            ("y = f(class=1)\n", "invalid syntax"),
            ("y = 1 if x\n", "expected 'else' after 'if' expression"),
            ("y = f(1 if x, 2)\n", "expected 'else' after 'if' expression"),
        ] {
            assert_eq!(message(text), expected, "{text}");
        }
    }

    #[test]
    fn any_text_is_bearable() {
        let text = "def f(é, b=[')', f'{b[\"c\"]}']):\n    if b == {1: 2}:\n        return '''x\\'''\n";
        for cut in (0..=text.len()).filter(|i| text.is_char_boundary(*i)) {
            for rest in [&text[cut..], &text[..cut]] {
                for extra in ["", "(", "]", "'", "\"\"\"", "\\", "f'{", ":"] {
                    let text = format!("{extra}{rest}{extra}");
                    if let Some(d) = explain(&text) {
                        assert!(!d.render(&text, "f.py", false).is_empty());
                    }
                }
            }
        }
    }
}
