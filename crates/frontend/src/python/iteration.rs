//! `enumerate`, `zip`, `map`, `filter`, `reversed`, and the methods of iterators.

use super::support::{arg, table};
use crate::eval::args::Args;
use crate::eval::iter::Iter;
use crate::eval::value::{Attrs, Range, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use crate::syntax::sym::known;

/// `enumerate(…)`.
pub(super) fn enumerate(i: &mut Interp, args: Args) -> Eval<Value> {
    let [source, start] = args.bind(i, "enumerate", ["iterable", "start"], 1)?;
    let inner = i.iter(&source.unwrap_or_default())?;
    let at = match start {
        Some(v) => i.index_int(&v)?,
        None => 0,
    };
    Ok(Value::iterator(Iter::Enumerate { inner, at }))
}

/// `zip(…)`.
pub(super) fn zip(i: &mut Interp, mut args: Args) -> Eval<Value> {
    let strict = match args.take_kw("strict") {
        Some(v) => i.truth(&v)?,
        None => false,
    };
    let inners = args.pos.iter().map(|v| i.iter(v)).collect::<Eval<Vec<_>>>()?;
    Ok(Value::iterator(Iter::Zip { inners, strict }))
}

/// `map(…)`.
pub(super) fn map(i: &mut Interp, args: Args) -> Eval<Value> {
    if args.pos.len() < 2 {
        return Err(i.raise(Exc::TypeError, "map() must have at least two arguments."));
    }
    let (function, rest) = args.receiver();
    let inners = rest.pos.iter().map(|v| i.iter(v)).collect::<Eval<Vec<_>>>()?;
    Ok(Value::iterator(Iter::Map { function, inners }))
}

/// `filter(…)`.
pub(super) fn filter(i: &mut Interp, args: Args) -> Eval<Value> {
    let [function, source] = args.exactly(i, "filter")?;
    let inner = i.iter(&source)?;
    Ok(Value::iterator(Iter::Filter { function, inner }))
}

/// `reversed(…)`.
pub(super) fn reversed(i: &mut Interp, args: Args) -> Eval<Value> {
    let [v] = args.exactly(i, "reversed")?;
    if let Value::Instance(o) = &v {
        if let Some(r) = i.call_special(&v, known::REVERSED, Vec::new())? {
            return i.iter(&r);
        }
        if o.payload_value().is_none() && i.find_special(&v, known::GETITEM)?.is_some() {
            let n = i.len(&v)?;
            i.allocate(n)?;
            let mut items = Vec::with_capacity(n);
            for k in (0..n).rev() {
                items.push(i.get_item(&v, &Value::from(k))?);
            }
            return Ok(Value::iterator(Iter::Items { items, at: 0 }));
        }
    }
    if let Value::Range(r) = &v {
        let n = r.len();
        let range = match n {
            0 => Range { start: 0, stop: 0, step: 1 },
            _ => {
                let step = r.step.saturating_neg();
                Range { start: r.at(n - 1), stop: r.start.saturating_add(step.signum()), step }
            }
        };
        return Ok(Value::iterator(Iter::Range { range, at: 0 }));
    }
    if matches!(v, Value::Set(_) | Value::Iterator(_)) {
        return Err(i.raise(Exc::TypeError, format!("'{}' object is not reversible", i.type_name(&v))));
    }
    let mut items = match i.iterate(&v) {
        Err(e) if e.is(i, Exc::TypeError) => {
            return Err(i.raise(Exc::TypeError, format!("'{}' object is not reversible", i.type_name(&v))));
        }
        other => other?,
    };
    i.allocate(items.len())?;
    items.reverse();
    Ok(Value::iterator(Iter::Items { items, at: 0 }))
}

/// An item, or `StopIteration` with what a generator has returned.
pub(super) fn item_or_stop(i: &Interp, iter: &Value, item: Option<Value>) -> Eval<Value> {
    item.ok_or_else(|| {
        let value = i.returned(iter);
        i.raise_args(Exc::StopIteration, if value.is_none() { Vec::new() } else { vec![value] })
    })
}

pub(super) fn iterator_methods() -> Attrs {
    table(&[
        ("__next__", |i, args| {
            let (it, _) = args.receiver();
            let item = i.next(&it)?;
            item_or_stop(i, &it, item)
        }),
        ("__iter__", |_, args| Ok(args.receiver().0)),
        ("send", |i, args| {
            let (it, rest) = args.receiver();
            let item = i.send(&it, arg(&rest, 0))?;
            item_or_stop(i, &it, item)
        }),
        ("throw", |i, args| {
            let (it, rest) = args.receiver();
            // The old spelling gives the class first and the exception second.
            let value = match (arg(&rest, 0), arg(&rest, 1)) {
                (class, Value::None) => class,
                (_, exception) => exception,
            };
            let raise = i.raise_value(&value)?;
            let item = i.throw(&it, raise)?;
            item_or_stop(i, &it, item)
        }),
        ("close", |i, args| {
            let (it, _) = args.receiver();
            i.close(&it)?;
            Ok(Value::None)
        }),
    ])
}

/// The constructors that `itertools` finds here; the rest of that module is Python.
pub(super) fn itertools(name: &str) -> Option<Value> {
    Some(match name {
        "count" => Value::native("count", |i: &mut Interp, args: Args| {
            let [start, step] = args.bind(i, "count", ["start", "step"], 0)?;
            Ok(Value::iterator(Iter::Count {
                next: start.unwrap_or(Value::Int(0)),
                step: step.unwrap_or(Value::Int(1)),
            }))
        }),
        "cycle" => Value::native("cycle", |i: &mut Interp, args: Args| {
            let [v] = args.exactly(i, "cycle")?;
            let items = i.iterate(&v)?;
            Ok(Value::iterator(Iter::Cycle { items, at: 0 }))
        }),
        "repeat" => Value::native("repeat", |i: &mut Interp, args: Args| {
            let [v, n] = args.bind(i, "repeat", ["object", "times"], 1)?;
            let left = match n {
                Some(n) => Some(usize::try_from(i.index_int(&n)?).unwrap_or(0)),
                None => None,
            };
            Ok(Value::iterator(Iter::Repeat { value: v.unwrap_or_default(), left }))
        }),
        "_chain" => Value::native("chain", |i: &mut Interp, args: Args| {
            let sources = i.iter(&arg(&args, 0))?;
            Ok(Value::iterator(Iter::Chain { sources, current: None }))
        }),
        _ => return None,
    })
}

/// The name of an attribute given as a value.
pub(super) fn attribute_name(i: &Interp, v: &Value) -> Eval<Sym> {
    match v {
        Value::Str(s) => Ok(Sym::new(s)),
        _ => Err(i.raise(Exc::TypeError, format!("attribute name must be string, not '{}'", i.type_name(v)))),
    }
}
