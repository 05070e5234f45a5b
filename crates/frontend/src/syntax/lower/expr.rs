//! Expressions and assignment targets.

use super::super::ast::{BinOp, Call, CmpOp, CodeKind, Expr, ExprKind, UnaryOp};
use super::{Lower, Lowered};
use crate::cst::{self, F, K};
use crate::diagnostic::Diagnostic;
use crate::eval::value::Value;
use num_bigint::BigInt;
use std::rc::Rc;
use tree_sitter::Node;

impl Lower<'_> {
    pub(super) fn expr(&mut self, node: Node<'_>) -> Lowered<Expr> {
        let kind = self.nested(node, |l| l.expr_kind(node))?;
        Ok(Expr { kind, span: cst::span(node) })
    }

    fn boxed(&mut self, node: Node<'_>) -> Lowered<Box<Expr>> {
        Ok(Box::new(self.expr(node)?))
    }

    fn items(&mut self, node: Node<'_>) -> Lowered<Vec<Expr>> {
        cst::named(node).into_iter().map(|n| self.item(n)).collect()
    }

    /// An item of a display. tree-sitter reads the first of `*x.shape, n` as `(*x).shape`: Python's star takes all of the item.
    fn item(&mut self, node: Node<'_>) -> Lowered<Expr> {
        let mut first = node;
        while cst::kind(first) != K::ListSplat {
            match first.child(0) {
                Some(child) => first = child,
                None => return self.expr(node),
            }
        }
        if first == node {
            return self.expr(node);
        }
        let outer = self.loose_star.replace(first.id());
        let whole = self.expr(node);
        self.loose_star = outer;
        Ok(Expr { kind: ExprKind::Starred(Box::new(whole?)), span: cst::span(node) })
    }

    fn expr_kind(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        Ok(match cst::kind(node) {
            K::Identifier => ExprKind::Name(self.scopes.read(self.sym(node))),
            K::Integer => self.integer(node)?,
            K::Float => self.float(node)?,
            K::String => return self.string(&[node]),
            K::ConcatenatedString => {
                let parts = cst::named(node);
                return self.string(&parts);
            }
            K::True => ExprKind::Const(Value::Bool(true)),
            K::False => ExprKind::Const(Value::Bool(false)),
            K::None => ExprKind::Const(Value::None),
            K::Ellipsis => ExprKind::Const(Value::Ellipsis),
            K::Attribute => {
                let (object, name) = (self.need(node, F::Object)?, self.need(node, F::Attribute)?);
                ExprKind::Attr(self.boxed(object)?, self.sym(name))
            }
            K::Call => self.call(node)?,
            K::Parenthesized => {
                let inner = cst::named(node);
                match inner.as_slice() {
                    [one] if cst::kind(*one) != K::ListSplat => return Ok(self.expr(*one)?.kind),
                    _ => return self.err(node, "cannot use starred expression here"),
                }
            }
            K::Tuple | K::ExpressionList | K::PatternList | K::TuplePattern => ExprKind::Tuple(self.items(node)?),
            K::List | K::ListPattern => ExprKind::List(self.items(node)?),
            K::Set => ExprKind::Set(self.items(node)?),
            K::Dictionary => {
                let mut pairs = Vec::new();
                for item in cst::named(node) {
                    if cst::kind(item) == K::DictionarySplat {
                        let inner = cst::named(item);
                        match inner.first() {
                            Some(e) => pairs.push((None, self.expr(*e)?)),
                            None => return self.err(item, "invalid syntax"),
                        }
                    } else {
                        let (k, v) = (self.need(item, F::Key)?, self.need(item, F::Value)?);
                        let key = self.expr(k)?;
                        pairs.push((Some(key), self.expr(v)?));
                    }
                }
                ExprKind::Dict(pairs)
            }
            K::ListComprehension => ExprKind::ListComp(self.comprehension(node)?),
            K::SetComprehension => ExprKind::SetComp(self.comprehension(node)?),
            K::DictionaryComprehension => ExprKind::DictComp(self.comprehension(node)?),
            K::GeneratorExpression => self.generator(node)?,
            K::Subscript => self.subscript(node)?,
            K::Slice => self.slice(node)?,
            K::UnaryOperator => {
                let (op, argument) = (self.need(node, F::Operator)?, self.need(node, F::Argument)?);
                let op = match cst::kind(op) {
                    K::Minus => UnaryOp::Neg,
                    K::Plus => UnaryOp::Pos,
                    _ => UnaryOp::Invert,
                };
                let argument = self.expr(argument)?;
                match (op, &argument.kind) {
                    (UnaryOp::Neg, ExprKind::Const(Value::Int(v))) if *v != i64::MIN => ExprKind::Const(Value::Int(-v)),
                    (UnaryOp::Neg, ExprKind::Const(Value::Float(v))) => ExprKind::Const(Value::Float(-v)),
                    _ => ExprKind::Unary(op, Box::new(argument)),
                }
            }
            K::NotOperator => {
                let argument = self.need(node, F::Argument)?;
                ExprKind::Unary(UnaryOp::Not, self.boxed(argument)?)
            }
            K::BinaryOperator => return self.binary(node),
            K::BooleanOperator => self.boolean(node)?,
            K::ComparisonOperator => self.comparison(node)?,
            K::Conditional => {
                let parts = cst::named(node);
                let [then, condition, orelse] = parts.as_slice() else { return self.err(node, "invalid syntax") };
                let condition = self.expr(*condition)?;
                let then = self.expr(*then)?;
                ExprKind::If(Box::new((condition, then, self.expr(*orelse)?)))
            }
            K::Lambda => self.lambda(node)?,
            K::Named => {
                let (name, value) = (self.need(node, F::Name)?, self.need(node, F::Value)?);
                let value = self.boxed(value)?;
                // Inside a comprehension it binds in the code around: the comprehension's own names are not touched.
                ExprKind::Walrus(self.scopes.bind(self.sym(name)), value)
            }
            K::ListSplat | K::ListSplatPattern | K::ParenthesizedListSplat => match cst::named(node).first() {
                Some(inner) if self.loose_star == Some(node.id()) => return self.expr_kind(*inner),
                Some(inner) => ExprKind::Starred(self.boxed(*inner)?),
                None => return self.err(node, "invalid syntax"),
            },
            K::Yield => self.yielding(node)?,
            K::Await => {
                let function = matches!(self.scopes.current().kind, CodeKind::Function | CodeKind::Generator);
                let outside = if function { "async function" } else { "function" };
                return self.err(node, format!("'await' outside {outside}"));
            }
            K::Type => match cst::named(node).first() {
                Some(inner) => return Ok(self.expr(*inner)?.kind),
                None => return self.err(node, "invalid syntax"),
            },
            _ => return self.err(node, "invalid syntax"),
        })
    }

    fn yielding(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        match self.scopes.current().kind {
            CodeKind::Function => {}
            CodeKind::GeneratorExpression => return self.err(node, "'yield' inside generator expression"),
            _ => return self.err(node, "'yield' outside function"),
        }
        self.scopes.current().yields = true;
        let from = cst::children(node).iter().any(|n| cst::kind(*n) == K::From);
        let value = cst::named(node);
        Ok(match value.first() {
            Some(v) if from => ExprKind::YieldFrom(self.boxed(*v)?),
            Some(v) => ExprKind::Yield(Some(self.boxed(*v)?)),
            None => ExprKind::Yield(None),
        })
    }

    fn integer(&self, node: Node<'_>) -> Lowered<ExprKind> {
        let text: String = self.text_of(node).chars().filter(|c| *c != '_').collect();
        let lower = text.to_ascii_lowercase();
        if let Some(digits) = lower.strip_suffix('j')
            && let Ok(v) = digits.parse()
        {
            return Ok(ExprKind::Imaginary(v));
        }
        let (digits, radix) = match lower.get(..2) {
            Some("0x") => (&lower[2..], 16),
            Some("0o") => (&lower[2..], 8),
            Some("0b") => (&lower[2..], 2),
            _ => (lower.trim_end_matches('l'), 10),
        };
        if digits.len() > 4300 {
            return self.err(node, "Exceeds the limit (4300 digits) for integer string conversion");
        }
        if radix == 10 && digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|b| b != b'0') {
            return self.err(node, "leading zeros in decimal integer literals are not permitted");
        }
        match i64::from_str_radix(digits, radix) {
            Ok(v) => Ok(ExprKind::Const(Value::Int(v))),
            Err(_) => match BigInt::parse_bytes(digits.as_bytes(), radix) {
                Some(v) => Ok(ExprKind::Const(Value::big(v))),
                None => self.err(node, "invalid integer literal"),
            },
        }
    }

    fn float(&self, node: Node<'_>) -> Lowered<ExprKind> {
        let text: String = self.text_of(node).chars().filter(|c| *c != '_').collect();
        if let Some(digits) = text.strip_suffix(['j', 'J'])
            && let Ok(v) = digits.parse()
        {
            return Ok(ExprKind::Imaginary(v));
        }
        match text.parse() {
            Ok(v) => Ok(ExprKind::Const(Value::Float(v))),
            Err(_) => self.err(node, "invalid number"),
        }
    }

    fn call(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        let (function, list) = (self.need(node, F::Function)?, self.need(node, F::Arguments)?);
        let function = self.expr(function)?;
        let (mut args, mut keywords) = (Vec::new(), Vec::new());
        if cst::kind(list) == K::GeneratorExpression {
            let kind = self.generator(list)?;
            args.push(Expr { kind, span: cst::span(list) });
        } else {
            let mut seen = Vec::new();
            for a in cst::named(list) {
                match cst::kind(a) {
                    K::KeywordArgument => {
                        let (n, v) = (self.need(a, F::Name)?, self.need(a, F::Value)?);
                        let name = self.sym(n);
                        if seen.contains(&name) {
                            return self.err(a, format!("keyword argument repeated: {name}"));
                        }
                        seen.push(name);
                        keywords.push((Some(name), self.expr(v)?));
                    }
                    K::DictionarySplat => match cst::named(a).first() {
                        Some(e) => keywords.push((None, self.expr(*e)?)),
                        None => return self.err(a, "invalid syntax"),
                    },
                    k => {
                        if k != K::ListSplat && !keywords.is_empty() {
                            let unpacked = keywords.iter().all(|(n, _)| n.is_none());
                            let what = if unpacked { "keyword argument unpacking" } else { "keyword argument" };
                            return self.err(a, format!("positional argument follows {what}"));
                        }
                        args.push(self.expr(a)?);
                    }
                }
            }
        }
        Ok(ExprKind::Call(Box::new(Call { function, args, keywords })))
    }

    fn subscript(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        let value = self.need(node, F::Value)?;
        let value = self.expr(value)?;
        let indices = cst::fields(node, F::Subscript);
        let comma = cst::children(node).iter().any(|n| cst::kind(*n) == K::Comma);
        let index = match indices.as_slice() {
            [] => return self.err(node, "invalid syntax"),
            [one] if !comma => self.expr(*one)?,
            many => {
                let items = many.iter().map(|n| self.expr(*n)).collect::<Lowered<_>>()?;
                Expr { kind: ExprKind::Tuple(items), span: cst::span(node) }
            }
        };
        Ok(ExprKind::Subscript(Box::new((value, index))))
    }

    fn slice(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        let mut parts = [None, None, None];
        let mut at = 0;
        for child in cst::children(node) {
            if cst::kind(child) == K::Colon {
                at += 1;
            } else if at < 3 {
                parts[at] = Some(self.expr(child)?);
            }
        }
        let [start, stop, step] = parts;
        Ok(ExprKind::Slice(Box::new((start, stop, step))))
    }

    /// Long chains of operators lean to the left: they are walked without recursion on that side while being lowered.
    fn binary(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        let (left, right) = (self.need(node, F::Left)?, self.need(node, F::Right)?);
        let op = self.need(node, F::Operator)?;
        let op = match cst::kind(op) {
            K::Plus => BinOp::Add,
            K::Minus => BinOp::Sub,
            K::Star => BinOp::Mul,
            K::Slash => BinOp::Div,
            K::DoubleSlash => BinOp::FloorDiv,
            K::Percent => BinOp::Mod,
            K::DoubleStar => BinOp::Pow,
            K::At => BinOp::MatMul,
            K::Ampersand => BinOp::And,
            K::Bar => BinOp::Or,
            K::Caret => BinOp::Xor,
            K::LeftShift => BinOp::LShift,
            K::RightShift => BinOp::RShift,
            _ => return self.err(op, "invalid syntax"),
        };
        let left = self.expr(left)?;
        Ok(ExprKind::Binary(op, Box::new((left, self.expr(right)?))))
    }

    fn boolean(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        let (left, right) = (self.need(node, F::Left)?, self.need(node, F::Right)?);
        let op = self.need(node, F::Operator)?;
        let and = cst::kind(op) == K::And;
        let left_node = left;
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        // `a and b and c` becomes one flat list, unless parentheses say otherwise.
        let flat = cst::kind(left_node) == K::BooleanOperator;
        Ok(match left.kind {
            ExprKind::And(mut items) if and && flat => {
                items.push(right);
                ExprKind::And(items)
            }
            ExprKind::Or(mut items) if !and && flat => {
                items.push(right);
                ExprKind::Or(items)
            }
            kind => {
                let items = vec![Expr { kind, span: left.span }, right];
                if and { ExprKind::And(items) } else { ExprKind::Or(items) }
            }
        })
    }

    fn comparison(&mut self, node: Node<'_>) -> Lowered<ExprKind> {
        let mut first: Option<Expr> = None;
        let mut rest = Vec::new();
        let mut op = None;
        let (mut was_not, mut was_is) = (false, false);
        for child in cst::children(node) {
            let sign = match cst::kind(child) {
                K::Less => Some(CmpOp::Lt),
                K::LessEqual => Some(CmpOp::Le),
                K::Equal => Some(CmpOp::Eq),
                K::NotEqual => Some(CmpOp::Ne),
                K::OldNotEqual => {
                    return Err(Box::new(
                        Diagnostic::error(crate::code::SYNTAX_ERROR, "invalid syntax", cst::span(child))
                            .help("Python 3 writes '!='"),
                    ));
                }
                K::Greater => Some(CmpOp::Gt),
                K::GreaterEqual => Some(CmpOp::Ge),
                K::In => Some(if was_not { CmpOp::NotIn } else { CmpOp::In }),
                K::NotIn => Some(CmpOp::NotIn),
                K::Is => Some(CmpOp::Is),
                K::IsNot => Some(CmpOp::IsNot),
                _ => None,
            };
            if let Some(sign) = sign {
                was_is = sign == CmpOp::Is;
                was_not = false;
                op = Some(sign);
            } else if !child.is_named() {
                // "not" of a "not in" or "is not" that the grammar spells as two tokens.
                was_not = true;
                if was_is {
                    op = Some(CmpOp::IsNot);
                }
            } else {
                let value = self.expr(child)?;
                match (first.is_some(), op.take()) {
                    (false, _) => first = Some(value),
                    (true, Some(op)) => rest.push((op, value)),
                    (true, None) => return self.err(node, "invalid syntax"),
                }
            }
        }
        match first {
            Some(f) => Ok(ExprKind::Compare(Box::new(f), rest)),
            None => self.err(node, "invalid syntax"),
        }
    }

    /// Annotations are evaluated only for data classes and the like; what is not an expression becomes `...`.
    pub(super) fn annotation(&mut self, node: Node<'_>) -> Lowered<Expr> {
        let inner = cst::named(node).first().copied().unwrap_or(node);
        if inner.kind() == "generic_type" {
            return self.nested(inner, |l| l.generic(inner));
        }
        if cst::kind(inner) == K::Other {
            return Ok(Expr { kind: ExprKind::Const(Value::Ellipsis), span: cst::span(node) });
        }
        self.expr(inner)
    }

    /// `Name[…]` where a type stands, which the grammar keeps apart from a subscript.
    fn generic(&mut self, node: Node<'_>) -> Lowered<Expr> {
        let span = cst::span(node);
        let parts = cst::named(node);
        let [name, parameters] = parts.as_slice() else {
            return Ok(Expr { kind: ExprKind::Const(Value::Ellipsis), span });
        };
        let name = self.expr(*name)?;
        let mut items =
            cst::named(*parameters).into_iter().map(|n| self.annotation(n)).collect::<Lowered<Vec<Expr>>>()?;
        let index = match items.pop() {
            Some(one) if items.is_empty() => one,
            last => {
                items.extend(last);
                Expr { kind: ExprKind::Tuple(items), span }
            }
        };
        Ok(Expr { kind: ExprKind::Subscript(Box::new((name, index))), span })
    }

    /// Something that is assigned to, deleted, or bound by a loop.
    pub(super) fn target(&mut self, node: Node<'_>) -> Lowered<Expr> {
        let span = cst::span(node);
        let kind = match cst::kind(node) {
            K::Identifier => {
                let name = self.sym(node);
                ExprKind::Name(match self.inner_target {
                    Some(from) => self.scopes.bind_inner(name, from),
                    None => self.bind_visible(name),
                })
            }
            K::Attribute | K::Subscript => {
                let outer = self.inner_target.take();
                let target = self.expr(node);
                self.inner_target = outer;
                return target;
            }
            K::Parenthesized => match cst::named(node).first() {
                Some(inner) => return self.nested(*inner, |l| l.target(*inner)),
                None => return self.err(node, "invalid syntax"),
            },
            K::Tuple | K::ExpressionList | K::PatternList | K::TuplePattern => ExprKind::Tuple(self.targets(node)?),
            K::List | K::ListPattern => ExprKind::List(self.targets(node)?),
            K::ListSplat | K::ListSplatPattern => match cst::named(node).first() {
                Some(inner) => ExprKind::Starred(Box::new(self.nested(*inner, |l| l.target(*inner))?)),
                None => return self.err(node, "invalid syntax"),
            },
            K::AsPatternTarget => match cst::named(node).first() {
                Some(inner) => return self.nested(*inner, |l| l.target(*inner)),
                None => return self.err(node, "invalid syntax"),
            },
            k => {
                let what = match k {
                    K::Call => "function call",
                    K::True | K::False | K::None | K::Ellipsis => "constant",
                    K::Integer | K::Float | K::String | K::ConcatenatedString => "literal",
                    K::ComparisonOperator => "comparison",
                    K::Conditional => "conditional expression",
                    K::Lambda => "lambda",
                    _ => "expression",
                };
                return self.err(node, format!("cannot assign to {what} here. Maybe you meant '==' instead of '='?"));
            }
        };
        Ok(Expr { kind, span })
    }

    fn targets(&mut self, node: Node<'_>) -> Lowered<Vec<Expr>> {
        let targets: Vec<Expr> =
            cst::named(node).into_iter().map(|n| self.nested(n, |l| l.target(n))).collect::<Lowered<_>>()?;
        if targets.iter().filter(|t| matches!(t.kind, ExprKind::Starred(_))).count() > 1 {
            return self.err(node, "multiple starred expressions in assignment");
        }
        Ok(targets)
    }

    fn bind_visible(&mut self, name: super::super::sym::Sym) -> super::super::ast::Var {
        self.scopes.bind(name)
    }

    pub(super) fn text_rc(&self, text: &str) -> Rc<str> {
        text.into()
    }
}
