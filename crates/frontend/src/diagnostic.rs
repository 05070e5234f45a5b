//! What the frontend has to say about a text: diagnostics with a stable code and a span, for a person, a terminal, a machine
//! and a repair prompt.
//!
//! Invariants: spans are bytes of the author's source and are clamped to it when rendered, so rendering never fails; a
//! rejection holds at least one diagnostic, the reason first.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use archsmith_ir::{OpError, Span};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The network is rejected.
    Error,
    /// It stands, but not as the author may think.
    Warning,
    /// Something worth knowing.
    Note,
}

/// One remark on the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// Stable name of the kind of remark, in kebab case.
    pub code: &'static str,
    /// What was expected and what was found.
    pub message: String,
    /// Where, in bytes of the source.
    pub span: Span,
    /// Places that matter, each with a remark: where a layer was made, where an operand got its shape, the calls that lead
    /// here. One at `span` itself is a remark on the place of the mistake.
    pub labels: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Error, code, message, span)
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Warning, code, message, span)
    }

    /// A note.
    pub fn note(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Note, code, message, span)
    }

    fn new(severity: Severity, code: &'static str, message: impl Into<String>, span: Span) -> Self {
        debug_assert!(crate::code::by_name(code).is_some(), "the code {code} has no page");
        Diagnostic { severity, code, message: message.into(), span, labels: Vec::new(), help: None }
    }

    /// An operator's refusal, at the call.
    pub fn from_op(error: OpError, span: Span) -> Self {
        Diagnostic { help: error.help, ..Self::error(error.code, error.message, span) }
    }

    /// Adds another place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }

    /// Adds what to do about it.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Line and column of the span's start, both from 1; the column counts characters.
    pub fn position(&self, source: &str) -> (usize, usize) {
        position(source, self.span.start as usize)
    }

    /// The diagnostic with the lines it speaks of, as text for a terminal. `color` adds ANSI colours.
    pub fn render(&self, source: &str, file_name: &str, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mut primary = AnnotationKind::Primary.span(range(source, self.span));
        if let Some((_, text)) = self.labels.iter().find(|(span, _)| *span == self.span) {
            primary = primary.label(text.as_str());
        }
        let mut snippet = Snippet::source(source).line_start(1).path(file_name).annotation(primary);
        for (span, text) in self.labels.iter().filter(|(span, _)| *span != self.span) {
            let context = AnnotationKind::Context.span(range(source, *span));
            snippet = snippet.annotation(context.label(text.as_str()));
        }
        let main = level.primary_title(self.message.as_str()).id(self.code).element(snippet);
        let mut report: Vec<Group<'_>> = vec![main];
        if let Some(help) = &self.help {
            report.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&report)
    }

    /// The diagnostic as JSON: `severity`, `code`, `message`, `span` in bytes, `line`, `column`, `labels`, `help`.
    pub fn to_json(&self, source: &str) -> serde_json::Value {
        let (line, column) = self.position(source);
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|(span, text)| {
                let (line, column) = position(source, span.start as usize);
                serde_json::json!({ "span": [span.start, span.end], "line": line, "column": column, "text": text })
            })
            .collect();
        serde_json::json!({
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "span": [self.span.start, self.span.end],
            "line": line,
            "column": column,
            "labels": labels,
            "help": self.help,
        })
    }
}

/// `error[code]: message`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        write!(f, "{severity}[{}]: {}", self.code, self.message)
    }
}

/// The stage at which a network was rejected, in the order they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Not Python.
    Unparsed,
    /// Not a network of the contract: no `Net`, another constructor, another output.
    Contract,
    /// PyTorch would accept it; Archsmith does not yet.
    Unsupported,
    /// PyTorch would refuse it too.
    IllTyped,
    /// It did not end within the limits.
    OverBudget,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Unparsed => "unparsed",
            Stage::Contract => "contract",
            Stage::Unsupported => "unsupported",
            Stage::IllTyped => "ill-typed",
            Stage::OverBudget => "over-budget",
        })
    }
}

/// What was being done when a network was rejected, in the order it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The text was parsed and run as a module, and `Net` looked for in it.
    #[default]
    Import,
    /// `Net(...)` was called.
    Construct,
    /// `forward` was traced.
    Forward,
    /// What `forward` returns was looked at.
    Output,
}

/// Why a text did not become a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Whose fault it is.
    pub stage: Stage,
    /// What was being done.
    pub phase: Phase,
    /// The class of the Python exception that ended it, where one did (`AttributeError`).
    pub exception: Option<String>,
    /// Why; the reason first, at least one.
    pub diagnostics: Vec<Diagnostic>,
}

impl Rejection {
    /// A rejection for one reason.
    pub fn new(stage: Stage, diagnostic: Diagnostic) -> Self {
        Rejection { stage, phase: Phase::Import, exception: None, diagnostics: vec![diagnostic] }
    }

    /// The same rejection, met while this was being done.
    pub(crate) fn during(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// The code of the reason.
    pub fn code(&self) -> &'static str {
        self.diagnostics.first().map_or("unknown", |d| d.code)
    }

    /// All diagnostics as text, one after the other.
    pub fn render(&self, source: &str, file_name: &str, color: bool) -> String {
        let texts: Vec<String> = self.diagnostics.iter().map(|d| d.render(source, file_name, color)).collect();
        texts.join("\n\n")
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.diagnostics.first() {
            Some(d) => write!(f, "{}: {d}", self.stage),
            None => write!(f, "{}", self.stage),
        }
    }
}

impl std::error::Error for Rejection {}

/// Line and column of a byte, both from 1.
fn position(source: &str, byte: usize) -> (usize, usize) {
    let before = &source[..floor(source, byte)];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The largest character boundary that is not after `byte`.
fn floor(source: &str, byte: usize) -> usize {
    (0..=byte.min(source.len())).rev().find(|&i| source.is_char_boundary(i)).unwrap_or(0)
}

/// The span inside the source, shortened to its first line: a span of a whole class would print the whole class.
fn range(source: &str, span: Span) -> Range<usize> {
    let start = floor(source, span.start as usize);
    let end = floor(source, span.end as usize).max(start);
    let end = source[start..end].find('\n').map_or(end, |i| start + i);
    start..end
}
