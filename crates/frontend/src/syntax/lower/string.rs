//! String literals: prefixes, escapes, f-strings.

use super::super::ast::{ExprKind, FPart};
use super::{Lower, Lowered};
use crate::cst::{self, F, K};
use crate::diagnostic::Diagnostic;
use crate::eval::value::Value;
use tree_sitter::Node;

impl Lower<'_> {
    /// Adjacent literals as one constant or f-string.
    pub(super) fn string(&mut self, nodes: &[Node<'_>]) -> Lowered<ExprKind> {
        let mut parts: Vec<FPart> = Vec::new();
        let mut text = String::new();
        let mut bytes: Option<Vec<u8>> = None;
        for node in nodes {
            let children = cst::children(*node);
            let start = children.first().map_or("", |n| self.text_of(*n)).to_ascii_lowercase();
            // The grammar still has the backticks of Python 2.
            if start.ends_with('`') {
                return Err(Box::new(
                    Diagnostic::error(crate::code::SYNTAX_ERROR, "invalid syntax", cst::span(*node))
                        .help("Python 3 has no backticks: write repr(x), or quotes"),
                ));
            }
            let prefix: String = start.chars().take_while(char::is_ascii_alphabetic).collect();
            let (raw, is_bytes, formatted) = (prefix.contains('r'), prefix.contains('b'), prefix.contains('f'));
            if (bytes.is_some() || !parts.is_empty() || !text.is_empty()) && is_bytes != bytes.is_some() {
                return self.err(*node, "cannot mix bytes and nonbytes literals");
            }
            for child in &children {
                match cst::kind(*child) {
                    K::StringContent => {
                        let content = self.text_of(*child);
                        let mut decoded = if raw { content.to_string() } else { unescape(content, is_bytes) };
                        if formatted {
                            decoded = decoded.replace("{{", "{").replace("}}", "}");
                        }
                        if is_bytes {
                            bytes.get_or_insert_default().extend(decoded.chars().map(|c| c as u32 as u8));
                        } else {
                            text.push_str(&decoded);
                        }
                    }
                    K::Interpolation => {
                        let value = self.interpolation(*child, &mut text)?;
                        if !text.is_empty() {
                            parts.push(FPart::Text(self.text_rc(&text)));
                            text.clear();
                        }
                        parts.push(value);
                    }
                    _ => {}
                }
            }
            if is_bytes {
                bytes.get_or_insert_default();
            }
        }
        if let Some(b) = bytes {
            return Ok(ExprKind::Const(Value::Bytes(b.into())));
        }
        if parts.is_empty() {
            return Ok(ExprKind::Const(Value::from(text)));
        }
        if !text.is_empty() {
            parts.push(FPart::Text(self.text_rc(&text)));
        }
        Ok(ExprKind::FString(parts))
    }

    fn interpolation(&mut self, node: Node<'_>, before: &mut String) -> Lowered<FPart> {
        let inner = self.need(node, F::Expression)?;
        let value = self.expr(inner)?;
        let mut conversion = cst::field(node, F::TypeConversion).and_then(|c| self.text_of(c).chars().nth(1));
        let debug = cst::children(node).into_iter().find(|n| cst::kind(*n) == K::AssignSign);
        let mut spec = Vec::new();
        if let Some(s) = cst::field(node, F::FormatSpecifier) {
            self.format_spec(s, &mut spec)?;
        }
        if let Some(sign) = debug {
            // `{x = }` shows its own text, spaces included.
            let open = node.start_byte() + 1;
            let rest = self.text.get(sign.end_byte()..node.end_byte()).unwrap_or("");
            let spaces = rest.len() - rest.trim_start().len();
            before.push_str(self.text.get(open..sign.end_byte() + spaces).unwrap_or(""));
            if conversion.is_none() && spec.is_empty() {
                conversion = Some('r');
            }
        }
        Ok(FPart::Value(Box::new((value, conversion, spec))))
    }

    fn format_spec(&mut self, node: Node<'_>, out: &mut Vec<FPart>) -> Lowered<()> {
        let mut at = node.start_byte() + 1;
        for child in cst::named(node) {
            if !matches!(cst::kind(child), K::FormatExpression | K::Interpolation) {
                continue;
            }
            let text = self.text.get(at..child.start_byte()).unwrap_or("");
            if !text.is_empty() {
                out.push(FPart::Text(self.text_rc(text)));
            }
            let mut ignored = String::new();
            let value = self.nested(child, |l| l.interpolation(child, &mut ignored))?;
            out.push(value);
            at = child.end_byte();
        }
        let text = self.text.get(at..node.end_byte()).unwrap_or("");
        if !text.is_empty() {
            out.push(FPart::Text(self.text_rc(text)));
        }
        Ok(())
    }
}

/// Decodes backslash escapes; an unknown one stays as it is, as in Python.
fn unescape(text: &str, bytes: bool) -> String {
    if !text.contains('\\') {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            out.push('\\');
            break;
        };
        let simple = match c {
            '\n' => Some(None),
            '\\' | '\'' | '"' => Some(Some(c)),
            'a' => Some(Some('\x07')),
            'b' => Some(Some('\x08')),
            'f' => Some(Some('\x0c')),
            'n' => Some(Some('\n')),
            'r' => Some(Some('\r')),
            't' => Some(Some('\t')),
            'v' => Some(Some('\x0b')),
            _ => None,
        };
        if let Some(replacement) = simple {
            out.extend(replacement);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (skip, digits, radix) = match c {
            'x' => (1, 2, 16),
            'u' if !bytes => (1, 4, 16),
            'U' if !bytes => (1, 8, 16),
            '0'..='7' => (0, 3, 8),
            _ => (0, 0, 0),
        };
        let run: String = rest[skip..].chars().take(digits).take_while(|d| d.is_digit(radix.max(2))).collect();
        let complete = if radix == 8 { !run.is_empty() } else { digits > 0 && run.len() == digits };
        match u32::from_str_radix(&run, radix.max(2)).ok().and_then(char::from_u32).filter(|_| complete) {
            Some(decoded) => {
                out.push(decoded);
                rest = &rest[skip + run.len()..];
            }
            None => out.push('\\'),
        }
    }
    out.push_str(rest);
    out
}
