//! Looking into code: the parameters of a function for `inspect`, and texts that are a literal for `ast`.

use crate::eval::args::Args;
use crate::eval::module::PyModule;
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::ast::{Expr, ExprKind, StmtKind, UnaryOp};
use crate::syntax::sym::{Sym, known};
use std::rc::Rc;

/// `inspect.Parameter.kind`, by its number.
const POSITIONAL_ONLY: i64 = 0;
const POSITIONAL_OR_KEYWORD: i64 = 1;
const VAR_POSITIONAL: i64 = 2;
const KEYWORD_ONLY: i64 = 3;
const VAR_KEYWORD: i64 = 4;

/// The parameters of something that can be called: of each its name, its kind and a tuple of its default, if it has one.
pub(super) fn parameters(i: &mut Interp, args: Args) -> Eval<Value> {
    let [callable] = args.exactly(i, "signature")?;
    let (function, bound) = match &callable {
        Value::BoundMethod(m) => (m.function(), 1),
        Value::Class(c) => (c.lookup(known::INIT).unwrap_or_default(), 1),
        Value::Instance(o) => {
            let class = o.class();
            (class.lookup(known::CALL).or_else(|| class.lookup(Sym::new("forward"))).unwrap_or_default(), 1)
        }
        f => (f.clone(), 0),
    };
    let function = match &function {
        Value::Function(f) => f.clone(),
        // `object.__init__`: no parameters.
        Value::Native(_) if matches!(callable, Value::Class(_)) => return Ok(Value::list(Vec::new())),
        Value::Native(_) | Value::Operator(_) | Value::Partial(_) => {
            return Err(i.unsupported("the signature of a function that is not written in Python is not known here"));
        }
        _ => {
            let shown = i.repr(&callable)?;
            return Err(i.raise(Exc::TypeError, format!("{shown} is not a callable object")));
        }
    };
    let params = &function.code.params;
    let mut defaults = function.defaults.iter();
    let mut all = Vec::new();
    let mut add = |name: Sym, kind: i64, default: Option<&Value>| {
        let default = Value::tuple(default.cloned().into_iter().collect());
        all.push(Value::tuple(vec![Value::Str(name.name()), Value::Int(kind), default]));
    };
    for (at, p) in params.positional.iter().enumerate() {
        let default = if p.has_default { defaults.next() } else { None };
        let kind = if at < params.positional_only { POSITIONAL_ONLY } else { POSITIONAL_OR_KEYWORD };
        if at >= bound {
            add(p.name, kind, default);
        }
    }
    if let Some(name) = params.star {
        add(name, VAR_POSITIONAL, None);
    }
    for p in &params.keyword_only {
        add(p.name, KEYWORD_ONLY, if p.has_default { defaults.next() } else { None });
    }
    if let Some(name) = params.double_star {
        add(name, VAR_KEYWORD, None);
    }
    i.allocate(all.len())?;
    Ok(Value::list(all))
}

/// `ast.literal_eval(text)`.
pub(super) fn literal(i: &mut Interp, args: Args) -> Eval<Value> {
    let [text] = args.exactly(i, "literal_eval")?;
    let code = i.expression(text.as_str().unwrap_or(""))?;
    match code.body.first().map(|s| &s.kind) {
        Some(StmtKind::Expr(e)) if is_literal(e) => {}
        _ => return Err(i.raise(Exc::ValueError, "malformed node or string")),
    }
    i.run_expression(Rc::new(PyModule::new("ast")), &code)
}

/// Nested no deeper than the parser allows.
fn is_literal(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Const(v) => !matches!(v, Value::Ellipsis),
        ExprKind::Unary(UnaryOp::Neg | UnaryOp::Pos, inner) => {
            matches!(&inner.kind, ExprKind::Const(Value::Int(_) | Value::Float(_) | Value::Big(_)))
        }
        ExprKind::Tuple(items) | ExprKind::List(items) | ExprKind::Set(items) => items.iter().all(is_literal),
        ExprKind::Dict(pairs) => pairs.iter().all(|(k, v)| k.as_ref().is_some_and(is_literal) && is_literal(v)),
        _ => false,
    }
}
