//! Hooks of modules: called around `forward`; those of the backward pass, as far as they change nothing.

use crate::eval::args::Args;
use crate::eval::class::Instance;
use crate::eval::dict::{Dict, Key};
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use crate::syntax::ast::{Block, Expr, ExprKind, StmtKind};
use std::rc::Rc;

/// The hooks of a module by the name of their table: the function, and whether it takes keyword arguments.
fn hooks(module: &Instance, table: &str) -> Vec<(Value, bool)> {
    let Some(Value::Dict(hooks)) = module.get(Sym::new(table)) else { return Vec::new() };
    let hooks = hooks.borrow();
    hooks
        .values()
        .map(|hook| match hook {
            Value::Tuple(pair) => (pair.items().first().cloned().unwrap_or_default(), true),
            plain => (plain.clone(), false),
        })
        .collect()
}

fn keywords(args: &Args) -> Value {
    let mut all = Dict::default();
    for (name, v) in &args.kw {
        all.insert(Key::str(&name.name()), v.clone());
    }
    Value::dict(all)
}

/// Calls the hooks before `forward`, which may exchange its arguments.
pub(super) fn before(i: &mut Interp, module: &Rc<Instance>, args: &mut Args) -> Eval<()> {
    for (hook, with_kwargs) in hooks(module, "_forward_pre_hooks") {
        let mut given = vec![Value::Instance(module.clone()), Value::tuple(args.pos.clone())];
        if with_kwargs {
            given.push(keywords(args));
        }
        let got = i.call(&hook, Args { pos: given, ..Args::none() })?;
        match (got, with_kwargs) {
            (Value::None, _) => {}
            (v, false) => args.pos = v.as_sequence().unwrap_or_else(|| vec![v]),
            (v, true) => {
                let pair = v.as_sequence().unwrap_or_default();
                let [pos, Value::Dict(kw)] = pair.as_slice() else {
                    let text = "forward pre-hook must return None or a tuple of (new_args, new_kwargs)";
                    return Err(i.raise(Exc::RuntimeError, text));
                };
                args.pos = pos.as_sequence().unwrap_or_else(|| vec![pos.clone()]);
                args.kw = kw
                    .borrow()
                    .iter()
                    .filter_map(|(k, v)| k.value().as_str().map(|k| (Sym::new(k), v.clone())))
                    .collect();
            }
        }
    }
    Ok(())
}

/// Calls the hooks after `forward`, which may exchange its result.
pub(super) fn after(i: &mut Interp, module: &Rc<Instance>, args: &Args, mut out: Value) -> Eval<Value> {
    for (hook, with_kwargs) in hooks(module, "_forward_hooks") {
        let mut given = vec![Value::Instance(module.clone()), Value::tuple(args.pos.clone())];
        if with_kwargs {
            given.push(keywords(args));
        }
        given.push(out.clone());
        let got = i.call(&hook, Args { pos: given, ..Args::none() })?;
        if !got.is_none() {
            out = got;
        }
    }
    Ok(out)
}

/// `_returns_nothing(f)`: whether a function certainly gives `None`, as a hook does that only looks.
pub(super) fn returns_nothing(_: &mut Interp, args: Args) -> Eval<Value> {
    let f = args.pos.into_iter().next().unwrap_or_default();
    let f = match f {
        Value::BoundMethod(m) => m.function(),
        f => f,
    };
    Ok(Value::Bool(match f {
        Value::Function(f) => nothing(&f.code.body),
        _ => false,
    }))
}

fn nothing(block: &Block) -> bool {
    block.iter().all(|s| match &s.kind {
        StmtKind::Return(value) => value.as_ref().is_none_or(is_nothing),
        StmtKind::If(arms, rest) => arms.iter().all(|(_, b)| nothing(b)) && nothing(rest),
        StmtKind::While(_, body, rest) => nothing(body) && nothing(rest),
        StmtKind::For(f) => nothing(&f.body) && nothing(&f.orelse),
        StmtKind::With(_, body) => nothing(body),
        StmtKind::Try(t) => {
            nothing(&t.body) && t.handlers.iter().all(|h| nothing(&h.body)) && nothing(&t.orelse) && nothing(&t.finally)
        }
        StmtKind::Match(_, cases) => cases.iter().all(|c| nothing(&c.body)),
        _ => true,
    })
}

/// `None` itself, and calls that are made for their effect.
fn is_nothing(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Const(v) => v.is_none(),
        ExprKind::Call(call) => match &call.function.kind {
            ExprKind::Attr(_, name) => name.with(|n| matches!(n, "append" | "update" | "extend" | "add" | "clear")),
            _ => false,
        },
        _ => false,
    }
}
