//! Builtin functions, and how builtin classes are called.

use crate::eval::args::Args;
use crate::eval::dict::{Dict, Key, Set};
use crate::eval::iter::Iter;
use crate::eval::value::{DictKind, DictObj, NativeFn, Partial, Property, Range, SetObj, Slice, Value};
use crate::eval::nest::Nest;
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use crate::syntax::ast::{BinOp, CmpOp};
use std::rc::Rc;

pub(super) fn int(i: &mut Interp, args: Args) -> Eval<Value> {
    let [x, base] = args.bind(i, "int", ["x", "base"], 0)?;
    let base = base.and_then(|b| b.as_int()).unwrap_or(10);
    to_int(i, &x.unwrap_or(Value::Int(0)), base as u32)
}

fn to_int(i: &mut Interp, x: &Value, base: u32) -> Eval<Value> {
    match x {
        Value::Int(_) | Value::Big(_) => Ok(x.clone()),
        Value::Bool(b) => Ok(Value::Int(i64::from(*b))),
        Value::Float(v) => i.float_to_int(*v),
        Value::Str(s) => i.parse_int(s, base),
        Value::Tensor(t) => {
            let v = crate::torch::tensor_number(i, t)?;
            to_int(i, &v, base)
        }
        Value::Instance(p) => {
            for m in ["__int__", "__index__", "__trunc__"] {
                if let Some(v) = i.call_special(x, Sym::new(m), Vec::new())? {
                    return Ok(v);
                }
            }
            match p.payload_value() {
                Some(v) => to_int(i, &v, base),
                None => Err(not_a_number(i, "int", x)),
            }
        }
        _ => Err(not_a_number(i, "int", x)),
    }
}

fn not_a_number(i: &Interp, what: &str, x: &Value) -> crate::eval::Raise {
    let name = i.type_name(x);
    i.raise(Exc::TypeError, format!("{what}() argument must be a string or a real number, not '{name}'"))
}

pub(super) fn bool(i: &mut Interp, args: Args) -> Eval<Value> {
    let [x] = args.bind(i, "bool", ["x"], 0)?;
    Ok(Value::Bool(match x {
        Some(v) => i.truth(&v)?,
        None => false,
    }))
}

pub(super) fn float(i: &mut Interp, args: Args) -> Eval<Value> {
    let [x] = args.bind(i, "float", ["x"], 0)?;
    let x = x.unwrap_or(Value::Float(0.0));
    match &x {
        Value::Str(s) => match crate::eval::number::parse_float(s) {
            Some(v) => Ok(Value::Float(v)),
            None => {
                let q = crate::eval::repr::quote(s);
                Err(i.raise(Exc::ValueError, format!("could not convert string to float: {q}")))
            }
        },
        Value::Tensor(t) => {
            let v = crate::torch::tensor_number(i, t)?;
            Ok(Value::Float(v.as_float().unwrap_or(f64::NAN)))
        }
        Value::Instance(_) if x.as_float().is_none() => match i.call_special(&x, Sym::new("__float__"), Vec::new())? {
            Some(v) => Ok(v),
            None => Err(not_a_number(i, "float", &x)),
        },
        _ => match x.as_float() {
            Some(v) => Ok(Value::Float(v)),
            None => Err(not_a_number(i, "float", &x)),
        },
    }
}

pub(super) fn str(i: &mut Interp, args: Args) -> Eval<Value> {
    match args.pos.first().or(args.kw.first().map(|(_, v)| v)) {
        Some(v) => Ok(Value::Str(i.str(&v.clone())?)),
        None => Ok(Value::str("")),
    }
}

pub(super) fn bytes(i: &mut Interp, args: Args) -> Eval<Value> {
    match args.pos.first() {
        Some(Value::Str(s)) => Ok(Value::Bytes(s.as_bytes().into())),
        None => Ok(Value::Bytes([].into())),
        _ => Err(i.unsupported("bytes(…)")),
    }
}

fn items(i: &mut Interp, args: &Args) -> Eval<Vec<Value>> {
    match args.pos.first() {
        Some(v) => i.iterate(v),
        None => Ok(Vec::new()),
    }
}

pub(super) fn tuple(i: &mut Interp, args: Args) -> Eval<Value> {
    if let Some(v @ Value::Tuple(t)) = args.pos.first()
        && !t.size
    {
        return Ok(v.clone());
    }
    Ok(Value::tuple(items(i, &args)?))
}

pub(super) fn list(i: &mut Interp, args: Args) -> Eval<Value> {
    let items = items(i, &args)?;
    i.allocate(items.len())?;
    Ok(Value::list(items))
}

/// Adds what `dict(…)` and `update(…)` take.
pub(super) fn fill(i: &mut Interp, d: &mut Dict, args: Args) -> Eval<()> {
    if let Some(v) = args.pos.first() {
        if v.as_dict().is_some() || i.find_attr(v, Sym::new("keys"))?.is_some() {
            for (k, v) in i.mapping_items(v)? {
                d.insert(Key::new(i, &k)?, v);
            }
        } else {
            for pair in i.iterate(v)? {
                let pair = i.iterate(&pair)?;
                let [k, v] = pair.as_slice() else {
                    return Err(i.raise(Exc::ValueError, "dictionary update sequence element has another length than 2"));
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

pub(super) fn dict(i: &mut Interp, args: Args) -> Eval<Value> {
    let mut d = Dict::default();
    fill(i, &mut d, args)?;
    Ok(Value::dict(d))
}

pub(super) fn ordered_dict(i: &mut Interp, args: Args) -> Eval<Value> {
    let mut d = Dict::default();
    fill(i, &mut d, args)?;
    Ok(Value::Dict(Rc::new(DictObj::of(d, DictKind::Ordered))))
}

pub(super) fn default_dict(i: &mut Interp, mut args: Args) -> Eval<Value> {
    let factory = if args.pos.is_empty() { Value::None } else { args.pos.remove(0) };
    let mut d = Dict::default();
    fill(i, &mut d, args)?;
    Ok(Value::Dict(Rc::new(DictObj::of(d, DictKind::Default(factory)))))
}

pub(super) fn counter(i: &mut Interp, args: Args) -> Eval<Value> {
    let mut d = Dict::default();
    match args.pos.first() {
        Some(v) if v.as_dict().is_none() => {
            for v in i.iterate(v)? {
                let key = Key::new(i, &v)?;
                let n = d.get(&key).and_then(Value::as_int).unwrap_or(0);
                d.insert(key, Value::Int(n + 1));
            }
        }
        _ => fill(i, &mut d, args)?,
    }
    Ok(Value::Dict(Rc::new(DictObj::of(d, DictKind::Counter))))
}

fn keys(i: &mut Interp, args: &Args) -> Eval<Set> {
    let mut set = Set::default();
    for v in items(i, args)? {
        set.insert(Key::new(i, &v)?);
    }
    i.allocate(set.len())?;
    Ok(set)
}

pub(super) fn set(i: &mut Interp, args: Args) -> Eval<Value> {
    Ok(Value::set(keys(i, &args)?))
}

pub(super) fn frozenset(i: &mut Interp, args: Args) -> Eval<Value> {
    Ok(Value::Set(Rc::new(SetObj::new(keys(i, &args)?, true))))
}

pub(super) fn range(i: &mut Interp, args: Args) -> Eval<Value> {
    let mut n = Vec::new();
    for v in &args.pos {
        n.push(i.index_int(v)?);
    }
    let range = match n.as_slice() {
        [stop] => Range { start: 0, stop: *stop, step: 1 },
        [start, stop] => Range { start: *start, stop: *stop, step: 1 },
        [_, _, 0] => return Err(i.raise(Exc::ValueError, "range() arg 3 must not be zero")),
        [start, stop, step] => Range { start: *start, stop: *stop, step: *step },
        _ => return Err(i.raise(Exc::TypeError, format!("range expected 1 to 3 arguments, got {}", n.len()))),
    };
    Ok(Value::Range(Rc::new(range)))
}

pub(super) fn slice(i: &mut Interp, args: Args) -> Eval<Value> {
    let p = args.pos;
    let at = |k: usize| p.get(k).cloned().unwrap_or_default();
    let s = match p.len() {
        1 => Slice { start: Value::None, stop: at(0), step: Value::None },
        2 | 3 => Slice { start: at(0), stop: at(1), step: at(2) },
        n => return Err(i.raise(Exc::TypeError, format!("slice expected 1 to 3 arguments, got {n}"))),
    };
    Ok(Value::Slice(Rc::new(Nest::new(s))))
}

pub(super) fn enumerate(i: &mut Interp, args: Args) -> Eval<Value> {
    let [source, start] = args.bind(i, "enumerate", ["iterable", "start"], 1)?;
    let inner = i.iter(&source.unwrap_or_default())?;
    Ok(Value::iterator(Iter::Enumerate { inner, at: start.and_then(|v| v.as_int()).unwrap_or(0) }))
}

pub(super) fn zip(i: &mut Interp, args: Args) -> Eval<Value> {
    let inners = args.pos.iter().map(|v| i.iter(v)).collect::<Eval<Vec<_>>>()?;
    Ok(Value::iterator(Iter::Zip { inners }))
}

pub(super) fn map(i: &mut Interp, args: Args) -> Eval<Value> {
    let (function, rest) = args.receiver();
    let inners = rest.pos.iter().map(|v| i.iter(v)).collect::<Eval<Vec<_>>>()?;
    Ok(Value::iterator(Iter::Map { function, inners }))
}

pub(super) fn filter(i: &mut Interp, args: Args) -> Eval<Value> {
    let [function, source] = args.exactly(i, "filter")?;
    let inner = i.iter(&source)?;
    Ok(Value::iterator(Iter::Filter { function, inner }))
}

pub(super) fn reversed(i: &mut Interp, args: Args) -> Eval<Value> {
    let [v] = args.exactly(i, "reversed")?;
    if let Value::Instance(_) = v {
        if let Some(r) = i.call_special(&v, Sym::new("__reversed__"), Vec::new())? {
            return i.iter(&r);
        }
        if i.find_attr(&v, Sym::new("__getitem__"))?.is_some() && i.find_attr(&v, Sym::new("__len__"))?.is_some() {
            let n = i.len(&v)?;
            let mut items = Vec::new();
            for k in (0..n).rev() {
                items.push(i.get_item(&v, &Value::from(k))?);
            }
            return Ok(Value::iterator(Iter::Items { items, at: 0 }));
        }
    }
    if matches!(v, Value::Set(_) | Value::Iterator(_)) {
        return Err(i.raise(Exc::TypeError, format!("'{}' object is not reversible", i.type_name(&v))));
    }
    let mut items = i.iterate(&v)?;
    items.reverse();
    Ok(Value::iterator(Iter::Items { items, at: 0 }))
}

pub(super) fn property(i: &mut Interp, args: Args) -> Eval<Value> {
    let [get, set, del, _] = args.bind(i, "property", ["fget", "fset", "fdel", "doc"], 0)?;
    Ok(Value::Property(Rc::new(Nest::new(Property {
        get: get.unwrap_or_default(),
        set: set.unwrap_or_default(),
        del: del.unwrap_or_default(),
        cached: None,
    }))))
}

pub(super) fn static_method(i: &mut Interp, args: Args) -> Eval<Value> {
    let [f] = args.exactly(i, "staticmethod")?;
    Ok(Value::static_method(f))
}

pub(super) fn class_method(i: &mut Interp, args: Args) -> Eval<Value> {
    let [f] = args.exactly(i, "classmethod")?;
    Ok(Value::class_method(f))
}

pub(super) fn super_(i: &mut Interp, args: Args) -> Eval<Value> {
    let [class, object] = args.exactly(i, "super")?;
    match class {
        Value::Class(c) => i.make_super(c, object),
        _ => Err(i.raise(Exc::TypeError, "super() argument 1 must be a type")),
    }
}

pub(super) fn partial(i: &mut Interp, args: Args) -> Eval<Value> {
    if args.pos.is_empty() {
        return Err(i.raise(Exc::TypeError, "type 'partial' takes at least one argument"));
    }
    let kw = args.kw;
    let mut pos = args.pos.into_iter();
    let f = pos.next().unwrap_or_default();
    Ok(Value::Partial(Rc::new(Partial::new(f, pos.collect(), kw))))
}

pub(super) fn type_(i: &mut Interp, args: Args) -> Eval<Value> {
    match args.pos.as_slice() {
        [Value::Class(_)] => Ok(Value::Class(i.builtins.class("type"))),
        [v] => Ok(Value::Class(i.type_of(v))),
        [Value::Str(name), bases, Value::Dict(d)] => {
            let bases = i.iterate(bases)?;
            let attrs =
                d.borrow().iter().filter_map(|(k, v)| k.value().as_str().map(|s| (Sym::new(s), v.clone()))).collect();
            let span = i.span;
            let class = i.make_class(name.clone(), "__main__".into(), &bases, attrs, span)?;
            Ok(Value::Class(class))
        }
        _ => Err(i.raise(Exc::TypeError, "type() takes 1 or 3 arguments")),
    }
}

/// Orders values by an optional key function.
pub(super) fn sort(i: &mut Interp, items: Vec<Value>, key: Option<Value>, reverse: bool) -> Eval<Vec<Value>> {
    let mut keyed = Vec::with_capacity(items.len());
    for v in items {
        let k = match &key {
            Some(f) if !f.is_none() => i.call(f, Args::from([v.clone()]))?,
            _ => v.clone(),
        };
        keyed.push((k, v));
    }
    if reverse {
        keyed.reverse();
    }
    // A merge sort that may raise.
    let n = keyed.len();
    let mut width = 1;
    while width < n {
        let mut out = Vec::with_capacity(n);
        for pair in keyed.chunks(2 * width) {
            let (a, b) = pair.split_at(width.min(pair.len()));
            let (mut x, mut y) = (0, 0);
            while x < a.len() && y < b.len() {
                i.step()?;
                let less = i.compare(CmpOp::Lt, &b[y].0, &a[x].0)?;
                if i.truth(&less)? {
                    out.push(b[y].clone());
                    y += 1;
                } else {
                    out.push(a[x].clone());
                    x += 1;
                }
            }
            out.extend_from_slice(&a[x..]);
            out.extend_from_slice(&b[y..]);
        }
        keyed = out;
        width *= 2;
    }
    if reverse {
        keyed.reverse();
    }
    Ok(keyed.into_iter().map(|(_, v)| v).collect())
}

fn extreme(i: &mut Interp, mut args: Args, name: &str, op: CmpOp) -> Eval<Value> {
    let key = args.take_kw("key").filter(|k| !k.is_none());
    let default = args.take_kw("default");
    let items = if args.pos.len() == 1 { i.iterate(&args.pos[0])? } else { args.pos };
    let mut best: Option<(Value, Value)> = None;
    for v in items {
        i.step()?;
        let k = match &key {
            Some(f) => i.call(f, Args::from([v.clone()]))?,
            None => v.clone(),
        };
        let better = match &best {
            None => true,
            Some((b, _)) => {
                let said = i.compare(op, &k, &b.clone())?;
                i.truth(&said)?
            }
        };
        if better {
            best = Some((k, v));
        }
    }
    match (best, default) {
        (Some((_, v)), _) | (None, Some(v)) => Ok(v),
        (None, None) => Err(i.raise(Exc::ValueError, format!("{name}() iterable argument is empty"))),
    }
}

fn attribute_name(i: &Interp, v: &Value) -> Eval<Sym> {
    match v {
        Value::Str(s) => Ok(Sym::new(s)),
        _ => Err(i.raise(Exc::TypeError, format!("attribute name must be string, not '{}'", i.type_name(v)))),
    }
}

fn is_subclass(i: &mut Interp, c: &Value, of: &Value) -> Eval<bool> {
    match (c, of) {
        (Value::Class(c), Value::Class(of)) => Ok(c.is_subclass(of)),
        (_, Value::Tuple(t)) => {
            for of in t.items() {
                if is_subclass(i, c, of)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Class(_), _) => Ok(false),
        _ => Err(i.raise(Exc::TypeError, "issubclass() arg 1 must be a class")),
    }
}

/// Text that `print` may keep; more is dropped.
const MAX_PRINTED: usize = 1 << 20;

fn print(i: &mut Interp, mut args: Args) -> Eval<Value> {
    let sep = args.take_kw("sep").and_then(|v| v.as_str().map(str::to_string)).unwrap_or_else(|| " ".into());
    let end = args.take_kw("end").and_then(|v| v.as_str().map(str::to_string)).unwrap_or_else(|| "\n".into());
    let mut parts = Vec::with_capacity(args.pos.len());
    for v in &args.pos {
        parts.push(i.str(v)?.to_string());
    }
    let text = parts.join(&sep) + &end;
    i.allocate(text.len() / 8)?;
    if i.printed.len() + text.len() <= MAX_PRINTED {
        i.printed.push_str(&text);
    }
    Ok(Value::None)
}

fn refused(i: &mut Interp, what: &str) -> Eval<Value> {
    Err(i.abort("unsupported-access", format!("{what} is refused: a network has no access to files, code or input")))
}

pub(super) const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("print", print),
    ("len", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "len")?;
        i.len(&v).map(Value::from)
    }),
    ("sorted", |i: &mut Interp, mut args: Args| {
        let key = args.take_kw("key");
        let reverse = match args.take_kw("reverse") {
            Some(v) => i.truth(&v)?,
            None => false,
        };
        let [v] = args.exactly(i, "sorted")?;
        let items = i.iterate(&v)?;
        i.allocate(items.len())?;
        Ok(Value::list(sort(i, items, key, reverse)?))
    }),
    ("min", |i: &mut Interp, args: Args| extreme(i, args, "min", CmpOp::Lt)),
    ("max", |i: &mut Interp, args: Args| extreme(i, args, "max", CmpOp::Gt)),
    ("sum", |i: &mut Interp, args: Args| {
        let [items, start] = args.bind(i, "sum", ["iterable", "start"], 1)?;
        let mut total = start.unwrap_or(Value::Int(0));
        for v in i.iterate(&items.unwrap_or_default())? {
            i.step()?;
            total = i.binary(BinOp::Add, &total, &v)?;
        }
        Ok(total)
    }),
    ("abs", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "abs")?;
        match &v {
            Value::Float(x) => Ok(Value::Float(x.abs())),
            Value::Tensor(_) => i.call_method(&v, "abs", Args::none()),
            Value::Instance(_) => i.call_method(&v, "__abs__", Args::none()),
            _ => {
                let negative = i.compare(CmpOp::Lt, &v, &Value::Int(0))?;
                if i.truth(&negative)? { i.binary(BinOp::Sub, &Value::Int(0), &v) } else { i.binary(BinOp::Add, &Value::Int(0), &v) }
            }
        }
    }),
    ("round", |i: &mut Interp, args: Args| {
        let [v, digits] = args.bind(i, "round", ["number", "ndigits"], 1)?;
        let v = v.unwrap_or_default();
        let digits = digits.filter(|d| !d.is_none()).and_then(|d| d.as_int());
        match (&v, digits) {
            (Value::Int(_) | Value::Big(_) | Value::Bool(_), _) => i.binary(BinOp::Add, &Value::Int(0), &v),
            (Value::Float(x), None) => i.float_to_int(crate::eval::number::round_half_even(*x)),
            (Value::Float(x), Some(n)) if n >= 0 => {
                // The shortest text with so many digits, as CPython does it.
                let text = format!("{:.*}", n.min(300) as usize, x);
                Ok(Value::Float(text.parse().unwrap_or(*x)))
            }
            (Value::Float(x), Some(n)) => {
                let scale = 10f64.powi((-n).min(300) as i32);
                Ok(Value::Float(crate::eval::number::round_half_even(x / scale) * scale))
            }
            (Value::Tensor(t), _) => {
                let x = crate::torch::tensor_number(i, t)?;
                let f = i.builtins.names.get(&Sym::new("round")).cloned().unwrap_or_default();
                i.call(&f, Args::from([x]))
            }
            _ => Err(i.raise(Exc::TypeError, format!("type {} doesn't define __round__ method", i.type_name(&v)))),
        }
    }),
    ("any", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "any")?;
        let iter = i.iter(&v)?;
        while let Some(v) = i.next(&iter)? {
            if i.truth(&v)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
    ("all", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "all")?;
        let iter = i.iter(&v)?;
        while let Some(v) = i.next(&iter)? {
            if !i.truth(&v)? {
                return Ok(Value::Bool(false));
            }
        }
        Ok(Value::Bool(true))
    }),
    ("isinstance", |i: &mut Interp, args: Args| {
        let [v, class] = args.exactly(i, "isinstance")?;
        i.is_instance_of(&v, &class).map(Value::Bool)
    }),
    ("issubclass", |i: &mut Interp, args: Args| {
        let [c, of] = args.exactly(i, "issubclass")?;
        is_subclass(i, &c, &of).map(Value::Bool)
    }),
    ("hasattr", |i: &mut Interp, args: Args| {
        let [v, name] = args.exactly(i, "hasattr")?;
        let name = attribute_name(i, &name)?;
        match i.find_attr(&v, name) {
            Ok(found) => Ok(Value::Bool(found.is_some())),
            Err(e) if e.is(i, Exc::AttributeError) => Ok(Value::Bool(false)),
            Err(e) => Err(e),
        }
    }),
    ("getattr", |i: &mut Interp, args: Args| {
        let mut pos = args.pos.into_iter();
        let (Some(v), Some(name), default) = (pos.next(), pos.next(), pos.next()) else {
            return Err(i.raise(Exc::TypeError, "getattr expected at least 2 arguments"));
        };
        let name = attribute_name(i, &name)?;
        match (i.find_attr(&v, name), default) {
            (Ok(Some(found)), _) => Ok(found),
            (Ok(None), Some(d)) => Ok(d),
            (Ok(None), None) => i.get_attr(&v, name),
            (Err(e), Some(d)) if e.is(i, Exc::AttributeError) => Ok(d),
            (Err(e), _) => Err(e),
        }
    }),
    ("setattr", |i: &mut Interp, args: Args| {
        let [v, name, value] = args.exactly(i, "setattr")?;
        let name = attribute_name(i, &name)?;
        i.set_attr(&v, name, value)?;
        Ok(Value::None)
    }),
    ("delattr", |i: &mut Interp, args: Args| {
        let [v, name] = args.exactly(i, "delattr")?;
        let name = attribute_name(i, &name)?;
        i.del_attr(&v, name)?;
        Ok(Value::None)
    }),
    ("callable", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "callable")?;
        use Value::*;
        Ok(Value::Bool(match &v {
            Function(_) | Native(_) | Operator(_) | BoundMethod(_) | Class(_) | Partial(_) => true,
            Instance(o) => {
                let c = o.class();
                c.kind == crate::eval::class::NativeKind::Module || c.lookup(Sym::new("__call__")).is_some()
            }
            _ => false,
        }))
    }),
    ("id", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "id")?;
        Ok(Value::Int(v.id()))
    }),
    ("hash", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "hash")?;
        Key::new(i, &v)?;
        Ok(Value::Int(crate::eval::dict::hash_value(&v) as i64))
    }),
    ("iter", |i: &mut Interp, args: Args| {
        let mut pos = args.pos.into_iter();
        match (pos.next(), pos.next()) {
            (Some(function), Some(sentinel)) => Ok(Value::iterator(Iter::Call { function, sentinel })),
            (Some(v), None) => i.iter(&v),
            _ => Err(i.raise(Exc::TypeError, "iter expected at least 1 argument, got 0")),
        }
    }),
    ("next", |i: &mut Interp, args: Args| {
        let mut pos = args.pos.into_iter();
        let (Some(v), default) = (pos.next(), pos.next()) else {
            return Err(i.raise(Exc::TypeError, "next expected at least 1 argument, got 0"));
        };
        match (i.next(&v)?, default) {
            (Some(v), _) | (None, Some(v)) => Ok(v),
            (None, None) => Err(i.raise_args(Exc::StopIteration, Vec::new())),
        }
    }),
    ("repr", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "repr")?;
        i.repr(&v).map(Value::Str)
    }),
    ("format", |i: &mut Interp, args: Args| {
        let [v, spec] = args.bind(i, "format", ["value", "spec"], 1)?;
        let spec = spec.and_then(|s| s.as_str().map(std::string::ToString::to_string)).unwrap_or_default();
        crate::eval::format::format_value(i, &v.unwrap_or_default(), &spec).map(Value::from)
    }),
    ("divmod", |i: &mut Interp, args: Args| {
        let [a, b] = args.exactly(i, "divmod")?;
        Ok(Value::tuple(vec![i.binary(BinOp::FloorDiv, &a, &b)?, i.binary(BinOp::Mod, &a, &b)?]))
    }),
    ("pow", |i: &mut Interp, args: Args| {
        let [a, b, m] = args.bind(i, "pow", ["base", "exp", "mod"], 2)?;
        let p = i.binary(BinOp::Pow, &a.unwrap_or_default(), &b.unwrap_or_default())?;
        match m {
            Some(m) => i.binary(BinOp::Mod, &p, &m),
            None => Ok(p),
        }
    }),
    ("ord", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "ord")?;
        match v.as_str().and_then(|s| s.chars().next()) {
            Some(c) => Ok(Value::Int(i64::from(c as u32))),
            None => Err(i.raise(Exc::TypeError, "ord() expected a character")),
        }
    }),
    ("chr", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "chr")?;
        match v.as_int().and_then(|n| u32::try_from(n).ok()).and_then(char::from_u32) {
            Some(c) => Ok(Value::from(c.to_string())),
            None => Err(i.raise(Exc::ValueError, "chr() arg not in range(0x110000)")),
        }
    }),
    ("hex", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "hex")?;
        crate::eval::format::format_value(i, &v, "#x").map(Value::from)
    }),
    ("bin", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "bin")?;
        crate::eval::format::format_value(i, &v, "#b").map(Value::from)
    }),
    ("vars", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "vars")?;
        i.get_attr(&v, Sym::new("__dict__"))
    }),
    ("dir", |i: &mut Interp, args: Args| {
        let [v] = args.exactly(i, "dir")?;
        let mut names: Vec<Rc<str>> = match &v {
            Value::Module(m) => m.names().iter().map(|n| n.name()).collect(),
            Value::Instance(o) => o.attrs.borrow().keys().map(|n| n.name()).collect(),
            _ => Vec::new(),
        };
        let class = match &v {
            Value::Class(c) => c.clone(),
            v => i.class_of(v),
        };
        for c in std::iter::once(&class).chain(&class.mro) {
            names.extend(c.attrs.borrow().keys().map(|n| n.name()));
        }
        names.sort();
        names.dedup();
        Ok(Value::list(names.into_iter().map(Value::Str).collect()))
    }),
    ("locals", |_: &mut Interp, _: Args| Ok(Value::dict(Dict::default()))),
    ("globals", |_: &mut Interp, _: Args| Ok(Value::dict(Dict::default()))),
    ("open", |i: &mut Interp, _: Args| refused(i, "open()")),
    ("input", |i: &mut Interp, _: Args| refused(i, "input()")),
    ("exec", |i: &mut Interp, _: Args| refused(i, "exec()")),
    ("eval", |i: &mut Interp, _: Args| refused(i, "eval()")),
    ("compile", |i: &mut Interp, _: Args| refused(i, "compile()")),
    ("__import__", |i: &mut Interp, _: Args| refused(i, "__import__()")),
    ("exit", |i: &mut Interp, _: Args| Err(i.raise(Exc::SystemExit, "exit"))),
    ("quit", |i: &mut Interp, _: Args| Err(i.raise(Exc::SystemExit, "quit"))),
];
