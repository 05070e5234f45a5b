//! How diagnostics read.

use archsmith_frontend::{Diagnostic, Options, check};
use archsmith_ir::Span;

const SOURCE: &str = "import torch\nx = 1\nä = torch.relu(3)\n";

fn at(text: &str) -> Span {
    let start = SOURCE.find(text).expect("a place") as u32;
    Span { start, end: start + text.len() as u32 }
}

#[test]
fn positions_count_lines_and_characters() {
    let d = Diagnostic::error("bad-argument", "must be a tensor", at("torch.relu"));
    assert_eq!(d.position(SOURCE), (3, 5));
    let json = d.to_json(SOURCE);
    assert_eq!(json["line"], 3);
    assert_eq!(json["code"], "bad-argument");
}

#[test]
fn text_shows_the_line_the_labels_and_the_help() {
    let d = Diagnostic::error("bad-argument", "must be a tensor", at("3"))
        .label(at("x = 1"), "made here")
        .help("pass a tensor");
    let text = d.render(SOURCE, "net.py", false);
    for part in ["error[bad-argument]", "must be a tensor", "net.py:3", "torch.relu(3)", "made here", "pass a tensor"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn spans_outside_the_source_do_no_harm() {
    let far = Span { start: 1000, end: 2000 };
    let inside_a_character = Span { start: SOURCE.find('ä').expect("a letter") as u32 + 1, end: 3 };
    for span in [far, inside_a_character] {
        let d = Diagnostic::error("syntax-error", "message", span);
        assert!(d.render(SOURCE, "net.py", false).contains("message"));
        assert!(d.render("", "net.py", true).contains("message"));
    }
}

#[test]
fn errors_point_into_the_authors_text() {
    let text = "import torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self, in_shape, out_shape, prm, device):\n        \
                super().__init__()\n        self.c = nn.Conv2d(3, 8, 3)\n        self.d = nn.Conv2d(9, 8, 3)\n\n    \
                def forward(self, x):\n        return self.d(self.c(x))\n";
    let r = check(text, &Options::default()).expect_err("a refusal");
    let d = &r.diagnostics[0];
    assert_eq!(d.code, "shape-mismatch");
    assert_eq!(d.position(text).0, 10, "{}", d.render(text, "net.py", false));
}
