//! `list`, `tuple`, `range`, `slice`.

use super::functions::sort;
use super::support::{Method, arg, items, list_of, table, this, wrong};
use crate::eval::args::Args;
use crate::eval::nest::Nest;
use crate::eval::value::{Attrs, Range, Slice, Value};
use crate::eval::{Eval, Exc, Interp};
use std::rc::Rc;

/// `list(…)`.
pub(super) fn list(i: &mut Interp, args: Args) -> Eval<Value> {
    let [v] = args.bind(i, "list", ["iterable"], 0)?;
    let items = match v {
        Some(v) => i.iterate(&v)?,
        None => Vec::new(),
    };
    i.allocate(items.len())?;
    Ok(Value::list(items))
}

/// `tuple(…)`.
pub(super) fn tuple(i: &mut Interp, args: Args) -> Eval<Value> {
    if let Some(v @ Value::Tuple(t)) = args.pos.first()
        && !t.size
    {
        return Ok(v.clone());
    }
    Ok(Value::tuple(items(i, &args)?))
}

/// `range(…)`.
pub(super) fn range(i: &mut Interp, args: Args) -> Eval<Value> {
    let mut n = Vec::with_capacity(3);
    for v in &args.pos {
        n.push(i.index_int(v)?);
    }
    let range = match n.as_slice() {
        [stop] => Range { start: 0, stop: *stop, step: 1 },
        [start, stop] => Range { start: *start, stop: *stop, step: 1 },
        [_, _, 0] => return Err(i.raise(Exc::ValueError, "range() arg 3 must not be zero")),
        [start, stop, step] => Range { start: *start, stop: *stop, step: *step },
        [] => return Err(i.raise(Exc::TypeError, "range expected at least 1 argument, got 0")),
        _ => return Err(i.raise(Exc::TypeError, format!("range expected at most 3 arguments, got {}", n.len()))),
    };
    Ok(Value::Range(Rc::new(range)))
}

/// `slice(…)`.
pub(super) fn slice(i: &mut Interp, args: Args) -> Eval<Value> {
    let at = |k: usize| arg(&args, k);
    let s = match args.pos.len() {
        1 => Slice { start: Value::None, stop: at(0), step: Value::None },
        2 | 3 => Slice { start: at(0), stop: at(1), step: at(2) },
        n => return Err(i.raise(Exc::TypeError, format!("slice expected 1 to 3 arguments, got {n}"))),
    };
    Ok(Value::Slice(Rc::new(Nest::new(s))))
}

fn position(i: &mut Interp, items: &[Value], v: &Value) -> Eval<Option<usize>> {
    for (k, x) in items.iter().enumerate() {
        i.step()?;
        if i.equal(x, v)? {
            return Ok(Some(k));
        }
    }
    Ok(None)
}

fn index_of(i: &mut Interp, items: &[Value], rest: &Args, what: &str) -> Eval<Value> {
    let n = items.len() as i64;
    let mut bound = |k: usize, default: i64| -> Eval<usize> {
        let v = match rest.pos.get(k) {
            None => default,
            Some(v) => i.index_int(v)?,
        };
        Ok(if v < 0 { v.saturating_add(n).max(0) } else { v.min(n) } as usize)
    };
    let (start, stop) = (bound(1, 0)?, bound(2, n)?);
    match position(i, items.get(start..stop).unwrap_or(&[]), &arg(rest, 0))? {
        Some(k) => Ok(Value::from(k + start)),
        None => {
            let shown = i.repr(&arg(rest, 0))?;
            let text = match what {
                "tuple" => "tuple.index(x): x not in tuple".to_string(),
                _ => format!("{shown} is not in {what}"),
            };
            Err(i.raise(Exc::ValueError, text))
        }
    }
}

fn count_of(i: &mut Interp, items: &[Value], v: &Value) -> Eval<Value> {
    let mut n = 0;
    for x in items {
        i.step()?;
        n += i64::from(i.equal(x, v)?);
    }
    Ok(Value::Int(n))
}

/// What subclasses reach through `super()`.
const COMMON: &[Method] = &[
    ("__len__", |i, args| i.len(&this(args).0).map(Value::from)),
    ("__getitem__", |i, args| {
        let (v, rest) = this(args);
        i.get_item(&v, &arg(&rest, 0))
    }),
    ("__contains__", |i, args| {
        let (v, rest) = this(args);
        i.contains(&v, &arg(&rest, 0)).map(Value::Bool)
    }),
    ("__iter__", |i, args| i.iter(&this(args).0)),
    ("count", |i, args| {
        let (v, rest) = this(args);
        let items = i.iterate(&v)?;
        count_of(i, &items, &arg(&rest, 0))
    }),
];

pub(super) fn tuple_methods() -> Attrs {
    let mut attrs = table(COMMON);
    attrs.extend(table(&[("index", |i, args| {
        let (v, rest) = this(args);
        let items = v.as_sequence().unwrap_or_default();
        index_of(i, &items, &rest, "tuple")
    })]));
    attrs
}

pub(super) fn range_methods() -> Attrs {
    let mut attrs = table(COMMON);
    attrs.extend(table(&[("index", |i, args| {
        let (v, rest) = this(args);
        let items = i.iterate(&v)?;
        index_of(i, &items, &rest, "range")
    })]));
    attrs
}

pub(super) fn slice_methods() -> Attrs {
    table(&[("indices", |i, args| {
        let (v, rest) = this(args);
        let Value::Slice(s) = v else { return Err(wrong(i, &v)) };
        let n = i.index_int(&arg(&rest, 0))?;
        let n = usize::try_from(n).map_err(|_| i.raise(Exc::ValueError, "length should not be negative"))?;
        let (start, step, count) = i.slice_range(&s, n)?;
        let stop = (start as i128 + step as i128 * count as i128).clamp(-1, n as i128) as i64;
        Ok(Value::tuple(vec![Value::Int(start), Value::Int(stop), Value::Int(step)]))
    })])
}

fn extend(i: &mut Interp, args: Args) -> Eval<Value> {
    let (l, rest) = list_of(i, args)?;
    let [source] = rest.exactly(i, "list.extend")?;
    if let Value::Iterator(_) = source {
        // Items are added as they come: a generator may look at the list.
        while let Some(v) = i.next(&source)? {
            i.allocate(1)?;
            l.borrow_mut().push(v);
        }
        return Ok(Value::None);
    }
    let items = i.iterate(&source)?;
    i.allocate(items.len())?;
    l.borrow_mut().extend(items);
    Ok(Value::None)
}

fn pop(i: &mut Interp, args: Args) -> Eval<Value> {
    let (l, rest) = list_of(i, args)?;
    let n = l.borrow().len() as i64;
    let at = match rest.pos.first() {
        Some(v) => i.index_int(v)?,
        None => -1,
    };
    let at = if at < 0 { at.saturating_add(n) } else { at };
    if at < 0 || at >= n {
        let text = if n == 0 { "pop from empty list" } else { "pop index out of range" };
        return Err(i.raise(Exc::IndexError, text));
    }
    Ok(l.borrow_mut().remove(at as usize))
}

const LIST: &[Method] = &[
    ("__init__", |i, args| {
        let (l, rest) = list_of(i, args)?;
        let items = items(i, &rest)?;
        i.allocate(items.len())?;
        let old = std::mem::replace(&mut *l.borrow_mut(), items);
        drop(old);
        Ok(Value::None)
    }),
    ("append", |i, args| {
        let (l, rest) = list_of(i, args)?;
        let [v] = rest.exactly(i, "list.append")?;
        i.allocate(1)?;
        l.borrow_mut().push(v);
        Ok(Value::None)
    }),
    ("extend", extend),
    ("insert", |i, args| {
        let (l, rest) = list_of(i, args)?;
        let [at, v] = rest.exactly(i, "insert")?;
        let at = i.index_int(&at)?;
        let n = l.borrow().len();
        let at = if at < 0 { at.saturating_add(n as i64).max(0) } else { at.min(n as i64) };
        i.allocate(1)?;
        // What follows is moved.
        i.steps((n - at as usize) / 64)?;
        l.borrow_mut().insert(at as usize, v);
        Ok(Value::None)
    }),
    ("pop", pop),
    ("remove", |i, args| {
        let (l, rest) = list_of(i, args)?;
        let items = l.borrow().clone();
        match position(i, &items, &arg(&rest, 0))? {
            Some(k) => {
                // Comparing may have changed the list.
                let mut l = l.borrow_mut();
                let old = (k < l.len()).then(|| l.remove(k));
                drop(l);
                drop(old);
                Ok(Value::None)
            }
            None => Err(i.raise(Exc::ValueError, "list.remove(x): x not in list")),
        }
    }),
    ("clear", |i, args| {
        let (l, _) = list_of(i, args)?;
        let old = std::mem::take(&mut *l.borrow_mut());
        drop(old);
        Ok(Value::None)
    }),
    ("reverse", |i, args| {
        list_of(i, args)?.0.borrow_mut().reverse();
        Ok(Value::None)
    }),
    ("copy", |i, args| {
        let (l, _) = list_of(i, args)?;
        let items = l.borrow().clone();
        i.allocate(items.len())?;
        Ok(Value::list(items))
    }),
    ("index", |i, args| {
        let (l, rest) = list_of(i, args)?;
        let items = l.borrow().clone();
        index_of(i, &items, &rest, "list")
    }),
    ("sort", |i, args| {
        let (l, mut rest) = list_of(i, args)?;
        let key = rest.take_kw("key");
        let reverse = match rest.take_kw("reverse") {
            Some(v) => i.truth(&v)?,
            None => false,
        };
        let [] = rest.exactly(i, "sort")?;
        let items = l.borrow().clone();
        let sorted = sort(i, items, key, reverse)?;
        *l.borrow_mut() = sorted;
        Ok(Value::None)
    }),
    ("__setitem__", |i, args| {
        let (v, rest) = this(args);
        i.set_item(&v, &arg(&rest, 0), arg(&rest, 1))?;
        Ok(Value::None)
    }),
    ("__delitem__", |i, args| {
        let (v, rest) = this(args);
        i.del_item(&v, &arg(&rest, 0))?;
        Ok(Value::None)
    }),
];

pub(super) fn list_methods() -> Attrs {
    let mut attrs = table(COMMON);
    attrs.extend(table(LIST));
    attrs
}
