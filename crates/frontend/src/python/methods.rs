//! Methods of the builtin classes.

use super::builtins;
use crate::eval::args::Args;
use crate::eval::class::NativeState;
use crate::eval::dict::{Dict, Key};
use crate::eval::iter::Iter;
use crate::eval::value::{Attrs, DictObj, List, NativeFn, Property, SetObj, Value, View, ViewKind};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use crate::syntax::ast::{BinOp, CmpOp};
use std::rc::Rc;

fn table(list: &[(&'static str, NativeFn)]) -> Attrs {
    list.iter().map(|(n, f)| (Sym::new(n), Value::native(n, *f))).collect()
}

/// The receiver, unwrapped where it is an instance of a subclass.
fn this(args: Args) -> (Value, Args) {
    let (v, rest) = args.receiver();
    let v = match &v {
        Value::Instance(i) => i.payload_value().unwrap_or(v),
        _ => v,
    };
    (v, rest)
}

fn wrong(i: &Interp, v: &Value) -> crate::eval::Raise {
    i.raise(Exc::TypeError, format!("the method does not apply to a '{}' object", i.type_name(v)))
}

fn text(i: &Interp, args: Args) -> Eval<(Rc<str>, Args)> {
    match this(args) {
        (Value::Str(s), rest) => Ok((s, rest)),
        (v, _) => Err(wrong(i, &v)),
    }
}

fn list_of(i: &Interp, args: Args) -> Eval<(Rc<List>, Args)> {
    match this(args) {
        (Value::List(l), rest) => Ok((l, rest)),
        (v, _) => Err(wrong(i, &v)),
    }
}

fn dict_of(i: &Interp, args: Args) -> Eval<(Rc<DictObj>, Args)> {
    match this(args) {
        (Value::Dict(d), rest) => Ok((d, rest)),
        (v, _) => Err(wrong(i, &v)),
    }
}

fn set_obj(i: &Interp, args: Args) -> Eval<(Rc<SetObj>, Args)> {
    match this(args) {
        (Value::Set(s), rest) => Ok((s, rest)),
        (v, _) => Err(wrong(i, &v)),
    }
}

fn arg(args: &Args, k: usize) -> Value {
    args.pos.get(k).cloned().unwrap_or_default()
}

fn str_arg(i: &Interp, args: &Args, k: usize) -> Eval<Rc<str>> {
    match args.pos.get(k) {
        Some(Value::Str(s)) => Ok(s.clone()),
        other => {
            let name = i.type_name(&other.cloned().unwrap_or_default());
            Err(i.raise(Exc::TypeError, format!("a string is required, not '{name}'")))
        }
    }
}

pub(super) fn object() -> Attrs {
    table(&[
        ("__setattr__", |i: &mut Interp, args: Args| {
            let [o, name, v] = args.exactly(i, "__setattr__")?;
            match (&o, &name) {
                (Value::Instance(inst), Value::Str(n)) => {
                    let class = inst.class();
                    i.set_instance_attr(inst, &class, Sym::new(n), v)?;
                    Ok(Value::None)
                }
                _ => Err(wrong(i, &o)),
            }
        }),
        ("__getattribute__", |i: &mut Interp, args: Args| {
            let [o, name] = args.exactly(i, "__getattribute__")?;
            match (&o, &name) {
                (Value::Instance(inst), Value::Str(n)) => {
                    let class = inst.class();
                    match i.plain_instance_attr(inst, &class, Sym::new(n))? {
                        Some(v) => Ok(v),
                        None => {
                            let text = format!("'{}' object has no attribute '{n}'", class.name);
                            Err(i.raise(Exc::AttributeError, text))
                        }
                    }
                }
                _ => Err(wrong(i, &o)),
            }
        }),
        ("__init__", |_: &mut Interp, _: Args| Ok(Value::None)),
        ("__new__", |i: &mut Interp, args: Args| {
            let (class, rest) = args.receiver();
            match class {
                Value::Class(c) => Ok(Value::Instance(i.new_object(&c, &rest)?)),
                v => Err(wrong(i, &v)),
            }
        }),
        ("__init_subclass__", |_: &mut Interp, _: Args| Ok(Value::None)),
    ])
}

pub(super) fn exception() -> Attrs {
    table(&[
        ("__init__", |_: &mut Interp, args: Args| {
            let (e, rest) = args.receiver();
            if let Value::Instance(e) = e
                && let NativeState::Exception(s) = &mut *e.native.borrow_mut()
            {
                s.args = rest.pos;
            }
            Ok(Value::None)
        }),
        ("with_traceback", |_: &mut Interp, args: Args| Ok(args.receiver().0)),
    ])
}

pub(super) fn int() -> Attrs {
    table(&[
        ("bit_length", |i: &mut Interp, args: Args| match this(args).0 {
            Value::Int(v) => Ok(Value::Int(i64::from(64 - v.unsigned_abs().leading_zeros()))),
            Value::Bool(b) => Ok(Value::Int(i64::from(b))),
            Value::Big(b) => Ok(Value::Int(b.bits() as i64)),
            v => Err(wrong(i, &v)),
        }),
        ("is_integer", |_: &mut Interp, _: Args| Ok(Value::Bool(true))),
        ("__index__", |_: &mut Interp, args: Args| Ok(this(args).0)),
    ])
}

pub(super) fn float() -> Attrs {
    table(&[("is_integer", |_: &mut Interp, args: Args| {
        Ok(Value::Bool(this(args).0.as_float().is_some_and(|v| v.is_finite() && v == v.trunc())))
    })])
}

fn split(i: &mut Interp, args: Args, right: bool) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let [sep, limit] = rest.bind(i, "split", ["sep", "maxsplit"], 0)?;
    let limit = limit.and_then(|v| v.as_int()).filter(|n| *n >= 0).map_or(usize::MAX, |n| n as usize);
    i.allocate(s.len())?;
    let parts: Vec<Value> = match sep.filter(|v| !v.is_none()) {
        None => s.split_whitespace().map(Value::str).collect(),
        Some(Value::Str(sep)) if !sep.is_empty() => {
            if right {
                let mut parts: Vec<Value> = s.rsplitn(limit.saturating_add(1), &*sep).map(Value::str).collect();
                parts.reverse();
                parts
            } else {
                s.splitn(limit.saturating_add(1), &*sep).map(Value::str).collect()
            }
        }
        _ => return Err(i.raise(Exc::ValueError, "empty separator")),
    };
    Ok(Value::list(parts))
}

fn strip(i: &mut Interp, args: Args, left: bool, right: bool) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let set: Option<Rc<str>> = match rest.pos.first() {
        Some(Value::Str(c)) => Some(c.clone()),
        _ => None,
    };
    let gone = |c: char| set.as_ref().map_or(c.is_whitespace(), |s| s.contains(c));
    let mut t: &str = &s;
    if left {
        t = t.trim_start_matches(gone);
    }
    if right {
        t = t.trim_end_matches(gone);
    }
    Ok(Value::str(t))
}

fn affix(i: &mut Interp, args: Args, f: fn(&str, &str) -> bool) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let all = match rest.pos.first() {
        Some(Value::Tuple(t)) => t.items().to_vec(),
        Some(v) => vec![v.clone()],
        None => Vec::new(),
    };
    Ok(Value::Bool(all.iter().any(|v| v.as_str().is_some_and(|p| f(&s, p)))))
}

fn find(i: &mut Interp, args: Args, last: bool) -> Eval<Option<i64>> {
    let (s, rest) = text(i, args)?;
    let p = str_arg(i, &rest, 0)?;
    let at = if last { s.rfind(&*p) } else { s.find(&*p) };
    Ok(at.map(|b| s[..b].chars().count() as i64))
}

fn all_chars(i: &mut Interp, args: Args, f: fn(char) -> bool) -> Eval<Value> {
    let (s, _) = text(i, args)?;
    Ok(Value::Bool(!s.is_empty() && s.chars().all(f)))
}

fn justify(i: &mut Interp, args: Args, align: char) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let width = arg(&rest, 0).as_int().unwrap_or(0);
    let fill = rest.pos.get(1).and_then(Value::as_str).unwrap_or(" ").to_string();
    crate::eval::format::format_value(i, &Value::Str(s), &format!("{fill}{align}{width}")).map(Value::from)
}

pub(super) fn str() -> Attrs {
    table(&[
        ("join", |i: &mut Interp, args: Args| {
            let (s, rest) = text(i, args)?;
            let mut parts = Vec::new();
            for (k, v) in i.iterate(&arg(&rest, 0))?.iter().enumerate() {
                match v {
                    Value::Str(p) => parts.push(p.clone()),
                    v => {
                        let name = i.type_name(v);
                        let text = format!("sequence item {k}: expected str instance, {name} found");
                        return Err(i.raise(Exc::TypeError, text));
                    }
                }
            }
            let n: usize = parts.iter().map(|p| p.len() + s.len()).sum();
            i.allocate(n / 8)?;
            Ok(Value::from(parts.join(&*s)))
        }),
        ("split", |i: &mut Interp, args: Args| split(i, args, false)),
        ("rsplit", |i: &mut Interp, args: Args| split(i, args, true)),
        ("splitlines", |i: &mut Interp, args: Args| {
            let (s, _) = text(i, args)?;
            Ok(Value::list(s.lines().map(Value::str).collect()))
        }),
        ("strip", |i: &mut Interp, args: Args| strip(i, args, true, true)),
        ("lstrip", |i: &mut Interp, args: Args| strip(i, args, true, false)),
        ("rstrip", |i: &mut Interp, args: Args| strip(i, args, false, true)),
        ("startswith", |i: &mut Interp, args: Args| affix(i, args, |s, p| s.starts_with(p))),
        ("endswith", |i: &mut Interp, args: Args| affix(i, args, |s, p| s.ends_with(p))),
        ("lower", |i: &mut Interp, args: Args| Ok(Value::from(text(i, args)?.0.to_lowercase()))),
        ("upper", |i: &mut Interp, args: Args| Ok(Value::from(text(i, args)?.0.to_uppercase()))),
        ("title", |i: &mut Interp, args: Args| {
            let (s, _) = text(i, args)?;
            let mut start = true;
            let out: String = s
                .chars()
                .map(|c| {
                    let d = if start { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
                    start = !c.is_alphabetic();
                    d
                })
                .collect();
            Ok(Value::from(out))
        }),
        ("capitalize", |i: &mut Interp, args: Args| {
            let (s, _) = text(i, args)?;
            let mut c = s.chars();
            Ok(Value::from(c.next().map_or(String::new(), |f| f.to_uppercase().chain(c.as_str().to_lowercase().chars()).collect())))
        }),
        ("replace", |i: &mut Interp, args: Args| {
            let (s, rest) = text(i, args)?;
            let (a, b) = (str_arg(i, &rest, 0)?, str_arg(i, &rest, 1)?);
            let n = s.matches(&*a).count();
            i.allocate((s.len() + n * b.len()) / 8)?;
            Ok(Value::from(match rest.pos.get(2).and_then(Value::as_int) {
                Some(n) if n >= 0 => s.replacen(&*a, &b, n as usize),
                _ => s.replace(&*a, &b),
            }))
        }),
        ("format", |i: &mut Interp, args: Args| {
            let (s, rest) = text(i, args)?;
            crate::eval::format::str_format(i, &s, &rest).map(Value::from)
        }),
        ("find", |i: &mut Interp, args: Args| Ok(Value::Int(find(i, args, false)?.unwrap_or(-1)))),
        ("rfind", |i: &mut Interp, args: Args| Ok(Value::Int(find(i, args, true)?.unwrap_or(-1)))),
        ("index", |i: &mut Interp, args: Args| match find(i, args, false)? {
            Some(n) => Ok(Value::Int(n)),
            None => Err(i.raise(Exc::ValueError, "substring not found")),
        }),
        ("count", |i: &mut Interp, args: Args| {
            let (s, rest) = text(i, args)?;
            let p = str_arg(i, &rest, 0)?;
            Ok(Value::from(s.matches(&*p).count()))
        }),
        ("partition", |i: &mut Interp, args: Args| {
            let (s, rest) = text(i, args)?;
            let p = str_arg(i, &rest, 0)?;
            let (a, m, b) = s.split_once(&*p).map_or((&*s, "", ""), |(a, b)| (a, &*p, b));
            Ok(Value::tuple(vec![Value::str(a), Value::str(m), Value::str(b)]))
        }),
        ("rpartition", |i: &mut Interp, args: Args| {
            let (s, rest) = text(i, args)?;
            let p = str_arg(i, &rest, 0)?;
            let (a, m, b) = s.rsplit_once(&*p).map_or(("", "", &*s), |(a, b)| (a, &*p, b));
            Ok(Value::tuple(vec![Value::str(a), Value::str(m), Value::str(b)]))
        }),
        ("removeprefix", |i: &mut Interp, args: Args| {
            let (s, rest) = text(i, args)?;
            let p = str_arg(i, &rest, 0)?;
            Ok(Value::str(s.strip_prefix(&*p).unwrap_or(&s)))
        }),
        ("removesuffix", |i: &mut Interp, args: Args| {
            let (s, rest) = text(i, args)?;
            let p = str_arg(i, &rest, 0)?;
            Ok(Value::str(s.strip_suffix(&*p).unwrap_or(&s)))
        }),
        ("isdigit", |i: &mut Interp, args: Args| all_chars(i, args, |c| c.is_ascii_digit())),
        ("isnumeric", |i: &mut Interp, args: Args| all_chars(i, args, |c| c.is_numeric())),
        ("isdecimal", |i: &mut Interp, args: Args| all_chars(i, args, |c| c.is_ascii_digit())),
        ("isalpha", |i: &mut Interp, args: Args| all_chars(i, args, char::is_alphabetic)),
        ("isalnum", |i: &mut Interp, args: Args| all_chars(i, args, char::is_alphanumeric)),
        ("isupper", |i: &mut Interp, args: Args| all_chars(i, args, |c| !c.is_lowercase())),
        ("islower", |i: &mut Interp, args: Args| all_chars(i, args, |c| !c.is_uppercase())),
        ("isspace", |i: &mut Interp, args: Args| all_chars(i, args, char::is_whitespace)),
        ("isidentifier", |i: &mut Interp, args: Args| all_chars(i, args, |c| c.is_alphanumeric() || c == '_')),
        ("ljust", |i: &mut Interp, args: Args| justify(i, args, '<')),
        ("rjust", |i: &mut Interp, args: Args| justify(i, args, '>')),
        ("center", |i: &mut Interp, args: Args| justify(i, args, '^')),
        ("zfill", |i: &mut Interp, args: Args| {
            let (s, rest) = text(i, args)?;
            let width = arg(&rest, 0).as_int().unwrap_or(0);
            crate::eval::format::format_value(i, &Value::Str(s), &format!("0>{width}")).map(Value::from)
        }),
        ("encode", |i: &mut Interp, args: Args| Ok(Value::Bytes(text(i, args)?.0.as_bytes().into()))),
    ])
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
    let start = rest.pos.get(1).and_then(Value::as_int).unwrap_or(0).max(0) as usize;
    match position(i, items.get(start..).unwrap_or(&[]), &arg(rest, 0))? {
        Some(k) => Ok(Value::from(k + start)),
        None => {
            let shown = i.repr(&arg(rest, 0))?;
            Err(i.raise(Exc::ValueError, format!("{shown} is not in {what}")))
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

pub(super) fn tuple() -> Attrs {
    table(&[
        ("index", |i: &mut Interp, args: Args| {
            let (v, rest) = this(args);
            let items = v.as_sequence().unwrap_or_default();
            index_of(i, &items, &rest, "tuple")
        }),
        ("count", |i: &mut Interp, args: Args| {
            let (v, rest) = this(args);
            let items = v.as_sequence().unwrap_or_default();
            count_of(i, &items, &arg(&rest, 0))
        }),
        ("__len__", |i: &mut Interp, args: Args| i.len(&this(args).0).map(Value::from)),
        ("__getitem__", |i: &mut Interp, args: Args| {
            let (v, rest) = this(args);
            i.get_item(&v, &arg(&rest, 0))
        }),
        ("__iter__", |i: &mut Interp, args: Args| i.iter(&this(args).0)),
    ])
}

pub(super) fn list() -> Attrs {
    table(&[
        ("__init__", |i: &mut Interp, args: Args| {
            let (l, rest) = list_of(i, args)?;
            let items = match rest.pos.first() {
                Some(v) => i.iterate(v)?,
                None => Vec::new(),
            };
            i.allocate(items.len())?;
            *l.borrow_mut() = items;
            Ok(Value::None)
        }),
        ("append", |i: &mut Interp, args: Args| {
            let (l, rest) = list_of(i, args)?;
            let [v] = rest.exactly(i, "append")?;
            i.allocate(1)?;
            l.borrow_mut().push(v);
            Ok(Value::None)
        }),
        ("extend", |i: &mut Interp, args: Args| {
            let (l, rest) = list_of(i, args)?;
            let source = arg(&rest, 0);
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
        }),
        ("insert", |i: &mut Interp, args: Args| {
            let (l, rest) = list_of(i, args)?;
            let [at, v] = rest.exactly(i, "insert")?;
            let at = i.index_int(&at)?;
            let n = l.borrow().len() as i64;
            let at = if at < 0 { (at + n).max(0) } else { at.min(n) };
            i.allocate(1)?;
            l.borrow_mut().insert(at as usize, v);
            Ok(Value::None)
        }),
        ("pop", |i: &mut Interp, args: Args| {
            let (l, rest) = list_of(i, args)?;
            let n = l.borrow().len() as i64;
            let at = match rest.pos.first() {
                Some(v) => i.index_int(v)?,
                None => -1,
            };
            let at = if at < 0 { at + n } else { at };
            if n == 0 || at < 0 || at >= n {
                let text = if n == 0 { "pop from empty list" } else { "pop index out of range" };
                return Err(i.raise(Exc::IndexError, text));
            }
            Ok(l.borrow_mut().remove(at as usize))
        }),
        ("popleft", |i: &mut Interp, args: Args| {
            let (l, _) = list_of(i, args)?;
            if l.borrow().is_empty() {
                return Err(i.raise(Exc::IndexError, "pop from an empty deque"));
            }
            Ok(l.borrow_mut().remove(0))
        }),
        ("appendleft", |i: &mut Interp, args: Args| {
            let (l, rest) = list_of(i, args)?;
            i.allocate(1)?;
            l.borrow_mut().insert(0, arg(&rest, 0));
            Ok(Value::None)
        }),
        ("remove", |i: &mut Interp, args: Args| {
            let (l, rest) = list_of(i, args)?;
            let items = l.borrow().clone();
            match position(i, &items, &arg(&rest, 0))? {
                Some(k) => {
                    l.borrow_mut().remove(k);
                    Ok(Value::None)
                }
                None => Err(i.raise(Exc::ValueError, "list.remove(x): x not in list")),
            }
        }),
        ("clear", |i: &mut Interp, args: Args| {
            let (l, _) = list_of(i, args)?;
            let old = std::mem::take(&mut *l.borrow_mut());
            drop(old);
            Ok(Value::None)
        }),
        ("reverse", |i: &mut Interp, args: Args| {
            list_of(i, args)?.0.borrow_mut().reverse();
            Ok(Value::None)
        }),
        ("copy", |i: &mut Interp, args: Args| {
            let (l, _) = list_of(i, args)?;
            let items = l.borrow().clone();
            i.allocate(items.len())?;
            Ok(Value::list(items))
        }),
        ("index", |i: &mut Interp, args: Args| {
            let (l, rest) = list_of(i, args)?;
            let items = l.borrow().clone();
            index_of(i, &items, &rest, "list")
        }),
        ("count", |i: &mut Interp, args: Args| {
            let (l, rest) = list_of(i, args)?;
            let items = l.borrow().clone();
            count_of(i, &items, &arg(&rest, 0))
        }),
        ("sort", |i: &mut Interp, args: Args| {
            let (l, mut rest) = list_of(i, args)?;
            let key = rest.take_kw("key");
            let reverse = match rest.take_kw("reverse") {
                Some(v) => i.truth(&v)?,
                None => false,
            };
            let items = l.borrow().clone();
            let sorted = builtins::sort(i, items, key, reverse)?;
            *l.borrow_mut() = sorted;
            Ok(Value::None)
        }),
        ("__len__", |i: &mut Interp, args: Args| i.len(&this(args).0).map(Value::from)),
        ("__getitem__", |i: &mut Interp, args: Args| {
            let (v, rest) = this(args);
            i.get_item(&v, &arg(&rest, 0))
        }),
        ("__setitem__", |i: &mut Interp, args: Args| {
            let (v, rest) = this(args);
            i.set_item(&v, &arg(&rest, 0), arg(&rest, 1))?;
            Ok(Value::None)
        }),
        ("__iter__", |i: &mut Interp, args: Args| i.iter(&this(args).0)),
    ])
}

fn view(i: &mut Interp, args: Args, what: ViewKind) -> Eval<Value> {
    let (dict, _) = dict_of(i, args)?;
    Ok(Value::View(Rc::new(View { dict, what })))
}

pub(super) fn dict() -> Attrs {
    table(&[
        ("__init__", |i: &mut Interp, args: Args| {
            let (d, rest) = dict_of(i, args)?;
            let mut new = Dict::default();
            builtins::fill(i, &mut new, rest)?;
            d.borrow_mut().extend(new);
            Ok(Value::None)
        }),
        ("get", |i: &mut Interp, args: Args| {
            let (d, rest) = dict_of(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            let found = d.borrow().get(&key).cloned();
            Ok(found.unwrap_or_else(|| arg(&rest, 1)))
        }),
        ("keys", |i: &mut Interp, args: Args| view(i, args, ViewKind::Keys)),
        ("values", |i: &mut Interp, args: Args| view(i, args, ViewKind::Values)),
        ("items", |i: &mut Interp, args: Args| view(i, args, ViewKind::Items)),
        ("update", |i: &mut Interp, args: Args| {
            let (d, rest) = dict_of(i, args)?;
            let mut new = Dict::default();
            builtins::fill(i, &mut new, rest)?;
            d.borrow_mut().extend(new);
            Ok(Value::None)
        }),
        ("pop", |i: &mut Interp, args: Args| {
            let (d, rest) = dict_of(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            let old = d.borrow_mut().shift_remove(&key);
            match (old, rest.pos.get(1)) {
                (Some(v), _) => Ok(v),
                (None, Some(d)) => Ok(d.clone()),
                (None, None) => Err(i.raise_args(Exc::KeyError, vec![arg(&rest, 0)])),
            }
        }),
        ("popitem", |i: &mut Interp, args: Args| {
            let (d, _) = dict_of(i, args)?;
            let last = d.borrow_mut().pop();
            match last {
                Some((k, v)) => Ok(Value::tuple(vec![k.value().clone(), v])),
                None => Err(i.raise(Exc::KeyError, "popitem(): dictionary is empty")),
            }
        }),
        ("setdefault", |i: &mut Interp, args: Args| {
            let (d, rest) = dict_of(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            i.allocate(1)?;
            Ok(d.borrow_mut().entry(key).or_insert_with(|| arg(&rest, 1)).clone())
        }),
        ("clear", |i: &mut Interp, args: Args| {
            let (d, _) = dict_of(i, args)?;
            let old = std::mem::take(&mut *d.borrow_mut());
            drop(old);
            Ok(Value::None)
        }),
        ("copy", |i: &mut Interp, args: Args| {
            let (d, _) = dict_of(i, args)?;
            let content = d.borrow().clone();
            i.allocate(content.len())?;
            Ok(Value::Dict(Rc::new(DictObj::of(content, d.kind.clone()))))
        }),
        ("fromkeys", |i: &mut Interp, args: Args| {
            // Called on the class or on an instance: the iterable is the last but one argument, or the last.
            let mut pos = args.pos;
            if matches!(pos.first(), Some(Value::Dict(_) | Value::Class(_))) {
                pos.remove(0);
            }
            let v = pos.get(1).cloned().unwrap_or_default();
            let mut d = Dict::default();
            for k in i.iterate(&pos.first().cloned().unwrap_or_default())? {
                d.insert(Key::new(i, &k)?, v.clone());
            }
            Ok(Value::dict(d))
        }),
        ("move_to_end", |i: &mut Interp, args: Args| {
            let (d, rest) = dict_of(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            let old = d.borrow_mut().shift_remove(&key);
            if let Some(v) = old {
                d.borrow_mut().insert(key, v);
            }
            Ok(Value::None)
        }),
        ("__len__", |i: &mut Interp, args: Args| i.len(&this(args).0).map(Value::from)),
        ("__contains__", |i: &mut Interp, args: Args| {
            let (v, rest) = this(args);
            let r = i.compare(CmpOp::In, &arg(&rest, 0), &v)?;
            Ok(r)
        }),
        ("__getitem__", |i: &mut Interp, args: Args| {
            let (v, rest) = this(args);
            i.get_item(&v, &arg(&rest, 0))
        }),
        ("__setitem__", |i: &mut Interp, args: Args| {
            let (v, rest) = this(args);
            i.set_item(&v, &arg(&rest, 0), arg(&rest, 1))?;
            Ok(Value::None)
        }),
        ("__delitem__", |i: &mut Interp, args: Args| {
            let (v, rest) = this(args);
            i.del_item(&v, &arg(&rest, 0))?;
            Ok(Value::None)
        }),
        ("__iter__", |i: &mut Interp, args: Args| i.iter(&this(args).0)),
    ])
}

pub(super) fn counter() -> Attrs {
    table(&[("most_common", |i: &mut Interp, args: Args| {
        let (d, rest) = dict_of(i, args)?;
        let mut pairs: Vec<(Value, i64)> =
            d.borrow().iter().map(|(k, v)| (k.value().clone(), v.as_int().unwrap_or(0))).collect();
        pairs.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let n = rest.pos.first().and_then(Value::as_int).map_or(pairs.len(), |n| n.max(0) as usize);
        Ok(Value::list(pairs.into_iter().take(n).map(|(k, n)| Value::tuple(vec![k, Value::Int(n)])).collect()))
    })])
}

fn set_op(i: &mut Interp, args: Args, op: BinOp) -> Eval<Value> {
    let (s, rest) = set_obj(i, args)?;
    let mut out = s.borrow().clone();
    for other in &rest.pos {
        let mut right = crate::eval::dict::Set::default();
        for v in i.iterate(other)? {
            right.insert(Key::new(i, &v)?);
        }
        out = crate::eval::operators::combine(op, &out, &right);
    }
    i.allocate(out.len())?;
    Ok(Value::Set(Rc::new(SetObj::new(out, s.frozen))))
}

fn subset(i: &mut Interp, args: Args, turned: bool) -> Eval<Value> {
    let (s, rest) = set_obj(i, args)?;
    let mut right = crate::eval::dict::Set::default();
    for v in i.iterate(&arg(&rest, 0))? {
        right.insert(Key::new(i, &v)?);
    }
    let left = s.borrow();
    let (small, large) = if turned { (&right, &*left) } else { (&*left, &right) };
    Ok(Value::Bool(small.iter().all(|k| large.contains(k))))
}

pub(super) fn set() -> Attrs {
    table(&[
        ("add", |i: &mut Interp, args: Args| {
            let (s, rest) = set_obj(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            i.allocate(1)?;
            s.borrow_mut().insert(key);
            Ok(Value::None)
        }),
        ("discard", |i: &mut Interp, args: Args| {
            let (s, rest) = set_obj(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            s.borrow_mut().shift_remove(&key);
            Ok(Value::None)
        }),
        ("remove", |i: &mut Interp, args: Args| {
            let (s, rest) = set_obj(i, args)?;
            let key = Key::new(i, &arg(&rest, 0))?;
            let had = s.borrow_mut().shift_remove(&key);
            if had { Ok(Value::None) } else { Err(i.raise_args(Exc::KeyError, vec![arg(&rest, 0)])) }
        }),
        ("update", |i: &mut Interp, args: Args| {
            let (s, rest) = set_obj(i, args)?;
            for other in &rest.pos {
                for v in i.iterate(other)? {
                    let key = Key::new(i, &v)?;
                    i.allocate(1)?;
                    s.borrow_mut().insert(key);
                }
            }
            Ok(Value::None)
        }),
        ("clear", |i: &mut Interp, args: Args| {
            set_obj(i, args)?.0.borrow_mut().clear();
            Ok(Value::None)
        }),
        ("pop", |i: &mut Interp, args: Args| {
            let (s, _) = set_obj(i, args)?;
            let last = s.borrow_mut().shift_remove_index(0);
            match last {
                Some(k) => Ok(k.value().clone()),
                None => Err(i.raise(Exc::KeyError, "pop from an empty set")),
            }
        }),
        ("copy", |i: &mut Interp, args: Args| {
            let (s, _) = set_obj(i, args)?;
            let content = s.borrow().clone();
            Ok(Value::Set(Rc::new(SetObj::new(content, s.frozen))))
        }),
        ("union", |i: &mut Interp, args: Args| set_op(i, args, BinOp::Or)),
        ("intersection", |i: &mut Interp, args: Args| set_op(i, args, BinOp::And)),
        ("difference", |i: &mut Interp, args: Args| set_op(i, args, BinOp::Sub)),
        ("symmetric_difference", |i: &mut Interp, args: Args| set_op(i, args, BinOp::Xor)),
        ("issubset", |i: &mut Interp, args: Args| subset(i, args, false)),
        ("issuperset", |i: &mut Interp, args: Args| subset(i, args, true)),
        ("isdisjoint", |i: &mut Interp, args: Args| {
            let both = set_op(i, args, BinOp::And)?;
            Ok(Value::Bool(i.len(&both)? == 0))
        }),
    ])
}

pub(super) fn range() -> Attrs {
    table(&[("index", |i: &mut Interp, args: Args| {
        let (v, rest) = this(args);
        let items = i.iterate(&v)?;
        index_of(i, &items, &rest, "range")
    })])
}

pub(super) fn slice() -> Attrs {
    table(&[("indices", |i: &mut Interp, args: Args| {
        let (v, rest) = this(args);
        let Value::Slice(s) = v else { return Err(wrong(i, &v)) };
        let n = i.index_int(&arg(&rest, 0))?.max(0) as usize;
        let (start, step, count) = i.slice_range(&s, n)?;
        let stop = start + step * count as i64;
        Ok(Value::tuple(vec![Value::Int(start), Value::Int(stop), Value::Int(step)]))
    })])
}

pub(super) fn iterator() -> Attrs {
    table(&[
        ("__next__", |i: &mut Interp, args: Args| {
            let (v, _) = args.receiver();
            match i.next(&v)? {
                Some(v) => Ok(v),
                None => Err(i.raise_args(Exc::StopIteration, Vec::new())),
            }
        }),
        ("__iter__", |_: &mut Interp, args: Args| Ok(args.receiver().0)),
        ("close", |_: &mut Interp, args: Args| {
            if let Value::Iterator(c) = args.receiver().0 {
                **c.borrow_mut() = Iter::Done;
            }
            Ok(Value::None)
        }),
    ])
}

pub(super) fn property() -> Attrs {
    fn with(i: &Interp, args: Args, f: impl FnOnce(&mut Property, Value)) -> Eval<Value> {
        let (p, rest) = args.receiver();
        let Value::Property(p) = p else { return Err(wrong(i, &p)) };
        let mut new = (**p).clone();
        f(&mut new, arg(&rest, 0));
        Ok(Value::Property(Rc::new(crate::eval::nest::Nest::new(new))))
    }
    table(&[
        ("setter", |i: &mut Interp, args: Args| with(i, args, |p, f| p.set = f)),
        ("getter", |i: &mut Interp, args: Args| with(i, args, |p, f| p.get = f)),
        ("deleter", |i: &mut Interp, args: Args| with(i, args, |p, f| p.del = f)),
    ])
}
