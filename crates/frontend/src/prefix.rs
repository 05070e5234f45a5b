//! Whether the beginning of a text can stand: a network that is still being written, judged statement by statement.
//!
//! The beginning is completed and elaborated as a whole text is: where it stops, a call is put in that ends the elaboration, in
//! every block that is open there. If it is reached, everything before it stands. So a class body, half of an `__init__` and half
//! of a `forward` are all run as far as they go, on the same abstract values, by the same evaluator. Each call starts anew:
//! elaborating a network takes about a millisecond, less than a language model needs for a token.
//!
//! What is not finished is no error: a statement that is still open, a class without its methods, a helper that is defined later.

use crate::contract::{self, Options};
use crate::diagnostic::{Diagnostic, Rejection, Stage};
use crate::eval::Eval;
use crate::eval::Interp;
use crate::eval::args::Args;
use crate::eval::module::PyModule;
use crate::eval::value::Value;
use crate::syntax::Sym;
use crate::torch::trace::BodyKind;
use archsmith_ir::cost;
use std::cell::RefCell;
use std::rc::Rc;

/// The name of the call that ends the elaboration; no text has it.
const STOP: &str = "__the_text_ends_here__";
/// The code under which it ends; no rejection that anyone sees has it.
const CODE: &str = "text-ends";

/// What a beginning costs already; a text that begins so costs as much or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Elements of the parameters that the network has so far.
    pub params: u64,
    /// Multiply-adds of one image in the part of `forward` that is written.
    pub macs: u64,
}

/// Judges the beginning of a text, up to its last whole statement.
///
/// # Errors
/// Why no text that begins so is a network of the contract.
pub fn check_prefix(source: &str, options: &Options) -> Result<Spent, Rejection> {
    let completed = match complete(source) {
        Ending::Whole(completed) => completed,
        Ending::Open(brackets) => return can_close(source, &brackets).map(|()| Spent::default()),
        Ending::Unknown => return Ok(Spent::default()),
    };
    match crate::worker::run_prefix(&completed.text, options) {
        Err(r) if completed.lenient && r.stage == Stage::Unparsed => Ok(Spent::default()),
        Err(r) if r.diagnostics.first().is_some_and(|d| later(d, &completed.text)) => Ok(Spent::default()),
        other => other,
    }
}

/// A method that `__init__` calls and that is perhaps defined further down: by convention its name begins with `_`.
fn later(d: &Diagnostic, text: &str) -> bool {
    let line = text.get(d.span.start as usize..).and_then(|t| t.lines().next()).unwrap_or("");
    d.code == crate::code::ATTRIBUTE_ERROR && line.contains("self._")
}

/// How the last line of a text leaves it.
enum Ending {
    /// A statement ends.
    Whole(Completed),
    /// These brackets are open, in this order.
    Open(Vec<u8>),
    /// It is too early to say.
    Unknown,
}

/// Whether a statement whose brackets are open can be one at all. Without this, a bracket too many would be noticed at the end of
/// the text alone.
fn can_close(source: &str, brackets: &[u8]) -> Result<(), Rejection> {
    let whole = source.rfind('\n').map_or("", |i| &source[..=i]);
    let closing: String = brackets.iter().rev().map(|b| char::from(closing(*b))).collect();
    // The line may end with a name, an operator, a key or half of a conditional; behind the brackets half of a conditional may
    // come, or the block of a header. Indented: the parser takes a line that begins further left than its block for the block's
    // end, brackets or not.
    let block = format!(":\n{:90}pass", "");
    let mut first = None;
    for tail in ["", &block, " else _"] {
        for rest in ["", "_", ": _", " in _", " else _", " for _ in _"] {
            match contract::parse(&format!("{whole}{:80}{rest}{closing}{tail}\n", "")) {
                Ok(()) => return Ok(()),
                Err(r) => first = first.or(Some(r)),
            }
        }
    }
    first.map_or(Ok(()), Err)
}

fn closing(bracket: u8) -> u8 {
    match bracket {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

struct Completed {
    text: String,
    /// A syntax error is to be expected: a `try` whose handlers are still to come.
    lenient: bool,
}

/// The text with the stopping calls, where its last statement is whole.
fn complete(source: &str) -> Ending {
    let whole = source.rfind('\n').map_or("", |i| &source[..=i]);
    // Open blocks: the indentation of their statements, and whether they are in a function.
    let mut blocks: Vec<(usize, bool)> = Vec::new();
    let mut opened: Option<(usize, bool)> = None;
    let (mut lenient, mut continued) = (false, false);
    let mut state = Lexer::default();
    for line in whole.lines() {
        let inside = state.inside() || continued;
        let code = state.line(line);
        continued = code.ends_with('\\');
        if inside || code.trim().is_empty() {
            if inside && !state.inside() && !code.trim_end().ends_with(':') {
                // The last line of a statement that was broken into several, and no header.
                opened = None;
            }
            continue;
        }
        let indent = code.len() - code.trim_start().len();
        if let Some((outer, function)) = opened.take()
            && indent > outer
        {
            blocks.push((indent, function));
        }
        while blocks.last().is_some_and(|b| b.0 > indent) {
            blocks.pop();
        }
        let first = code.trim_start();
        if first.starts_with('@') {
            opened = None;
            lenient = true;
            continue;
        }
        let word = first.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        lenient |= matches!(word, "try" | "match" | "async");
        let in_function = blocks.last().is_some_and(|b| b.1);
        if first.trim_end().ends_with(':') || state.inside() {
            let function = in_function || word == "def";
            // A new block at this level begins: what the level itself is stays.
            opened = Some((indent, if word == "class" { false } else { function }));
        }
        if !blocks.iter().any(|b| b.0 == indent) && indent > 0 {
            blocks.push((indent, in_function));
        }
    }
    if !state.depth.is_empty() && state.fence.is_none() && !lenient {
        return Ending::Open(state.depth);
    }
    if state.inside() || continued {
        return Ending::Unknown;
    }
    let mut text = whole.to_string();
    if let Some((outer, function)) = opened {
        blocks.push((outer + 4, function));
        if !function {
            text.push_str(&format!("{}{STOP}()\n", " ".repeat(outer + 4)));
            return Ending::Whole(Completed { text, lenient });
        }
    }
    for (indent, _) in blocks.iter().rev().take_while(|b| b.1) {
        text.push_str(&format!("{}{STOP}()\n", " ".repeat(*indent)));
    }
    Ending::Whole(Completed { text, lenient })
}

/// Follows brackets and triple-quoted strings from line to line.
#[derive(Default)]
struct Lexer {
    /// Open brackets.
    depth: Vec<u8>,
    fence: Option<[u8; 3]>,
}

impl Lexer {
    fn inside(&self) -> bool {
        !self.depth.is_empty() || self.fence.is_some()
    }

    /// Takes in a line; gives it back without its comment.
    fn line<'a>(&mut self, line: &'a str) -> &'a str {
        let bytes = line.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            if let Some(fence) = self.fence {
                if bytes[i..].starts_with(&fence) {
                    self.fence = None;
                    i += 3;
                } else {
                    i += 1;
                }
                continue;
            }
            match bytes[i] {
                b'#' => return &line[..i],
                bracket @ (b'(' | b'[' | b'{') => self.depth.push(bracket),
                b')' | b']' | b'}' => drop(self.depth.pop()),
                q @ (b'"' | b'\'') => {
                    if bytes[i..].starts_with(&[q; 3]) {
                        self.fence = Some([q; 3]);
                        i += 3;
                        continue;
                    }
                    i += 1;
                    while i < bytes.len() && bytes[i] != q {
                        i += 1 + usize::from(bytes[i] == b'\\');
                    }
                }
                _ => {}
            }
            i += 1;
        }
        line
    }
}

thread_local! {
    /// What was spent when the text ended.
    static SPENT: RefCell<Spent> = RefCell::default();
}

fn stop(i: &mut Interp, _: Args) -> Eval<Value> {
    let body = i.torch.body(i.torch.current);
    let macs = cost::macs_by_node(body.program(), body.len()).into_iter().fold(0, u64::saturating_add);
    let macs = if i.torch.current == BodyKind::Init { 0 } else { macs };
    let images = body.program().inputs.first().map_or(1, |v| body.program().values[v.index()].shape[0]);
    SPENT.set(Spent { params: i.torch.parameter_elements(), macs: macs / images.max(1) as u64 });
    Err(i.abort(CODE, "the text ends here"))
}

/// Elaborates a completed beginning on this thread.
pub(crate) fn stand_here(source: &str, options: &Options, stack_bytes: usize) -> Result<Spent, Rejection> {
    SPENT.take();
    match elaborate(source, options, stack_bytes) {
        Err(r) if r.diagnostics.first().is_some_and(|d| d.code == CODE) => Ok(SPENT.take()),
        other => other.map(|()| Spent::default()),
    }
}

fn elaborate(source: &str, options: &Options, stack_bytes: usize) -> Result<(), Rejection> {
    let main = Rc::new(PyModule::new("net"));
    main.set(STOP, Value::native(STOP, stop));
    let (mut i, _) = contract::run(source, options, stack_bytes, &main)?;
    if main.get(Sym::new("Net")).is_none() {
        return Ok(());
    }
    let class = contract::find_net(&main)?;
    let written = |name: &str| matches!(class.lookup(Sym::new(name)), Some(Value::Function(f)) if f.code.user);
    if !written("__init__") {
        return Ok(());
    }
    let (net, _) = contract::construct(&mut i, &main, &class, options)?;
    if !written("forward") {
        return Ok(());
    }
    // Training refuses more: a batch norm on single elements. A text that is whole is traced in both modes by `check`.
    let kind = if options.eval_only { BodyKind::Eval } else { BodyKind::Train };
    contract::trace(&mut i, &net, options, class.span, &[kind]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NET: &str = include_str!("../../../assets/seeds/residual_basic.py");

    fn judge(text: &str) -> Result<(), String> {
        check_prefix(text, &Options::default())
            .map(|_| ())
            .map_err(|r| r.diagnostics.first().map_or_else(String::new, |d| format!("{}: {}", d.code, d.message)))
    }

    #[test]
    fn every_beginning_of_a_network_stands() {
        for (i, _) in NET.match_indices('\n') {
            assert_eq!(judge(&NET[..=i]), Ok(()), "{}", &NET[..=i]);
        }
        assert_eq!(judge(&NET[..NET.len() / 2]), Ok(()));
    }

    /// The seed network up to and with `line`, then `next` at the same indentation.
    fn after(line: &str, next: &str) -> String {
        let at = NET.find(line).unwrap_or_default();
        let start = NET[..at].rfind('\n').map_or(0, |i| i + 1);
        let end = at + NET[at..].find('\n').unwrap_or_default() + 1;
        format!("{}{}{next}\n", &NET[..end], " ".repeat(at - start))
    }

    #[test]
    fn a_statement_that_cannot_stand_is_refused_at_once() {
        let cases = [
            ("self.stem = ", "self.more = nn.Conv3x3(16, 16)", "attribute-error"),
            ("self.stem = ", "self.more = nn.Conv2d(16, widht, 3)", "name-error"),
            ("self.stem = ", "self.more = nn.Conv2d(16, 16, kernel=3)", "type-error"),
            ("x = self.layer2(x)", "x = self.layer2(x)", "shape"),
            ("x = self.layer2(x)", "x = self.layer9(x)", "attribute-error"),
            ("x = self.layer3(x)", "return x", "bad-output"),
        ];
        for (line, next, code) in cases {
            let text = after(line, next);
            let found = judge(&text);
            assert!(found.as_ref().is_err_and(|e| e.contains(code)), "{next}: {found:?}");
        }
    }

    #[test]
    fn a_bracket_that_cannot_be_closed_is_refused_in_the_next_line() {
        let open = after("x = self.layer3(x)", "x = torch.relu(self.bn(x)");
        assert_eq!(judge(&open), Ok(()));
        let found = judge(&format!("{open}        x = self.pool(x)\n"));
        assert!(found.as_ref().is_err_and(|e| e.contains("syntax")), "{found:?}");
        for next in [
            "x = (x +",
            "x = [x for y in",
            "x = {1:",
            "x = x if (x is",
            "x = dict(a=",
            "x = (x if x",
            "x = (lambda x:",
            "if all((",
            "def f(",
            "for i in range(",
        ] {
            assert_eq!(judge(&after("x = self.layer3(x)", next)), Ok(()), "{next}");
        }
    }

    #[test]
    fn what_is_not_finished_is_no_error() {
        for next in
            ["if x.shape[0] == 1:", "if self.training:\n            x = x + 1", "x = torch.cat([x,", "y = \"\"\"open"]
        {
            assert_eq!(judge(&after("x = self.layer3(x)", next)), Ok(()), "{next}");
        }
        let helper = after("self.stem = ", "self.rest = self._make(3)");
        assert_eq!(judge(&helper), Ok(()));
    }

    #[test]
    fn what_is_spent_grows_to_what_the_network_costs() {
        let (graph, _) = crate::check(NET, &Options::default()).unwrap_or_else(|r| panic!("{r:?}"));
        let whole = cost::cost(&graph);
        let mut last = Spent::default();
        for (i, _) in NET.match_indices('\n').filter(|(i, _)| NET[..*i].contains("self.stem")) {
            let spent = check_prefix(&NET[..=i], &Options::default()).unwrap_or_else(|r| panic!("{r:?}"));
            if spent != Spent::default() {
                assert!(spent.params >= last.params && spent.macs >= last.macs, "{last:?} {spent:?}");
                last = spent;
            }
        }
        assert_eq!(last.params, whole.params);
        assert!(last.macs > whole.macs / 2 && last.macs <= whole.macs, "{last:?}");
    }
}
