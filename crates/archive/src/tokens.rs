//! A lexer for Python, and the published normalisation of network source built on it.
//!
//! The lexer knows enough of Python to find tokens, logical lines and indentation: comments, all string forms, line
//! joining by brackets and by backslash. It never fails: what it doesn't know becomes an operator of one character, a
//! string that doesn't end stops at its line's or the file's end.
//!
//! # The normal form
//! Comments and docstrings (any statement that is a string alone) are left out. Numbers become `<NUM>`, strings
//! `<STR>`; line ends and changes of indentation stay, as `<NEWLINE>`, `<INDENT>`, `<DEDENT>`. An identifier becomes
//! `<ID>` unless it is an API name, which is:
//!
//! - a keyword, a builtin, a name like `__init__`, `self`, `cls`, or a name of the contract (`Net`, `forward`, …);
//! - a name in an import statement, or bound by one, the new name of an `as` included;
//! - an attribute (a name after a dot), if the file does not itself define it by `self.name = …` or `def name`;
//!   directly after `self.` or `cls.` only the names of `nn.Module`'s own interface are kept;
//! - the keyword of an argument, in a call of a kept attribute or imported name.
//!
//! So renaming classes, functions, variables and layers changes nothing, and neither do constants; another operation,
//! another order or another argument does.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use crate::novelty::Xxh3Hasher;

/// Kind of a [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An identifier or a keyword.
    Name,
    /// A number.
    Number,
    /// A string of any form.
    String,
    /// An operator or a delimiter.
    Operator,
    /// End of a logical line.
    Newline,
    /// The next line is indented deeper.
    Indent,
    /// One level of indentation ends.
    Dedent,
}

/// One token: its kind and where in the text it lies, in bytes. Indent and dedent are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its kind.
    pub kind: TokenKind,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// Operators of more than one character, longest first.
const OPERATORS: [&str; 24] = [
    "**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<", "<=", ">=", "==", "!=", "->", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "@=", ":=",
];

/// The tokens of a Python text.
pub fn lex(text: &str) -> Vec<Token> {
    Lexer {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth: 0,
        indents: vec![0],
        tokens: Vec::with_capacity(text.len() / 4),
    }
    .run()
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Open brackets: inside them line ends mean nothing.
    depth: usize,
    indents: Vec<usize>,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn run(mut self) -> Vec<Token> {
        let mut line_start = true;
        while self.at < self.bytes.len() {
            if line_start && self.depth == 0 {
                if !self.indentation() {
                    continue;
                }
                line_start = false;
            }
            let start = self.at;
            match self.bytes[start] {
                b' ' | b'\t' | b'\r' | b'\x0c' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    if self.depth == 0 {
                        self.end_line(start);
                        line_start = true;
                    }
                }
                b'#' => self.skip_line(),
                b'\\' if self.rest_is_line_end(start + 1) => {
                    self.skip_line();
                    self.at = (self.at + 1).min(self.bytes.len());
                }
                b'0'..=b'9' => self.number(),
                b'.' if self.bytes.get(start + 1).is_some_and(u8::is_ascii_digit) => self.number(),
                b'"' | b'\'' => self.string(start),
                byte if is_name_byte(byte) => self.name(),
                _ => self.operator(),
            }
        }
        self.end_line(self.at);
        while self.indents.len() > 1 {
            self.indents.pop();
            self.push(TokenKind::Dedent, self.at);
        }
        self.tokens
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        self.tokens.push(Token { kind, start, end: self.at });
    }

    fn end_line(&mut self, start: usize) {
        let open = self
            .tokens
            .last()
            .is_some_and(|token| !matches!(token.kind, TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent));
        if open {
            self.push(TokenKind::Newline, start);
        }
    }

    fn rest_is_line_end(&self, at: usize) -> bool {
        self.bytes[at..].iter().find(|&&byte| byte != b'\r').is_none_or(|&byte| byte == b'\n')
    }

    fn skip_line(&mut self) {
        self.at = self.bytes[self.at..].iter().position(|&b| b == b'\n').map_or(self.bytes.len(), |n| self.at + n);
    }

    /// Reads the white space before a line. `false` if the line is empty or a comment, and now skipped.
    fn indentation(&mut self) -> bool {
        let mut column = 0;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' => column += 1,
                b'\t' => column = (column / 8 + 1) * 8,
                b'\x0c' => column = 0,
                b'\r' => {}
                _ => break,
            }
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            None => return false,
            Some(b'\n') => {
                self.at += 1;
                return false;
            }
            Some(b'#') => {
                self.skip_line();
                return false;
            }
            Some(_) => {}
        }
        if column > self.indents.last().copied().unwrap_or(0) {
            self.indents.push(column);
            self.push(TokenKind::Indent, self.at);
        } else {
            while self.indents.len() > 1 && self.indents.last().is_some_and(|&indent| indent > column) {
                self.indents.pop();
                self.push(TokenKind::Dedent, self.at);
            }
        }
        true
    }

    fn number(&mut self) {
        let start = self.at;
        while let Some(&byte) = self.bytes.get(self.at) {
            let exponent_sign = matches!(byte, b'+' | b'-')
                && matches!(self.bytes[self.at - 1], b'e' | b'E')
                && !self.text[start..].starts_with("0x")
                && self.at > start;
            if !(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' || exponent_sign) {
                break;
            }
            self.at += 1;
        }
        self.push(TokenKind::Number, start);
    }

    fn name(&mut self) {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|&byte| is_name_byte(byte) || byte.is_ascii_digit()) {
            self.at += 1;
        }
        let is_prefix = self.at - start <= 2
            && matches!(self.bytes.get(self.at), Some(b'"' | b'\''))
            && self.bytes[start..self.at].iter().all(|byte| b"rRbBuUfFtT".contains(byte));
        if is_prefix { self.string(start) } else { self.push(TokenKind::Name, start) }
    }

    /// A string whose prefix begins at `start` and whose quote is the next byte.
    fn string(&mut self, start: usize) {
        let quote = self.bytes[self.at];
        let triple = self.bytes[self.at..].starts_with(&[quote; 3]);
        self.at += if triple { 3 } else { 1 };
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == b'\\' {
                self.at = (self.at + 2).min(self.bytes.len());
            } else if byte == quote && (!triple || self.bytes[self.at..].starts_with(&[quote; 3])) {
                self.at += if triple { 3 } else { 1 };
                break;
            } else if byte == b'\n' && !triple {
                break;
            } else {
                self.at += 1;
            }
        }
        self.push(TokenKind::String, start);
    }

    fn operator(&mut self) {
        let start = self.at;
        let may_be_long = b"*/><.=!-+%&|^@:".contains(&self.bytes[start])
            && self.bytes.get(start + 1).is_some_and(|next| b"=*/><.".contains(next));
        let long = OPERATORS
            .iter()
            .filter(|_| may_be_long)
            .find(|operator| self.bytes[start..].starts_with(operator.as_bytes()));
        self.at += long.map_or(1, |operator| operator.len());
        match self.bytes[start] {
            b'(' | b'[' | b'{' => self.depth += 1,
            b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.push(TokenKind::Operator, start);
    }
}

/// Every byte of a character beyond ASCII counts as part of a name: enough for identifiers in any script, and it keeps
/// all token borders on character borders.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

type NameSet<'a> = HashSet<&'a str, BuildHasherDefault<Xxh3Hasher>>;

/// Keywords, builtins, the names of the contract, and names like `__init__`.
#[rustfmt::skip]
fn is_kept(name: &str) -> bool {
    matches!(
        name,
        "ArithmeticError" | "AttributeError" | "Exception" | "False" | "Net" | "None" | "NotImplementedError"
        | "RuntimeError" | "True" | "TypeError" | "ValueError" | "abs" | "all" | "and" | "any" | "as"
        | "assert" | "async" | "await" | "bool" | "break" | "callable" | "class" | "classmethod" | "cls"
        | "continue" | "def" | "del" | "dict" | "divmod" | "elif" | "else" | "enumerate" | "except" | "filter"
        | "finally" | "float" | "for" | "forward" | "from" | "getattr" | "global" | "hasattr" | "if" | "import"
        | "in" | "int" | "is" | "isinstance" | "iter" | "lambda" | "learn" | "len" | "list" | "map" | "max"
        | "min" | "next" | "nonlocal" | "not" | "object" | "or" | "pass" | "pow" | "print" | "property"
        | "raise" | "range" | "repr" | "return" | "reversed" | "round" | "self" | "set" | "setattr" | "slice"
        | "sorted" | "staticmethod" | "str" | "sum" | "super" | "supported_hyperparameters" | "train_setup"
        | "try" | "tuple" | "type" | "vars" | "while" | "with" | "yield" | "zip"
    ) || (name.len() > 4 && name.starts_with("__") && name.ends_with("__"))
}

/// What `nn.Module` itself offers on `self`.
#[rustfmt::skip]
fn is_module_api(name: &str) -> bool {
    matches!(
        name,
        "add_module" | "apply" | "buffers" | "children" | "cpu" | "cuda" | "double" | "eval" | "float"
        | "forward" | "half" | "learn" | "load_state_dict" | "modules" | "named_buffers" | "named_children"
        | "named_modules" | "named_parameters" | "parameters" | "register_buffer" | "register_parameter"
        | "requires_grad_" | "state_dict" | "to" | "train" | "train_setup" | "training"
    )
}

/// The normal form of a Python text: one string a token.
///
/// ```
/// use archsmith_archive::tokens::normalise;
/// let text = "import torch.nn as nn\nwidth = nn.Linear(3, out_features=4)  # small\n";
/// assert_eq!(
///     normalise(text).join(" "),
///     "import torch . nn as nn <NEWLINE> <ID> = nn . Linear ( <NUM> , out_features = <NUM> ) <NEWLINE>"
/// );
/// ```
pub fn normalise(text: &str) -> Vec<&str> {
    let tokens = lex(text);
    let word = |token: &Token| &text[token.start..token.end];
    let (imported, defined) = bindings(text, &tokens);
    let mut out: Vec<&str> = Vec::with_capacity(tokens.len());
    // For each open bracket: whether it is a call whose keyword arguments are API names.
    let mut calls: Vec<bool> = Vec::new();
    let mut last_is_api = false;
    let mut in_import = false;
    for (index, token) in tokens.iter().enumerate() {
        let previous = index.checked_sub(1).map(|i| &tokens[i]);
        let starts_statement = previous.is_none_or(|p| {
            matches!(p.kind, TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent) || word(p) == ";"
        });
        let mut is_api = false;
        match token.kind {
            TokenKind::Newline => {
                in_import = false;
                if is_docstring(&tokens, index) {
                    out.pop();
                } else {
                    out.push("<NEWLINE>");
                }
            }
            TokenKind::Indent => out.push("<INDENT>"),
            TokenKind::Dedent => out.push("<DEDENT>"),
            TokenKind::Number => out.push("<NUM>"),
            TokenKind::String => out.push("<STR>"),
            TokenKind::Operator => {
                let operator = word(token);
                match operator.as_bytes()[0] {
                    b'(' => calls.push(last_is_api),
                    b'[' | b'{' => calls.push(false),
                    b')' | b']' | b'}' => {
                        calls.pop();
                    }
                    b';' => in_import = false,
                    _ => {}
                }
                out.push(operator);
            }
            TokenKind::Name => {
                let name = word(token);
                if starts_statement && (name == "import" || name == "from") {
                    in_import = true;
                }
                let after_dot = previous.is_some_and(|p| word(p) == ".");
                let keep = if in_import {
                    true
                } else if after_dot {
                    let owner = index.checked_sub(2).map(|i| word(&tokens[i]));
                    is_api = if matches!(owner, Some("self" | "cls")) {
                        is_module_api(name)
                    } else {
                        !defined.contains(name) || is_module_api(name)
                    };
                    is_api || is_kept(name)
                } else {
                    let keyword = calls.last() == Some(&true)
                        && tokens.get(index + 1).is_some_and(|next| word(next) == "=")
                        && previous.is_some_and(|p| matches!(word(p), "(" | ","));
                    is_api = imported.contains(name);
                    keyword || is_api || is_kept(name)
                };
                out.push(if keep { name } else { "<ID>" });
            }
        }
        last_is_api = is_api;
    }
    out
}

/// Whether the line that ends with the line end at `index` is one string and nothing else.
fn is_docstring(tokens: &[Token], index: usize) -> bool {
    index >= 1
        && tokens[index - 1].kind == TokenKind::String
        && (index == 1 || matches!(tokens[index - 2].kind, TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent))
}

/// Names that import statements bind, and names that the file defines as functions or as attributes of `self`.
fn bindings<'a>(text: &'a str, tokens: &[Token]) -> (NameSet<'a>, NameSet<'a>) {
    let word = |index: usize| tokens.get(index).map_or("", |token| &text[token.start..token.end]);
    let mut imported = NameSet::default();
    let mut defined = NameSet::default();
    let mut in_import = false;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Newline => in_import = false,
            TokenKind::Name => match word(index) {
                "import" | "from" => {
                    let first = index == 0
                        || !matches!(tokens[index - 1].kind, TokenKind::Name | TokenKind::Operator)
                        || word(index - 1) == ";";
                    in_import |= first;
                }
                "def" | "class" => {
                    defined.insert(word(index + 1));
                }
                "self" if word(index + 1) == "." && matches!(word(index + 3), "=" | ":" | ",") => {
                    defined.insert(word(index + 2));
                }
                name if in_import => {
                    imported.insert(name);
                }
                _ => {}
            },
            _ => {}
        }
    }
    (imported, defined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_operator_is_tried_first() {
        assert!(OPERATORS.windows(2).all(|pair| pair[0].len() >= pair[1].len()));
    }
}
