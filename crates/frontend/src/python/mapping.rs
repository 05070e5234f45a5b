//! `dict`, `OrderedDict`, `defaultdict`, `Counter`.

use super::support::{Method, arg, dict_of, table, this};
use crate::eval::args::Args;
use crate::eval::dict::{Dict, Key};
use crate::eval::value::{Attrs, DictKind, DictObj, Value, View, ViewKind};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use std::rc::Rc;

/// Adds what `dict(…)` and `update(…)` take.
fn fill(i: &mut Interp, d: &mut Dict, args: Args, name: &str) -> Eval<()> {
    if args.pos.len() > 1 {
        let text = format!("{name} expected at most 1 argument, got {}", args.pos.len());
        return Err(i.raise(Exc::TypeError, text));
    }
    if let Some(v) = args.pos.first() {
        if v.as_dict().is_some() || i.find_attr(v, Sym::new("keys"))?.is_some() {
            for (k, v) in i.mapping_items(v)? {
                d.insert(Key::new(i, &k)?, v);
            }
        } else {
            for (n, pair) in i.iterate(v)?.into_iter().enumerate() {
                let pair = match i.iterate(&pair) {
                    Err(e) if e.is(i, Exc::TypeError) => {
                        let text = format!("cannot convert dictionary update sequence element #{n} to a sequence");
                        return Err(i.raise(Exc::TypeError, text));
                    }
                    other => other?,
                };
                let [k, v] = pair.as_slice() else {
                    let text =
                        format!("dictionary update sequence element #{n} has length {}; 2 is required", pair.len());
                    return Err(i.raise(Exc::ValueError, text));
                };
                d.insert(Key::new(i, k)?, v.clone());
            }
        }
    }
    for (n, v) in args.kw {
        d.insert(Key::str(&n.name()), v);
    }
    i.allocate(d.len())
}

fn made(d: Dict, kind: DictKind) -> Value {
    Value::Dict(Rc::new(DictObj::of(d, kind)))
}

/// `dict(…)`.
pub(super) fn dict(i: &mut Interp, args: Args) -> Eval<Value> {
    let mut d = Dict::default();
    fill(i, &mut d, args, "dict")?;
    Ok(Value::dict(d))
}

/// `OrderedDict(…)`.
pub(super) fn ordered_dict(i: &mut Interp, args: Args) -> Eval<Value> {
    let mut d = Dict::default();
    fill(i, &mut d, args, "OrderedDict")?;
    Ok(made(d, DictKind::Ordered))
}

/// `defaultdict(factory, …)`.
pub(super) fn default_dict(i: &mut Interp, mut args: Args) -> Eval<Value> {
    let factory = if args.pos.is_empty() { Value::None } else { args.pos.remove(0) };
    let mut d = Dict::default();
    fill(i, &mut d, args, "defaultdict")?;
    Ok(made(d, DictKind::Default(factory)))
}

/// `Counter(…)`.
pub(super) fn counter(i: &mut Interp, args: Args) -> Eval<Value> {
    let mut d = Dict::default();
    count(i, &mut d, args, 1)?;
    Ok(made(d, DictKind::Counter))
}

/// Adds `sign` times the counts of a mapping or of the items of an iterable.
fn count(i: &mut Interp, d: &mut Dict, args: Args, sign: i64) -> Eval<()> {
    let mut add = |i: &mut Interp, k: &Value, n: i64| -> Eval<()> {
        let entry = d.entry(Key::new(i, k)?).or_insert(Value::Int(0));
        *entry = Value::Int(entry.as_int().unwrap_or(0).saturating_add(n.saturating_mul(sign)));
        Ok(())
    };
    match args.pos.first() {
        None => {}
        Some(v) if v.as_dict().is_some() => {
            for (k, v) in i.mapping_items(v)? {
                add(i, &k, v.as_int().unwrap_or(0))?;
            }
        }
        Some(v) => {
            for k in i.iterate(v)? {
                add(i, &k, 1)?;
            }
        }
    }
    for (n, v) in args.kw {
        add(i, &Value::Str(n.name()), v.as_int().unwrap_or(0))?;
    }
    i.allocate(d.len())
}

fn view(i: &mut Interp, args: Args, what: ViewKind) -> Eval<Value> {
    let (dict, _) = dict_of(i, args)?;
    Ok(Value::View(Rc::new(View { dict, what })))
}

fn update(i: &mut Interp, args: Args) -> Eval<Value> {
    let (d, rest) = dict_of(i, args)?;
    let mut new = Dict::default();
    fill(i, &mut new, rest, "update")?;
    d.borrow_mut().extend(new);
    Ok(Value::None)
}

fn init(i: &mut Interp, args: Args) -> Eval<Value> {
    if let Some(Value::Instance(o)) = args.pos.first()
        && let Some(Value::Dict(d)) = o.payload_value()
        && matches!(d.kind, DictKind::Counter | DictKind::Default(_))
    {
        // A fresh one of its kind takes the place of the empty one that `__new__` made.
        let o = o.clone();
        let rest = Args { pos: args.pos[1..].to_vec(), kw: args.kw };
        let new = if matches!(d.kind, DictKind::Counter) { counter(i, rest)? } else { default_dict(i, rest)? };
        *o.native.borrow_mut() = crate::eval::class::NativeState::Wrapped(new);
        return Ok(Value::None);
    }
    update(i, args)
}

const DICT: &[Method] = &[
    ("__init__", init),
    ("get", |i, args| {
        let (d, rest) = dict_of(i, args)?;
        let key = Key::new(i, &arg(&rest, 0))?;
        let found = d.borrow().get(&key).cloned();
        Ok(found.unwrap_or_else(|| arg(&rest, 1)))
    }),
    ("keys", |i, args| view(i, args, ViewKind::Keys)),
    ("values", |i, args| view(i, args, ViewKind::Values)),
    ("items", |i, args| view(i, args, ViewKind::Items)),
    ("update", update),
    ("pop", |i, args| {
        let (d, rest) = dict_of(i, args)?;
        let key = Key::new(i, &arg(&rest, 0))?;
        i.steps(d.borrow().len() / 64)?;
        let old = d.borrow_mut().shift_remove(&key);
        match (old, rest.pos.get(1)) {
            (Some(v), _) => Ok(v),
            (None, Some(d)) => Ok(d.clone()),
            (None, None) => Err(i.raise_args(Exc::KeyError, vec![arg(&rest, 0)])),
        }
    }),
    ("popitem", |i, args| {
        let (d, rest) = dict_of(i, args)?;
        let [last] = rest.bind(i, "popitem", ["last"], 0)?;
        let first = matches!(&last, Some(v) if !i.truth(v)?);
        let pair = if first { d.borrow_mut().shift_remove_index(0) } else { d.borrow_mut().pop() };
        match pair {
            Some((k, v)) => Ok(Value::tuple(vec![k.value().clone(), v])),
            None => Err(i.raise(Exc::KeyError, "popitem(): dictionary is empty")),
        }
    }),
    ("setdefault", |i, args| {
        let (d, rest) = dict_of(i, args)?;
        let key = Key::new(i, &arg(&rest, 0))?;
        i.allocate(1)?;
        Ok(d.borrow_mut().entry(key).or_insert_with(|| arg(&rest, 1)).clone())
    }),
    ("clear", |i, args| {
        let (d, _) = dict_of(i, args)?;
        let old = std::mem::take(&mut *d.borrow_mut());
        drop(old);
        Ok(Value::None)
    }),
    ("copy", |i, args| {
        let (d, _) = dict_of(i, args)?;
        let content = d.borrow().clone();
        i.allocate(content.len())?;
        Ok(made(content, d.kind.of_copy()))
    }),
    ("__len__", |i, args| i.len(&this(args).0).map(Value::from)),
    ("__contains__", |i, args| {
        let (v, rest) = this(args);
        i.contains(&v, &arg(&rest, 0)).map(Value::Bool)
    }),
    ("__getitem__", |i, args| {
        let (object, rest) = args.receiver();
        let key = arg(&rest, 0);
        if let Value::Instance(_) = &object
            && let Some(d) = object.as_dict()
        {
            let wanted = Key::new(i, &key)?;
            let found = d.borrow().get(&wanted).cloned();
            if let Some(v) = found {
                return Ok(v);
            }
            if let Some(v) = i.call_special(&object, Sym::new("__missing__"), vec![key.clone()])? {
                return Ok(v);
            }
            return i.get_item(&Value::Dict(d), &key);
        }
        i.get_item(&object, &key)
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
    ("__iter__", |i, args| i.iter(&this(args).0)),
];

pub(super) fn dict_methods() -> Attrs {
    let mut attrs = table(DICT);
    let from_keys = Value::native("fromkeys", |i: &mut Interp, args: Args| {
        let (class, rest) = args.receiver();
        let v = arg(&rest, 1);
        let mut d = Dict::default();
        for k in i.iterate(&arg(&rest, 0))? {
            d.insert(Key::new(i, &k)?, v.clone());
        }
        i.allocate(d.len())?;
        match &class {
            Value::Class(c) if &*c.name == "dict" => Ok(Value::dict(d)),
            _ => i.call(&class, Args::from([Value::dict(d)])),
        }
    });
    attrs.insert(Sym::new("fromkeys"), Value::class_method(from_keys));
    attrs
}

pub(super) fn ordered_methods() -> Attrs {
    table(&[("move_to_end", |i, args| {
        let (d, rest) = dict_of(i, args)?;
        let [key, last] = rest.bind(i, "move_to_end", ["key", "last"], 1)?;
        let key = key.unwrap_or_default();
        let first = matches!(&last, Some(v) if !i.truth(v)?);
        let k = Key::new(i, &key)?;
        let old = d.borrow_mut().shift_remove(&k);
        match old {
            Some(v) if first => {
                d.borrow_mut().shift_insert(0, k, v);
            }
            Some(v) => {
                d.borrow_mut().insert(k, v);
            }
            None => return Err(i.raise_args(Exc::KeyError, vec![key])),
        }
        Ok(Value::None)
    })])
}

pub(super) fn counter_methods() -> Attrs {
    table(&[
        ("most_common", |i, args| {
            let (d, rest) = dict_of(i, args)?;
            let mut pairs: Vec<(Value, i64)> =
                d.borrow().iter().map(|(k, v)| (k.value().clone(), v.as_int().unwrap_or(0))).collect();
            pairs.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            let n = rest.pos.first().and_then(Value::as_int).map_or(pairs.len(), |n| n.max(0) as usize);
            i.allocate(n.min(pairs.len()))?;
            Ok(Value::list(pairs.into_iter().take(n).map(|(k, n)| Value::tuple(vec![k, Value::Int(n)])).collect()))
        }),
        ("elements", |i, args| {
            let (d, _) = dict_of(i, args)?;
            let pairs: Vec<(Value, i64)> =
                d.borrow().iter().map(|(k, v)| (k.value().clone(), v.as_int().unwrap_or(0))).collect();
            let mut out = Vec::new();
            for (k, n) in pairs {
                let n = usize::try_from(n).unwrap_or(0);
                i.allocate(n)?;
                out.extend(std::iter::repeat_n(k, n));
            }
            i.iter(&Value::list(out))
        }),
        ("total", |i, args| {
            let (d, _) = dict_of(i, args)?;
            let total = d.borrow().values().filter_map(Value::as_int).fold(0i64, i64::saturating_add);
            Ok(Value::Int(total))
        }),
        ("update", |i, args| recount(i, args, 1)),
        ("subtract", |i, args| recount(i, args, -1)),
    ])
}

fn recount(i: &mut Interp, args: Args, sign: i64) -> Eval<Value> {
    let (d, rest) = dict_of(i, args)?;
    let mut content = d.borrow().clone();
    count(i, &mut content, rest, sign)?;
    *d.borrow_mut() = content;
    Ok(Value::None)
}
