//! Functions, lambdas, classes, comprehensions: what opens a scope.

use super::super::ast::{
    ClassDef, Code, CodeKind, Comp, CompFor, Expr, ExprKind, FunctionDef, Param, Params, Stmt, StmtKind,
};
use super::super::sym::Sym;
use super::{Lower, Lowered};
use crate::cst::{self, F, K};
use std::rc::Rc;
use tree_sitter::Node;

impl Lower<'_> {
    fn decorators(&mut self, nodes: &[Node<'_>]) -> Lowered<Vec<Expr>> {
        let mut out = Vec::new();
        for d in nodes {
            match cst::named(*d).first() {
                Some(e) => out.push(self.expr(*e)?),
                None => return self.err(*d, "invalid syntax"),
            }
        }
        Ok(out)
    }

    pub(super) fn function(&mut self, node: Node<'_>, decorators: &[Node<'_>]) -> Lowered<StmtKind> {
        if cst::children(node).first().is_some_and(|n| cst::kind(*n) == K::Async) {
            // Defining one is harmless; only calling it would need an event loop.
            let name = self.need(node, F::Name)?;
            let name = self.sym(name);
            self.scopes.bind(name);
            return Ok(StmtKind::Unsupported("async def"));
        }
        let decorators = self.decorators(decorators)?;
        let name_node = self.need(node, F::Name)?;
        let name = self.text_of(name_node).to_string();
        let params_node = self.need(node, F::Parameters)?;
        let annotations = if decorators.is_empty() { Vec::new() } else { self.annotations(params_node)? };
        let (params, defaults) = self.params(params_node)?;
        let body = self.need(node, F::Body)?;
        let span = self.header_span(node);
        let code = self.in_function(&name, node, params, span, |l| l.block(body))?;
        let var = self.scopes.bind(self.private(&name));
        Ok(StmtKind::Function(Rc::new(FunctionDef { code, defaults, decorators, annotations, var })))
    }

    fn annotations(&mut self, params: Node<'_>) -> Lowered<Vec<(Sym, Expr)>> {
        let mut found = Vec::new();
        for p in cst::named(params) {
            let name = cst::field(p, F::Name).or_else(|| cst::named(p).first().copied());
            if let (Some(name), Some(annotation)) = (name, cst::field(p, F::Type))
                && cst::kind(name) == K::Identifier
            {
                found.push((self.sym(name), self.annotation(annotation)?));
            }
        }
        Ok(found)
    }

    fn in_function(
        &mut self,
        name: &str,
        node: Node<'_>,
        params: Params,
        span: archsmith_ir::Span,
        body: impl FnOnce(&mut Self) -> Lowered<super::super::ast::Block>,
    ) -> Lowered<Rc<Code>> {
        let outer_target = self.inner_target.take();
        self.scopes.open(CodeKind::Function);
        let star = params.star.into_iter();
        let names: Vec<Sym> = (params.positional.iter().map(|p| p.name).chain(star))
            .chain(params.keyword_only.iter().map(|p| p.name).chain(params.double_star))
            .collect();
        for p in names {
            if !self.scopes.bind_param(p) {
                return self.err(node, format!("duplicate argument '{p}' in function definition"));
            }
        }
        self.path.push(format!("{name}.<locals>"));
        let body = body(self)?;
        self.path.pop();
        let yields = self.scopes.current().yields;
        let scope = self.scopes.close();
        let kind = if yields { CodeKind::Generator } else { CodeKind::Function };
        let code = self.code(name, kind, params, body, span);
        self.scopes.seal(scope, code.clone());
        self.inner_target = outer_target;
        Ok(code)
    }

    pub(super) fn lambda(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        let (params, defaults) = match cst::field(node, F::Parameters) {
            Some(p) => self.params(p)?,
            None => (Params::default(), Vec::new()),
        };
        let body = self.need(node, F::Body)?;
        let span = cst::span(node);
        let code = self.in_function("<lambda>", node, params, span, |l| {
            let value = l.expr(body)?;
            let yields = l.scopes.current().yields;
            Ok([Stmt { span: value.span, kind: StmtKind::Return(Some(value)), yields }].into())
        })?;
        Ok(ExprKind::Lambda(Rc::new(FunctionDef {
            code,
            defaults,
            decorators: Vec::new(),
            annotations: Vec::new(),
            var: 0,
        })))
    }

    /// Parameters, and the expressions of their defaults lowered in the surrounding scope. Annotations are not kept.
    fn params(&mut self, node: Node<'_>) -> Lowered<(Params, Vec<Expr>)> {
        let mut params = Params::default();
        let (mut defaults, mut keyword_defaults) = (Vec::new(), Vec::new());
        let mut keyword_only = false;
        let mut seen: Vec<&str> = Vec::new();
        for p in cst::named(node) {
            if let Some(name) = parameter_name(p) {
                let text = self.text_of(name);
                if seen.contains(&text) {
                    return self.err(name, format!("duplicate argument '{text}' in function definition"));
                }
                seen.push(text);
            }
            let mut add = |l: &mut Self, name: Sym, default: Option<Node<'_>>| -> Lowered<()> {
                let has_default = default.is_some();
                if let Some(d) = default {
                    let value = l.expr(d)?;
                    if keyword_only { keyword_defaults.push(value) } else { defaults.push(value) }
                }
                if keyword_only {
                    params.keyword_only.push(Param { name, has_default });
                } else {
                    if !has_default && params.positional.last().is_some_and(|q| q.has_default) {
                        return l.err(p, "non-default argument follows default argument");
                    }
                    params.positional.push(Param { name, has_default });
                }
                Ok(())
            };
            match cst::kind(p) {
                K::Identifier => add(self, self.sym(p), None)?,
                K::DefaultParameter | K::TypedDefaultParameter => {
                    let (name, value) = (self.need(p, F::Name)?, self.need(p, F::Value)?);
                    add(self, self.sym(name), Some(value))?;
                }
                K::TypedParameter | K::ListSplatPattern | K::DictionarySplatPattern => {
                    let inner =
                        if cst::kind(p) == K::TypedParameter { cst::named(p).first().copied().unwrap_or(p) } else { p };
                    match cst::kind(inner) {
                        K::Identifier => add(self, self.sym(inner), None)?,
                        k @ (K::ListSplatPattern | K::DictionarySplatPattern) => {
                            let Some(name) = cst::named(inner).first().copied() else {
                                return self.err(p, "invalid syntax");
                            };
                            if k == K::ListSplatPattern {
                                params.star = Some(self.sym(name));
                                keyword_only = true;
                            } else {
                                params.double_star = Some(self.sym(name));
                            }
                        }
                        _ => return self.err(p, "invalid syntax"),
                    }
                }
                K::KeywordSeparator => keyword_only = true,
                K::PositionalSeparator => params.positional_only = params.positional.len(),
                _ => return self.err(p, "invalid syntax"),
            }
        }
        defaults.extend(keyword_defaults);
        Ok((params, defaults))
    }

    pub(super) fn class(&mut self, node: Node<'_>, decorators: &[Node<'_>]) -> Lowered<StmtKind> {
        let decorators = self.decorators(decorators)?;
        let name_node = self.need(node, F::Name)?;
        let name = self.text_of(name_node).to_string();
        let (mut bases, mut keywords) = (Vec::new(), Vec::new());
        if let Some(list) = cst::field(node, F::Superclasses) {
            for a in cst::named(list) {
                if cst::kind(a) == K::KeywordArgument {
                    let (n, v) = (self.need(a, F::Name)?, self.need(a, F::Value)?);
                    keywords.push((self.sym(n), self.expr(v)?));
                } else {
                    bases.push(self.expr(a)?);
                }
            }
        }
        let body = self.need(node, F::Body)?;
        self.scopes.open(CodeKind::Class);
        self.path.push(name.clone());
        self.classes.push(name.trim_start_matches('_').to_string());
        let body = self.block(body)?;
        self.classes.pop();
        self.path.pop();
        let scope = self.scopes.close();
        let code = self.code(&name, CodeKind::Class, Params::default(), body, self.header_span(node));
        self.scopes.seal(scope, code.clone());
        let var = self.scopes.bind(Sym::new(&name));
        Ok(StmtKind::Class(Rc::new(ClassDef { name: name.into(), code, bases, keywords, decorators, var })))
    }

    /// List, set and dict comprehensions run in the frame around them, with variables of their own.
    pub(super) fn comprehension(&mut self, node: Node<'_>) -> Lowered<Box<Comp>> {
        let from = self.scopes.renames();
        let clauses = self.clauses(node, None)?;
        let body = self.need(node, F::Body)?;
        let (element, value) = if cst::kind(body) == K::Pair {
            let (k, v) = (self.need(body, F::Key)?, self.need(body, F::Value)?);
            (self.expr(k)?, Some(self.expr(v)?))
        } else {
            (self.expr(body)?, None)
        };
        let vars = self.scopes.forget(from);
        Ok(Box::new(Comp { element, value, clauses, vars }))
    }

    /// The `for` and `if` clauses. `first`: what stands for the first iterable, where it was evaluated outside.
    fn clauses(&mut self, node: Node<'_>, mut first: Option<Expr>) -> Lowered<Vec<CompFor>> {
        let from = self.scopes.renames();
        let mut clauses: Vec<CompFor> = Vec::new();
        for part in cst::named(node) {
            match cst::kind(part) {
                K::ForInClause => {
                    if cst::children(part).first().is_some_and(|n| cst::kind(*n) == K::Async) {
                        return self.err(part, "asynchronous comprehension outside of an asynchronous function");
                    }
                    let iter = match first.take() {
                        Some(e) => e,
                        None => self.for_in_iterable(part)?,
                    };
                    let target = self.need(part, F::Left)?;
                    // The target's names are the comprehension's own.
                    let outer = self.inner_target.replace(from);
                    let target = self.target(target);
                    self.inner_target = outer;
                    clauses.push(CompFor { target: target?, iter, conditions: Vec::new() });
                }
                K::IfClause => {
                    let condition = match cst::named(part).first() {
                        Some(c) => self.expr(*c)?,
                        None => return self.err(part, "invalid syntax"),
                    };
                    match clauses.last_mut() {
                        Some(c) => c.conditions.push(condition),
                        None => return self.err(part, "invalid syntax"),
                    }
                }
                _ => {}
            }
        }
        Ok(clauses)
    }

    fn for_in_iterable(&mut self, clause: Node<'_>) -> Lowered<Expr> {
        let right = cst::fields(clause, F::Right);
        match right.as_slice() {
            [one] => self.expr(*one),
            [] => self.err(clause, "invalid syntax"),
            many => {
                if cst::kind(clause) == K::ForInClause
                    && cst::children(clause).iter().any(|n| cst::kind(*n) == K::Comma)
                    && clause.parent().is_some_and(|p| {
                        cst::kind(p) == K::GeneratorExpression
                            && p.parent().is_some_and(|call| cst::kind(call) == K::Call)
                    })
                {
                    let whole = clause.parent().unwrap_or(clause);
                    return self.err(whole, "Generator expression must be parenthesized");
                }
                let named: Vec<_> = many.iter().filter(|n| n.is_named()).collect();
                if let [one] = named.as_slice() {
                    return self.expr(**one);
                }
                let items = named.into_iter().map(|n| self.expr(*n)).collect::<Lowered<_>>()?;
                Ok(Expr { kind: ExprKind::Tuple(items), span: cst::span(clause) })
            }
        }
    }

    /// A generator expression is a generator function of one parameter, its first iterable.
    pub(super) fn generator(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        let Some(first) = cst::named(node).into_iter().find(|n| cst::kind(*n) == K::ForInClause) else {
            return self.err(node, "invalid syntax");
        };
        let iterable = self.for_in_iterable(first)?;
        let source = Sym::new(".0");
        let params = Params { positional: vec![Param { name: source, has_default: false }], ..Params::default() };
        let span = cst::span(node);
        let outer_target = self.inner_target.take();
        self.scopes.open(CodeKind::GeneratorExpression);
        self.scopes.bind_param(source);
        let from = self.scopes.renames();
        let argument = Expr { kind: ExprKind::Name(self.scopes.read(source)), span };
        let clauses = self.clauses(node, Some(argument))?;
        let body = self.need(node, F::Body)?;
        let element = self.expr(body)?;
        self.scopes.forget(from);
        let span_of = element.span;
        let yielded = Expr { kind: ExprKind::Yield(Some(Box::new(element))), span: span_of };
        let mut inner = Stmt { kind: StmtKind::Expr(yielded), span: span_of, yields: true };
        for clause in clauses.into_iter().rev() {
            for condition in clause.conditions.into_iter().rev() {
                let span = condition.span;
                inner = Stmt { kind: StmtKind::If(vec![(condition, [inner].into())], [].into()), span, yields: true };
            }
            let span = clause.iter.span;
            let one = super::super::ast::For {
                target: clause.target,
                iter: clause.iter,
                body: [inner].into(),
                orelse: [].into(),
            };
            inner = Stmt { kind: StmtKind::For(Rc::new(one)), span, yields: true };
        }
        let scope = self.scopes.close();
        let code = self.code("<genexpr>", CodeKind::GeneratorExpression, params, [inner].into(), span);
        self.scopes.seal(scope, code.clone());
        self.inner_target = outer_target;
        Ok(ExprKind::Generator(Box::new((code, iterable))))
    }
}

/// The name that a parameter binds.
fn parameter_name(p: Node<'_>) -> Option<Node<'_>> {
    match cst::kind(p) {
        K::Identifier => Some(p),
        K::DefaultParameter | K::TypedDefaultParameter => cst::field(p, F::Name),
        K::TypedParameter => parameter_name(cst::named(p).first().copied()?),
        K::ListSplatPattern | K::DictionarySplatPattern => cst::named(p).first().copied(),
        _ => None,
    }
}
