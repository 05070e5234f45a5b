//! `set` and `frozenset`.

use super::support::{Method, arg, items, set_of, table, this};
use crate::eval::args::Args;
use crate::eval::dict::{Key, Set};
use crate::eval::operators::combine;
use crate::eval::value::{Attrs, SetObj, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::ast::BinOp;
use std::rc::Rc;

fn keys(i: &mut Interp, values: Vec<Value>) -> Eval<Set> {
    let mut set = Set::default();
    for v in values {
        set.insert(Key::new(i, &v)?);
    }
    i.allocate(set.len())?;
    Ok(set)
}

/// `set(…)`.
pub(super) fn set(i: &mut Interp, args: Args) -> Eval<Value> {
    let values = items(i, &args)?;
    Ok(Value::set(keys(i, values)?))
}

/// `frozenset(…)`.
pub(super) fn frozenset(i: &mut Interp, args: Args) -> Eval<Value> {
    let values = items(i, &args)?;
    Ok(Value::Set(Rc::new(SetObj::new(keys(i, values)?, true))))
}

fn combined(i: &mut Interp, args: Args, op: BinOp) -> Eval<(Rc<SetObj>, Set)> {
    let (s, rest) = set_of(i, args)?;
    let mut out = s.borrow().clone();
    for other in &rest.pos {
        let values = i.iterate(other)?;
        let right = keys(i, values)?;
        out = combine(op, &out, &right);
    }
    i.allocate(out.len())?;
    Ok((s, out))
}

fn fresh(i: &mut Interp, args: Args, op: BinOp) -> Eval<Value> {
    let (s, out) = combined(i, args, op)?;
    Ok(Value::Set(Rc::new(SetObj::new(out, s.frozen))))
}

fn in_place(i: &mut Interp, args: Args, op: BinOp) -> Eval<Value> {
    let (s, out) = combined(i, args, op)?;
    let old = std::mem::replace(&mut *s.borrow_mut(), out);
    drop(old);
    Ok(Value::None)
}

fn subset(i: &mut Interp, args: Args, turned: bool) -> Eval<Value> {
    let (s, rest) = set_of(i, args)?;
    let values = i.iterate(&arg(&rest, 0))?;
    let right = keys(i, values)?;
    let left = s.borrow();
    let (small, large) = if turned { (&right, &*left) } else { (&*left, &right) };
    Ok(Value::Bool(small.iter().all(|k| large.contains(k))))
}

const BOTH: &[Method] = &[
    ("copy", |i, args| {
        let (s, _) = set_of(i, args)?;
        let content = s.borrow().clone();
        i.allocate(content.len())?;
        Ok(Value::Set(Rc::new(SetObj::new(content, s.frozen))))
    }),
    ("union", |i, args| fresh(i, args, BinOp::Or)),
    ("intersection", |i, args| fresh(i, args, BinOp::And)),
    ("difference", |i, args| fresh(i, args, BinOp::Sub)),
    ("symmetric_difference", |i, args| fresh(i, args, BinOp::Xor)),
    ("issubset", |i, args| subset(i, args, false)),
    ("issuperset", |i, args| subset(i, args, true)),
    ("isdisjoint", |i, args| Ok(Value::Bool(combined(i, args, BinOp::And)?.1.is_empty()))),
    ("__len__", |i, args| i.len(&this(args).0).map(Value::from)),
    ("__contains__", |i, args| {
        let (v, rest) = this(args);
        i.contains(&v, &arg(&rest, 0)).map(Value::Bool)
    }),
    ("__iter__", |i, args| i.iter(&this(args).0)),
];

pub(super) fn frozenset_methods() -> Attrs {
    table(BOTH)
}

pub(super) fn set_methods() -> Attrs {
    let mut attrs = table(BOTH);
    attrs.extend(table(&[
        ("__init__", |i, args| {
            let (s, rest) = set_of(i, args)?;
            let values = items(i, &rest)?;
            let new = keys(i, values)?;
            *s.borrow_mut() = new;
            Ok(Value::None)
        }),
        ("add", |i, args| {
            let (s, rest) = set_of(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            i.allocate(1)?;
            s.borrow_mut().insert(key);
            Ok(Value::None)
        }),
        ("discard", |i, args| {
            let (s, rest) = set_of(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            s.borrow_mut().shift_remove(&key);
            Ok(Value::None)
        }),
        ("remove", |i, args| {
            let (s, rest) = set_of(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            let had = s.borrow_mut().shift_remove(&key);
            if had { Ok(Value::None) } else { Err(i.raise_args(Exc::KeyError, vec![arg(&rest, 0)])) }
        }),
        ("update", |i, args| in_place(i, args, BinOp::Or)),
        ("intersection_update", |i, args| in_place(i, args, BinOp::And)),
        ("difference_update", |i, args| in_place(i, args, BinOp::Sub)),
        ("symmetric_difference_update", |i, args| in_place(i, args, BinOp::Xor)),
        ("clear", |i, args| {
            let (s, _) = set_of(i, args)?;
            let old = std::mem::take(&mut *s.borrow_mut());
            drop(old);
            Ok(Value::None)
        }),
        ("pop", |i, args| {
            let (s, _) = set_of(i, args)?;
            let first = s.borrow_mut().shift_remove_index(0);
            match first {
                Some(k) => Ok(k.value().clone()),
                None => Err(i.raise(Exc::KeyError, "pop from an empty set")),
            }
        }),
    ]));
    attrs
}
