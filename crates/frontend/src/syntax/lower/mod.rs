//! Lowering of the concrete tree to the evaluator's tree, in one pass.
//!
//! What Python's compiler refuses beyond the grammar is refused here: assignment to a call, `return` outside a function, a
//! positional argument after a keyword. Nesting is bounded, so no text overflows the stack.

mod definition;
mod expr;
mod pattern;
mod stmt;
mod string;

use super::ast::{Block, Code, CodeKind, Params, Source, Stmt, StmtKind};
use super::scope::Scopes;
use super::sym::Sym;
use crate::cst::{self, K};
use crate::diagnostic::Diagnostic;
use archsmith_ir::Span;
use std::cell::OnceCell;
use std::rc::Rc;
use tree_sitter::Node;

/// Levels of nesting of expressions and blocks together. CPython's own limits are 100 blocks and 200 parentheses.
const MAX_NESTING: u32 = 400;

type Lowered<T> = Result<T, Box<Diagnostic>>;

struct Lower<'t> {
    text: &'t str,
    scopes: Scopes,
    user: bool,
    depth: u32,
    /// Names of the enclosing classes and functions, for qualified names.
    path: Vec<String>,
    /// The enclosing classes, without leading underscores: what private names are spelled with.
    classes: Vec<String>,
    /// Where the part of the text ends in which `from __future__ import` may stand.
    future: usize,
    /// What `nonlocal` names, and where.
    nonlocals: Vec<(Sym, Span)>,
    /// Where renames of the innermost comprehension target start, while one is lowered.
    inner_target: Option<usize>,
    /// A star that the parser put around a part of the item it belongs to: the node's number.
    loose_star: Option<usize>,
}

/// Parses a text. `user`: whether it is the author's, so that its spans may be reported.
///
/// # Errors
/// The first place where it is not Python, code `syntax-error`.
pub(crate) fn parse(text: &str, user: bool) -> Result<Source, Diagnostic> {
    let whole = Span { start: 0, end: text.len().min(u32::MAX as usize) as u32 };
    if text.len() > u32::MAX as usize / 2 {
        return Err(Diagnostic::error(crate::code::SYNTAX_ERROR, "the text is too long", Span::default()));
    }
    let tree =
        cst::parse(text).ok_or_else(|| Diagnostic::error(crate::code::SYNTAX_ERROR, "the parser failed", whole))?;
    if let Some(error) = cst::first_error(&tree, text) {
        return Err(error);
    }
    let mut l = Lower {
        text,
        scopes: Scopes::default(),
        user,
        depth: 0,
        path: Vec::new(),
        classes: Vec::new(),
        future: 0,
        nonlocals: Vec::new(),
        inner_target: None,
        loose_star: None,
    };
    let code = l.module(tree.root_node()).map_err(|e| *e)?;
    let nonlocals = l.nonlocals;
    l.scopes.resolve().map_err(|e| {
        let at = nonlocals.iter().find(|(n, _)| Some(*n) == e.1).map_or(whole, |(_, span)| *span);
        Diagnostic::error(crate::code::SYNTAX_ERROR, e.0, at)
    })?;
    let definitions = definitions(&code);
    Ok(Source { code, definitions })
}

fn definitions(code: &Code) -> Vec<(Sym, u32)> {
    let layout = code.layout();
    let mut out = Vec::new();
    for (i, stmt) in code.body.iter().enumerate() {
        let mut add = |var: u16| out.push((layout.vars[usize::from(var)].0, i as u32));
        match &stmt.kind {
            StmtKind::Function(f) => add(f.var),
            StmtKind::Class(c) => add(c.var),
            StmtKind::Import(list) => list.iter().for_each(|m| add(m.var)),
            StmtKind::ImportFrom(m) => m.names.iter().for_each(|(_, var)| add(*var)),
            StmtKind::Assign(targets, _) => {
                for t in targets {
                    if let super::ast::ExprKind::Name(var) = &t.kind {
                        add(*var);
                    }
                }
            }
            _ => {}
        }
    }
    out
}

impl<'t> Lower<'t> {
    fn err<T>(&self, node: Node<'_>, message: impl Into<String>) -> Lowered<T> {
        Err(Box::new(Diagnostic::error(crate::code::SYNTAX_ERROR, message, cst::span(node))))
    }

    fn text_of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    fn sym(&self, node: Node<'_>) -> Sym {
        self.private(self.text_of(node))
    }

    /// A name as it is kept: a private one of a class is spelled with the class (reference, 6.2.1).
    fn private(&self, name: &str) -> Sym {
        match self.classes.last() {
            Some(class) if name.starts_with("__") && !name.ends_with("__") && !class.is_empty() => {
                Sym::new(&format!("_{class}{name}"))
            }
            _ => Sym::new(name),
        }
    }

    fn need<'n>(&self, node: Node<'n>, field: cst::F) -> Lowered<Node<'n>> {
        match cst::field(node, field) {
            Some(n) => Ok(n),
            None => self.err(node, "invalid syntax"),
        }
    }

    /// Runs with one more level of nesting.
    fn nested<T>(&mut self, node: Node<'_>, run: impl FnOnce(&mut Self) -> Lowered<T>) -> Lowered<T> {
        if self.depth >= MAX_NESTING {
            return self.err(node, "too many levels of nesting");
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn module(&mut self, root: Node<'_>) -> Lowered<Rc<Code>> {
        self.scopes.open(CodeKind::Module);
        let statements = cst::named(root);
        self.same_margin(&statements, Some(""))?;
        let docstring = |n: &Node<'_>| {
            cst::kind(*n) == K::ExpressionStatement
                && cst::named(*n).first().is_some_and(|e| cst::kind(*e) == K::String)
        };
        let begins = statements
            .iter()
            .enumerate()
            .take_while(|(k, n)| cst::kind(**n) == K::FutureImport || (*k == 0 && docstring(n)));
        self.future = begins.last().map_or(0, |(_, n)| n.end_byte());
        let body = self.statements(&statements)?;
        let scope = self.scopes.close();
        let code = self.code("<module>", CodeKind::Module, Params::default(), body, cst::span(root));
        self.scopes.seal(scope, code.clone());
        Ok(code)
    }

    fn code(&self, name: &str, kind: CodeKind, params: Params, body: Block, span: Span) -> Rc<Code> {
        let qualname = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path.join(".")) };
        let doc = match body.first().map(|s| &s.kind) {
            Some(StmtKind::Expr(e)) => match &e.kind {
                super::ast::ExprKind::Const(crate::eval::value::Value::Str(s)) => Some(s.clone()),
                _ => None,
            },
            _ => None,
        };
        Rc::new(Code {
            name: name.into(),
            qualname: qualname.into(),
            kind,
            params,
            body,
            layout: OnceCell::new(),
            user: self.user,
            span,
            doc,
        })
    }

    fn statements(&mut self, nodes: &[Node<'_>]) -> Lowered<Block> {
        let mut out: Vec<Stmt> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let before = self.scopes.current().yields;
            self.scopes.current().yields = false;
            let kind = self.nested(*node, |l| l.statement(*node))?;
            let yields = self.scopes.current().yields;
            self.scopes.current().yields |= before;
            if let Some(kind) = kind {
                out.push(Stmt { kind, span: self.header_span(*node), yields });
            }
        }
        Ok(out.into())
    }

    /// The span of a statement; of a compound one its first line.
    fn header_span(&self, node: Node<'_>) -> Span {
        let span = cst::span(node);
        let body = cst::field(node, cst::F::Body).or_else(|| cst::field(node, cst::F::Consequence));
        match body {
            Some(b) => {
                let head = self.text.get(node.start_byte()..b.start_byte()).unwrap_or("").trim_end();
                Span { start: span.start, end: span.start + head.len() as u32 }
            }
            None => span,
        }
    }

    fn block(&mut self, node: Node<'_>) -> Lowered<Block> {
        let statements = if cst::kind(node) == K::Block { cst::named(node) } else { vec![node] };
        let statements: Vec<_> = statements.into_iter().filter(|n| cst::kind(*n) != K::CaseClause).collect();
        if statements.is_empty() {
            return self.err(node, "expected an indented block");
        }
        self.same_margin(&statements, None)?;
        self.statements(&statements)
    }

    /// What stands before a node on its line, where that is only space.
    fn margin(&self, node: Node<'_>) -> Option<&'t str> {
        let before = self.text.get(..node.start_byte())?;
        let line = &before[before.rfind('\n').map_or(0, |i| i + 1)..];
        let line = line.trim_start_matches(['\u{feff}', '\u{c}']);
        line.bytes().all(|b| matches!(b, b' ' | b'\t')).then_some(line)
    }

    /// Statements of one block stand under each other. The parser takes a line that is moved out a little for the end of the
    /// block; Python does not (lexical analysis, 2.1.8).
    fn same_margin(&self, statements: &[Node<'_>], first: Option<&'t str>) -> Lowered<()> {
        let mut expected = first;
        for node in statements {
            let Some(margin) = self.margin(*node) else { continue };
            let want = *expected.get_or_insert(margin);
            if margin == want {
                continue;
            }
            let before = self.text[..node.start_byte()].lines().rev().skip(1).find(|l| !l.trim().is_empty());
            let deeper = before.is_some_and(|l| l.len() - l.trim_start().len() > margin.len());
            let message = if margin.len() == want.len() {
                "inconsistent use of tabs and spaces in indentation"
            } else if deeper || margin.len() < want.len() {
                "unindent does not match any outer indentation level"
            } else {
                "unexpected indent"
            };
            let spaces = |m: &str| format!("{} {}", m.len(), if m.contains('\t') { "characters" } else { "spaces" });
            let help = format!("this line starts with {}, its block with {}", spaces(margin), spaces(want));
            let at = node.start_byte() as u32;
            let end = self.text[node.start_byte()..].find('\n').map_or(node.end_byte(), |n| node.start_byte() + n);
            let span = Span { start: at, end: (end as u32).min(node.end_byte() as u32) };
            return Err(Box::new(Diagnostic::error(crate::code::SYNTAX_ERROR, message, span).help(help)));
        }
        Ok(())
    }
}
