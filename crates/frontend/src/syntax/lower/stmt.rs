//! Statements.

use super::super::ast::{
    AnnAssign, BinOp, Block, CodeKind, Expr, ExprKind, For, Handler, Import, ImportFrom, StmtKind, Try,
};
use super::super::sym::Sym;
use super::{Lower, Lowered};
use crate::cst::{self, F, K};
use crate::diagnostic::Diagnostic;
use archsmith_ir::Span;
use std::rc::Rc;
use tree_sitter::Node;

impl Lower<'_> {
    /// One statement; `None` for one that says nothing at run time.
    pub(super) fn statement(&mut self, node: Node<'_>) -> Lowered<Option<StmtKind>> {
        Ok(Some(match cst::kind(node) {
            K::ExpressionStatement => return self.expression_statement(node).map(Some),
            K::Return => {
                if !matches!(self.scopes.current().kind, CodeKind::Function | CodeKind::Generator) {
                    return self.err(node, "'return' outside function");
                }
                let value = cst::named(node);
                StmtKind::Return(value.first().map(|v| self.expr(*v)).transpose()?)
            }
            K::If => self.if_statement(node)?,
            K::For => {
                if cst::children(node).first().is_some_and(|n| cst::kind(*n) == K::Async) {
                    return self.err(node, "'async for' outside async function");
                }
                let iter = self.need(node, F::Right)?;
                let iter = self.expr(iter)?;
                let target = self.need(node, F::Left)?;
                let target = self.target(target)?;
                let body = self.loop_body(node)?;
                StmtKind::For(Rc::new(For { target, iter, body, orelse: self.else_block(node)? }))
            }
            K::While => {
                let condition = self.need(node, F::Condition)?;
                let condition = self.expr(condition)?;
                let body = self.loop_body(node)?;
                StmtKind::While(condition, body, self.else_block(node)?)
            }
            K::With => self.with_statement(node)?,
            K::Try => self.try_statement(node)?,
            K::Raise => {
                let cause = cst::field(node, F::Cause);
                let values: Vec<_> =
                    cst::named(node).into_iter().filter(|n| Some(n.id()) != cause.map(|c| c.id())).collect();
                let comma = cst::children(node).into_iter().chain(values.iter().flat_map(|v| match cst::kind(*v) {
                    K::ExpressionList => cst::children(*v),
                    _ => Vec::new(),
                }));
                if let Some(comma) = comma.into_iter().find(|n| cst::kind(*n) == K::Comma) {
                    return Err(Box::new(
                        Diagnostic::error(crate::code::SYNTAX_ERROR, "invalid syntax", cst::span(comma))
                            .help("Python 3 raises one exception: write 'raise ValueError(\"…\")'"),
                    ));
                }
                let value = values.first().copied();
                let value = value.map(|v| self.expr(v)).transpose()?;
                StmtKind::Raise(value, cause.map(|c| self.expr(c)).transpose()?)
            }
            K::FunctionDefinition => self.function(node, &[])?,
            K::ClassDefinition => self.class(node, &[])?,
            K::Decorated => {
                let definition = self.need(node, F::Definition)?;
                let decorators: Vec<_> =
                    cst::named(node).into_iter().filter(|n| cst::kind(*n) == K::Decorator).collect();
                if cst::kind(definition) == K::ClassDefinition {
                    self.class(definition, &decorators)?
                } else {
                    self.function(definition, &decorators)?
                }
            }
            K::Import => self.import(node)?,
            K::ImportFrom => self.import_from(node)?,
            K::FutureImport if node.start_byte() >= self.future => {
                return self.err(node, "from __future__ imports must occur at the beginning of the file");
            }
            K::FutureImport | K::TypeAlias => return Ok(None),
            K::Pass => StmtKind::Pass,
            K::Break | K::Continue => {
                if self.scopes.current().loops == 0 {
                    return self.err(node, format!("'{}' outside loop", self.text_of(node)));
                }
                if cst::kind(node) == K::Break { StmtKind::Break } else { StmtKind::Continue }
            }
            K::Assert => {
                let parts = cst::named(node);
                let Some(first) = parts.first() else { return self.err(node, "invalid syntax") };
                let condition = self.expr(*first)?;
                StmtKind::Assert(condition, parts.get(1).map(|m| self.expr(*m)).transpose()?)
            }
            K::Delete => {
                let mut targets = Vec::new();
                for n in cst::named(node) {
                    let parts = if cst::kind(n) == K::ExpressionList { cst::named(n) } else { vec![n] };
                    for p in parts {
                        targets.push(self.target(p)?);
                    }
                }
                StmtKind::Delete(targets)
            }
            K::Global => {
                for n in cst::named(node) {
                    let name = self.sym(n);
                    self.declared(n, name, "global")?;
                    self.scopes.global(name);
                }
                return Ok(None);
            }
            K::Nonlocal => {
                if self.scopes.current().kind == CodeKind::Module {
                    return self.err(node, "nonlocal declaration not allowed at module level");
                }
                for n in cst::named(node) {
                    let name = self.sym(n);
                    self.declared(n, name, "nonlocal")?;
                    self.nonlocals.push((name, cst::span(n)));
                    self.scopes.nonlocal(name);
                }
                return Ok(None);
            }
            K::Match => self.match_statement(node)?,
            K::Print => return self.err(node, "Missing parentheses in call to 'print'. Did you mean print(...)?"),
            K::Exec => return self.err(node, "Missing parentheses in call to 'exec'. Did you mean exec(...)?"),
            _ => return self.err(node, "invalid syntax"),
        }))
    }

    /// What `global` and `nonlocal` cannot name.
    fn declared(&mut self, node: Node<'_>, name: Sym, what: &str) -> Lowered<()> {
        let (param, module) = (self.scopes.is_param(name), self.scopes.current().kind == CodeKind::Module);
        match self.scopes.earlier(name) {
            _ if module => Ok(()),
            Some(_) if param => self.err(node, format!("name '{name}' is parameter and {what}")),
            Some("used prior to") => self.err(node, format!("name '{name}' is used prior to {what} declaration")),
            Some(_) => self.err(node, format!("name '{name}' is assigned to before {what} declaration")),
            None => Ok(()),
        }
    }

    fn expression_statement(&mut self, node: Node<'_>) -> Lowered<StmtKind> {
        let parts = cst::named(node);
        let [one] = parts.as_slice() else {
            if parts.is_empty() {
                return self.err(node, "invalid syntax");
            }
            let items = parts.iter().map(|p| self.expr(*p)).collect::<Lowered<_>>()?;
            return Ok(StmtKind::Expr(Expr { kind: ExprKind::Tuple(items), span: cst::span(node) }));
        };
        match cst::kind(*one) {
            K::Assignment => self.assignment(*one),
            K::AugmentedAssignment => {
                let (left, right) = (self.need(*one, F::Left)?, self.need(*one, F::Right)?);
                let operator = self.need(*one, F::Operator)?;
                let op = match cst::kind(operator) {
                    K::PlusAssign => BinOp::Add,
                    K::MinusAssign => BinOp::Sub,
                    K::StarAssign => BinOp::Mul,
                    K::SlashAssign => BinOp::Div,
                    K::DoubleSlashAssign => BinOp::FloorDiv,
                    K::PercentAssign => BinOp::Mod,
                    K::DoubleStarAssign => BinOp::Pow,
                    K::AtAssign => BinOp::MatMul,
                    K::AmpersandAssign => BinOp::And,
                    K::BarAssign => BinOp::Or,
                    K::CaretAssign => BinOp::Xor,
                    K::LeftShiftAssign => BinOp::LShift,
                    K::RightShiftAssign => BinOp::RShift,
                    _ => return self.err(operator, "invalid syntax"),
                };
                let value = self.expr(right)?;
                let target = self.target(left)?;
                if !matches!(target.kind, ExprKind::Name(_) | ExprKind::Attr(..) | ExprKind::Subscript(_)) {
                    return self.err(left, "illegal expression for augmented assignment");
                }
                Ok(StmtKind::AugAssign(op, target, value))
            }
            K::Named => {
                let sign = cst::children(*one).into_iter().find(|n| self.text_of(*n) == ":=").unwrap_or(*one);
                Err(Box::new(
                    Diagnostic::error(crate::code::SYNTAX_ERROR, "invalid syntax", cst::span(sign))
                        .help("a statement assigns with '='"),
                ))
            }
            _ => Ok(StmtKind::Expr(self.expr(*one)?)),
        }
    }

    fn assignment(&mut self, node: Node<'_>) -> Lowered<StmtKind> {
        if let Some(annotation) = cst::field(node, F::Type) {
            let value = cst::field(node, F::Right).map(|v| self.expr(v)).transpose()?;
            let annotation = self.annotation(annotation)?;
            let target = self.need(node, F::Left)?;
            let several = match cst::kind(target) {
                K::Tuple | K::ExpressionList | K::PatternList | K::TuplePattern => Some("tuple"),
                K::List | K::ListPattern => Some("list"),
                _ => None,
            };
            if let Some(what) = several {
                return self.err(target, format!("only single target (not {what}) can be annotated"));
            }
            let target = self.target(target)?;
            return Ok(StmtKind::AnnAssign(Box::new(AnnAssign { target, annotation, value })));
        }
        let mut lefts = vec![self.need(node, F::Left)?];
        let mut right = self.need(node, F::Right)?;
        while cst::kind(right) == K::Assignment {
            if cst::field(right, F::Type).is_some() {
                return self.err(right, "invalid syntax");
            }
            lefts.push(self.need(right, F::Left)?);
            right = self.need(right, F::Right)?;
        }
        for left in &lefts {
            if matches!(cst::kind(*left), K::ListSplat | K::ListSplatPattern) {
                return self.err(*left, "starred assignment target must be in a list or tuple");
            }
        }
        let value = self.expr(right)?;
        let targets = lefts.into_iter().map(|l| self.target(l)).collect::<Lowered<_>>()?;
        Ok(StmtKind::Assign(targets, value))
    }

    fn if_statement(&mut self, node: Node<'_>) -> Lowered<StmtKind> {
        let mut branches = Vec::new();
        let (condition, body) = (self.need(node, F::Condition)?, self.need(node, F::Consequence)?);
        branches.push((self.expr(condition)?, self.block(body)?));
        let mut orelse: Block = [].into();
        for alternative in cst::fields(node, F::Alternative) {
            if cst::kind(alternative) == K::Elif {
                let (condition, body) =
                    (self.need(alternative, F::Condition)?, self.need(alternative, F::Consequence)?);
                branches.push((self.expr(condition)?, self.block(body)?));
            } else {
                let body = self.need(alternative, F::Body)?;
                orelse = self.block(body)?;
            }
        }
        Ok(StmtKind::If(branches, orelse))
    }

    fn loop_body(&mut self, node: Node<'_>) -> Lowered<Block> {
        let body = self.need(node, F::Body)?;
        self.scopes.current().loops += 1;
        // An error ends the lowering with its scopes still open.
        let body = self.block(body)?;
        self.scopes.current().loops -= 1;
        Ok(body)
    }

    fn else_block(&mut self, node: Node<'_>) -> Lowered<Block> {
        match cst::field(node, F::Alternative) {
            Some(e) => {
                let body = self.need(e, F::Body)?;
                self.block(body)
            }
            None => Ok([].into()),
        }
    }

    fn with_statement(&mut self, node: Node<'_>) -> Lowered<StmtKind> {
        if cst::children(node).first().is_some_and(|n| cst::kind(*n) == K::Async) {
            return self.err(node, "'async with' outside async function");
        }
        let mut items = Vec::new();
        for clause in cst::named(node).into_iter().filter(|n| cst::kind(*n) == K::WithClause) {
            for item in cst::named(clause) {
                let value = self.need(item, F::Value)?;
                self.with_item(value, &mut items)?;
            }
        }
        let body = self.need(node, F::Body)?;
        Ok(StmtKind::With(items, self.block(body)?))
    }

    fn with_item(&mut self, value: Node<'_>, items: &mut Vec<(Expr, Option<Expr>)>) -> Lowered<()> {
        match cst::kind(value) {
            K::AsPattern => {
                let parts = cst::named(value);
                let alias = cst::field(value, F::Alias);
                let (Some(context), Some(alias)) = (parts.first(), alias) else {
                    return self.err(value, "invalid syntax");
                };
                let context = self.expr(*context)?;
                let target = cst::named(alias).first().copied().unwrap_or(alias);
                let target = self.target(target)?;
                items.push((context, Some(target)));
            }
            // `with (a as b, c as d):`
            K::Tuple if cst::named(value).iter().any(|n| cst::kind(*n) == K::AsPattern) => {
                for part in cst::named(value) {
                    self.with_item(part, items)?;
                }
            }
            K::Parenthesized if cst::named(value).iter().any(|n| cst::kind(*n) == K::AsPattern) => {
                for part in cst::named(value) {
                    self.with_item(part, items)?;
                }
            }
            _ => items.push((self.expr(value)?, None)),
        }
        Ok(())
    }

    fn try_statement(&mut self, node: Node<'_>) -> Lowered<StmtKind> {
        let body = self.need(node, F::Body)?;
        let body = self.block(body)?;
        let (mut handlers, mut orelse, mut finally): (Vec<Handler>, Block, Block) = (Vec::new(), [].into(), [].into());
        let mut bare = None;
        for part in cst::named(node) {
            match cst::kind(part) {
                K::Except => {
                    if let Some(bare) = bare {
                        return self.err(bare, "default 'except:' must be last");
                    }
                    handlers.push(self.handler(part)?);
                    bare = handlers.last().is_some_and(|h| h.class.is_none()).then_some(part);
                }
                K::ExceptGroup => return Ok(StmtKind::Unsupported("except*")),
                K::Else => {
                    let body = self.need(part, F::Body)?;
                    orelse = self.block(body)?;
                }
                K::Finally => {
                    let block = cst::named(part);
                    match block.first() {
                        Some(b) => finally = self.block(*b)?,
                        None => return self.err(part, "expected an indented block"),
                    }
                }
                _ => {}
            }
        }
        if handlers.is_empty() && finally.is_empty() {
            return self.err(node, "expected 'except' or 'finally' block");
        }
        Ok(StmtKind::Try(Rc::new(Try { body, handlers, orelse, finally })))
    }

    fn handler(&mut self, node: Node<'_>) -> Lowered<Handler> {
        let parts = cst::named(node);
        let Some((block, before)) = parts.split_last() else { return self.err(node, "expected an indented block") };
        let (mut class, mut name) = (None, None);
        let mut alias = cst::field(node, F::Alias);
        let several = before.len() > 1 || before.first().is_some_and(|b| cst::kind(*b) == K::ExpressionList);
        if several
            && cst::children(node)
                .into_iter()
                .chain(before.iter().flat_map(|b| cst::children(*b)))
                .any(|n| cst::kind(n) == K::Comma && n.parent().is_none_or(|p| cst::kind(p) != K::Tuple))
            && let (Some(first), Some(last)) = (before.first(), before.last())
        {
            let span = Span { start: cst::span(*first).start, end: cst::span(*last).end };
            return Err(Box::new(
                Diagnostic::error(crate::code::SYNTAX_ERROR, "multiple exception types must be parenthesized", span)
                    .help("Python 3 writes 'except ValueError as e:', or a tuple of classes in parentheses"),
            ));
        }
        if let Some(value) = before.first().copied() {
            if cst::kind(value) == K::AsPattern {
                alias = cst::field(value, F::Alias);
                let inner = cst::named(value);
                if let Some(c) = inner.first() {
                    class = Some(self.expr(*c)?);
                }
            } else {
                class = Some(self.expr(value)?);
            }
        }
        if let Some(alias) = alias {
            let target = cst::named(alias).first().copied().unwrap_or(alias);
            name = Some(self.sym(target)).map(|n| self.scopes.bind(n));
        }
        Ok(Handler { class, name, body: self.block(*block)? })
    }

    fn import(&mut self, node: Node<'_>) -> Lowered<StmtKind> {
        let mut list = Vec::new();
        for item in cst::named(node) {
            let (dotted, alias) = match cst::kind(item) {
                K::AliasedImport => (self.need(item, F::Name)?, Some(self.need(item, F::Alias)?)),
                _ => (item, None),
            };
            let module = self.dotted(dotted);
            let bound = match alias {
                Some(a) => self.sym(a),
                None => Sym::new(module.split('.').next().unwrap_or("")),
            };
            let var = self.scopes.bind(bound);
            list.push(Import { module: module.into(), renamed: alias.is_some(), var });
        }
        Ok(StmtKind::Import(list))
    }

    fn import_from(&mut self, node: Node<'_>) -> Lowered<StmtKind> {
        let from = self.need(node, F::ModuleName)?;
        let (mut level, mut module) = (0, String::new());
        if cst::kind(from) == K::RelativeImport {
            for part in cst::named(from) {
                match cst::kind(part) {
                    K::ImportPrefix => level = self.text_of(part).matches('.').count(),
                    _ => module = self.dotted(part),
                }
            }
        } else {
            module = self.dotted(from);
        }
        let mut names = Vec::new();
        let star = cst::named(node).iter().any(|n| cst::kind(*n) == K::WildcardImport);
        if star && self.scopes.current().kind != CodeKind::Module {
            return self.err(node, "import * only allowed at module level");
        }
        for item in cst::fields(node, F::Name) {
            let (name, alias) = match cst::kind(item) {
                K::AliasedImport => (self.need(item, F::Name)?, self.need(item, F::Alias)?),
                _ => (item, item),
            };
            let (name, bound) = (Sym::new(&self.dotted(name)), self.sym(alias));
            let var = self.scopes.bind(bound);
            names.push((name, var));
        }
        Ok(StmtKind::ImportFrom(Box::new(ImportFrom { module: module.into(), level, names, star })))
    }

    fn dotted(&self, node: Node<'_>) -> String {
        self.text_of(node).split_whitespace().collect()
    }
}
