//! `match` statements.

use super::super::ast::{Case, Expr, ExprKind, Pattern, StmtKind, UnaryOp};
use super::{Lower, Lowered};
use crate::cst::{self, F, K};
use tree_sitter::Node;

impl Lower<'_> {
    pub(super) fn match_statement(&mut self, node: Node<'_>) -> Lowered<StmtKind> {
        let subjects = cst::fields(node, F::Subject);
        let subject = match subjects.as_slice() {
            [one] => self.expr(*one)?,
            many => {
                let items = many.iter().filter(|n| n.is_named()).map(|n| self.expr(*n)).collect::<Lowered<_>>()?;
                Expr { kind: ExprKind::Tuple(items), span: cst::span(node) }
            }
        };
        let body = self.need(node, F::Body)?;
        let mut cases = Vec::new();
        for clause in cst::named(body).into_iter().filter(|n| cst::kind(*n) == K::CaseClause) {
            let guard_node = cst::field(clause, F::Guard);
            let consequence = self.need(clause, F::Consequence)?;
            let patterns: Vec<_> = cst::named(clause)
                .into_iter()
                .filter(|n| n.id() != consequence.id() && Some(n.id()) != guard_node.map(|g| g.id()))
                .collect();
            let comma = cst::children(clause).iter().any(|n| cst::kind(*n) == K::Comma);
            let pattern = match patterns.as_slice() {
                [one] if !comma => self.pattern(*one)?,
                many => self.sequence_pattern(many)?,
            };
            let guard = match guard_node.and_then(|g| cst::named(g).first().copied()) {
                Some(g) => Some(self.expr(g)?),
                None => None,
            };
            cases.push(Case { pattern, guard, body: self.block(consequence)? });
        }
        Ok(StmtKind::Match(subject, cases))
    }

    fn pattern(&mut self, node: Node<'_>) -> Lowered<Pattern> {
        self.nested(node, |l| l.pattern_inner(node))
    }

    fn pattern_inner(&mut self, node: Node<'_>) -> Lowered<Pattern> {
        let parts = cst::named(node);
        Ok(match cst::kind(node) {
            K::CasePattern => match parts.as_slice() {
                [one] => {
                    // A minus sign is a bare token before its number.
                    if cst::children(node).first().is_some_and(|n| cst::kind(*n) == K::Minus) {
                        return self.negative(*one);
                    }
                    return self.pattern(*one);
                }
                [] => Pattern::Wildcard,
                _ => return self.err(node, "invalid pattern"),
            },
            K::Underscore => Pattern::Wildcard,
            K::Identifier => self.capture(node),
            K::DottedName => match parts.as_slice() {
                [one] => self.capture(*one),
                _ => Pattern::Value(self.dotted_value(node)?),
            },
            K::AsPattern => {
                let Some(first) = parts.first() else { return self.err(node, "invalid pattern") };
                let inner = self.pattern(*first)?;
                let alias = cst::field(node, F::Alias).or(parts.get(1).copied());
                let Some(alias) = alias else { return self.err(node, "invalid pattern") };
                let name = self.sym(cst::named(alias).first().copied().unwrap_or(alias));
                Pattern::As(Box::new(inner), self.scopes.bind(name))
            }
            K::UnionPattern => {
                let (mut all, mut minus) = (Vec::new(), false);
                for part in cst::children(node) {
                    // A minus sign is a bare token before its number here too.
                    if cst::kind(part) == K::Minus {
                        minus = true;
                    } else if part.is_named() {
                        all.push(if minus { self.negative(part)? } else { self.pattern(part)? });
                        minus = false;
                    }
                }
                Pattern::Or(all)
            }
            K::ListPattern | K::TuplePattern => {
                let tuple_of_one = cst::kind(node) == K::TuplePattern
                    && parts.len() == 1
                    && !cst::children(node).iter().any(|n| cst::kind(*n) == K::Comma);
                if tuple_of_one {
                    return self.pattern(parts[0]);
                }
                self.sequence_pattern(&parts)?
            }
            K::SplatPattern => Pattern::Star(parts.first().map(|n| self.sym(*n)).map(|n| self.scopes.bind(n))),
            K::DictPattern => {
                let (keys, values) = (cst::fields(node, F::Key), cst::fields(node, F::Value));
                let mut pairs = Vec::new();
                for (k, v) in keys.into_iter().filter(|n| n.is_named()).zip(values.into_iter().filter(|n| n.is_named()))
                {
                    let key = match self.pattern(k)? {
                        Pattern::Value(e) => e,
                        _ => return self.err(k, "invalid pattern"),
                    };
                    pairs.push((key, self.pattern(v)?));
                }
                let rest = parts.iter().find(|n| cst::kind(**n) == K::SplatPattern);
                let rest = rest.and_then(|n| cst::named(*n).first().copied()).map(|n| self.sym(n));
                Pattern::Mapping(pairs, rest.map(|n| self.scopes.bind(n)))
            }
            K::ClassPattern => {
                let Some((class, args)) = parts.split_first() else { return self.err(node, "invalid pattern") };
                let class = self.dotted_value(*class)?;
                let (mut positional, mut keywords) = (Vec::new(), Vec::new());
                for a in args {
                    let inner =
                        if cst::kind(*a) == K::CasePattern { cst::named(*a).first().copied() } else { Some(*a) };
                    match inner {
                        Some(k) if cst::kind(k) == K::KeywordPattern => {
                            let kv = cst::named(k);
                            let [name, value] = kv.as_slice() else { return self.err(k, "invalid pattern") };
                            let minus = cst::children(k).iter().any(|n| cst::kind(*n) == K::Minus);
                            let value = if minus { self.negative(*value)? } else { self.pattern(*value)? };
                            keywords.push((self.sym(*name), value));
                        }
                        _ => positional.push(self.pattern(*a)?),
                    }
                }
                Pattern::Class(class, positional, keywords)
            }
            K::ComplexPattern => return self.err(node, "complex numbers are not supported"),
            _ => {
                if cst::children(node).first().is_some_and(|n| cst::kind(*n) == K::Minus)
                    && let Some(inner) = parts.first()
                {
                    return self.negative(*inner);
                }
                Pattern::Value(self.expr(node)?)
            }
        })
    }

    fn negative(&mut self, node: Node<'_>) -> Lowered<Pattern> {
        let inner = self.expr(node)?;
        let span = inner.span;
        Ok(Pattern::Value(Expr { kind: ExprKind::Unary(UnaryOp::Neg, Box::new(inner)), span }))
    }

    fn sequence_pattern(&mut self, nodes: &[Node<'_>]) -> Lowered<Pattern> {
        let items: Vec<Pattern> = nodes.iter().map(|n| self.pattern(*n)).collect::<Lowered<_>>()?;
        let star = items.iter().position(|p| matches!(p, Pattern::Star(_)));
        Ok(Pattern::Sequence(items, star))
    }

    fn capture(&mut self, node: Node<'_>) -> Pattern {
        match self.text_of(node) {
            "_" => Pattern::Wildcard,
            name => Pattern::Capture(self.scopes.bind(self.private(name))),
        }
    }

    fn dotted_value(&mut self, node: Node<'_>) -> Lowered<Expr> {
        let span = cst::span(node);
        let parts = cst::named(node);
        let Some((first, rest)) = parts.split_first() else { return self.expr(node) };
        let mut value = Expr { kind: ExprKind::Name(self.scopes.read(self.sym(*first))), span };
        for part in rest {
            value = Expr { kind: ExprKind::Attr(Box::new(value), self.sym(*part)), span };
        }
        Ok(value)
    }
}
