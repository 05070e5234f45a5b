//! Python source as HTML: one element a line, tokens in classes.
//!
//! For reading only: it uses the lexer of the archive, which reads any text, and judges nothing. The text content of
//! the result is the source itself, characters that [`crate::html::escape`] makes visible apart, so that it can be
//! copied.

use archsmith_archive::tokens::{TokenKind, lex};

use crate::html::escape;

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// The lines of a Python text as `<span class="l">…</span>`, with the tokens in `<span class="…">`: `k` keyword, `s`
/// string, `n` number, `d` a name being defined, `c` comment.
pub(crate) fn highlight(source: &str) -> String {
    let mut out = Lines { html: String::with_capacity(source.len() * 2), open: false };
    let mut at = 0;
    let mut defines = false;
    for token in lex(source) {
        let (Some(gap), Some(word)) = (source.get(at..token.start), source.get(token.start..token.end)) else {
            continue;
        };
        if token.kind == TokenKind::Newline || word.is_empty() {
            continue;
        }
        out.gap(gap);
        let class = match token.kind {
            TokenKind::String => "s",
            TokenKind::Number => "n",
            TokenKind::Name if KEYWORDS.binary_search(&word).is_ok() => "k",
            TokenKind::Name if defines => "d",
            _ => "",
        };
        defines = matches!(word, "def" | "class");
        out.text(class, word);
        at = token.end;
    }
    out.gap(source.get(at..).unwrap_or_default());
    out.finish()
}

struct Lines {
    html: String,
    open: bool,
}

impl Lines {
    /// What lies between two tokens: white space and comments.
    fn gap(&mut self, gap: &str) {
        for line in gap.split_inclusive('\n') {
            match line.find('#') {
                Some(start) => {
                    let end = line.trim_end_matches('\n').len();
                    self.text("", &line[..start]);
                    self.text("c", &line[start..end]);
                    self.text("", &line[end..]);
                }
                None => self.text("", line),
            }
        }
    }

    fn text(&mut self, class: &str, text: &str) {
        for part in text.split_inclusive('\n') {
            if !self.open {
                self.html.push_str("<span class=\"l\">");
                self.open = true;
            }
            let (body, ends) = part.strip_suffix('\n').map_or((part, false), |body| (body, true));
            if class.is_empty() || body.is_empty() {
                self.html.push_str(&escape(body));
            } else {
                self.html.push_str(&format!("<span class=\"{class}\">{}</span>", escape(body)));
            }
            if ends {
                self.html.push_str("\n</span>");
                self.open = false;
            }
        }
    }

    fn finish(mut self) -> String {
        if self.open {
            self.html.push_str("</span>");
        }
        self.html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text content of the HTML.
    fn plain(html: &str) -> String {
        let mut text = String::new();
        let mut in_tag = false;
        for character in html.chars() {
            match character {
                '<' => in_tag = true,
                '>' => in_tag = false,
                other if !in_tag => text.push(other),
                _ => {}
            }
        }
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&")
    }

    #[test]
    fn the_text_stays_what_it_was() {
        for source in [
            "",
            "x",
            "\n\n",
            "def f(a):\n    '''two\n    lines'''  # note\n    return a + 1.5e-3\n",
            "s = \"</script><b>\" + 'a&amp;b'\n",
            "if x:\n\ty = \\\n\t 3 # end",
            "s = '\\é",
            "é = '''open\n never closed",
        ] {
            assert_eq!(plain(&highlight(source)), source, "{source:?}");
        }
    }

    #[test]
    fn tokens_get_their_class_and_lines_their_element() {
        let html = highlight("class Net:\n    '''a\n    b'''\n    x = 3  # three\n");
        assert!(html.contains("<span class=\"k\">class</span> <span class=\"d\">Net</span>"));
        assert!(html.contains("<span class=\"n\">3</span>"));
        assert!(html.contains("<span class=\"c\"># three</span>"));
        assert_eq!(html.matches("class=\"l\"").count(), 4);
        assert_eq!(html.matches("class=\"s\"").count(), 2, "a string over two lines is two spans");
        assert!(KEYWORDS.is_sorted());
    }
}
