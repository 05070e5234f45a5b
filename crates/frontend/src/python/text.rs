//! `str` and `bytes`.

use super::support::{Method, arg, str_arg, table, text, this, wrong};
use crate::eval::args::Args;
use crate::eval::dict::{Dict, Key};
use crate::eval::value::{Attrs, Value};
use crate::eval::{Eval, Exc, Interp, format};
use std::rc::Rc;

/// `str(…)`.
pub(super) fn construct(i: &mut Interp, args: Args) -> Eval<Value> {
    match args.pos.first().or(args.kw.first().map(|(_, v)| v)) {
        Some(Value::Bytes(b)) if args.pos.len() + args.kw.len() > 1 => {
            Ok(Value::from(String::from_utf8_lossy(b).as_ref()))
        }
        Some(v) => Ok(Value::Str(i.str(&v.clone())?)),
        None => Ok(Value::str("")),
    }
}

/// `bytes(…)`.
pub(super) fn construct_bytes(i: &mut Interp, args: Args) -> Eval<Value> {
    match args.pos.first() {
        None => Ok(Value::Bytes([].into())),
        Some(Value::Bytes(b)) => Ok(Value::Bytes(b.clone())),
        Some(Value::Str(s)) => Ok(Value::Bytes(s.as_bytes().into())),
        Some(Value::Int(n)) => {
            let n = usize::try_from(*n).map_err(|_| i.raise(Exc::ValueError, "negative count"))?;
            i.allocate(n)?;
            Ok(Value::Bytes(vec![0; n].into()))
        }
        Some(v) => {
            let items = i.iterate(v)?;
            let bytes: Option<Vec<u8>> = items.iter().map(|v| v.as_int().and_then(|n| u8::try_from(n).ok())).collect();
            match bytes {
                Some(b) => Ok(Value::Bytes(b.into())),
                None => Err(i.raise(Exc::ValueError, "bytes must be in range(0, 256)")),
            }
        }
    }
}

fn split(i: &mut Interp, args: Args, right: bool) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let [sep, limit] = rest.bind(i, "split", ["sep", "maxsplit"], 0)?;
    let limit = limit.and_then(|v| v.as_int()).and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    i.allocate(s.len())?;
    let parts: Vec<Value> = match sep.filter(|v| !v.is_none()) {
        None => by_space(&s, limit, right).into_iter().map(Value::str).collect(),
        Some(Value::Str(sep)) if !sep.is_empty() => {
            if right {
                let mut parts: Vec<Value> = s.rsplitn(limit.saturating_add(1), &*sep).map(Value::str).collect();
                parts.reverse();
                parts
            } else {
                s.splitn(limit.saturating_add(1), &*sep).map(Value::str).collect()
            }
        }
        Some(Value::Str(_)) => return Err(i.raise(Exc::ValueError, "empty separator")),
        Some(v) => {
            let text = format!("must be str or None, not {}", i.type_name(&v));
            return Err(i.raise(Exc::TypeError, text));
        }
    };
    Ok(Value::list(parts))
}

/// Words by runs of white space, at most `limit` cuts.
fn by_space(s: &str, limit: usize, right: bool) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = s.trim();
    while !rest.is_empty() {
        let cut = if words.len() >= limit {
            None
        } else if right {
            rest.rfind(char::is_whitespace)
        } else {
            rest.find(char::is_whitespace)
        };
        match cut {
            Some(at) if right => {
                words.push(rest[at..].trim_start());
                rest = rest[..at].trim_end();
            }
            Some(at) => {
                words.push(&rest[..at]);
                rest = rest[at..].trim_start();
            }
            None => {
                words.push(rest);
                break;
            }
        }
    }
    if right {
        words.reverse();
    }
    words
}

fn strip(i: &mut Interp, args: Args, left: bool, right: bool) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let set = match rest.pos.first() {
        None | Some(Value::None) => None,
        Some(_) => Some(str_arg(i, &rest, 0)?),
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

/// The part of a text that optional bounds choose, and how many characters lie before it.
fn window<'s>(i: &mut Interp, s: &'s str, args: &Args, from: usize) -> Eval<Option<(&'s str, usize)>> {
    if args.pos.len() <= from {
        return Ok(Some((s, 0)));
    }
    let n = s.chars().count() as i64;
    let mut bound = |k: usize, default: i64| -> Eval<i64> {
        match args.pos.get(k) {
            None | Some(Value::None) => Ok(default),
            Some(v) => {
                let v = i.index_int(v)?;
                Ok(if v < 0 { v.saturating_add(n).max(0) } else { v })
            }
        }
    };
    let (start, stop) = (bound(from, 0)?, bound(from + 1, n)?.min(n));
    if start > stop {
        return Ok(None);
    }
    let byte = |k: i64| s.char_indices().nth(k as usize).map_or(s.len(), |(b, _)| b);
    Ok(Some((&s[byte(start)..byte(stop)], start as usize)))
}

fn affix(i: &mut Interp, args: Args, name: &str, f: fn(&str, &str) -> bool) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let all = match rest.pos.first() {
        Some(Value::Tuple(t)) => t.items().to_vec(),
        Some(v) => vec![v.clone()],
        None => return Err(i.raise(Exc::TypeError, format!("{name}() takes at least 1 argument (0 given)"))),
    };
    let Some((s, _)) = window(i, &s, &rest, 1)? else { return Ok(Value::Bool(false)) };
    for v in &all {
        let Some(p) = v.as_str() else {
            let found = i.type_name(v);
            let text = format!("{name} first arg must be str or a tuple of str, not {found}");
            return Err(i.raise(Exc::TypeError, text));
        };
        if f(s, p) {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn find(i: &mut Interp, args: Args, last: bool) -> Eval<Option<i64>> {
    let (s, rest) = text(i, args)?;
    let p = str_arg(i, &rest, 0)?;
    let Some((part, before)) = window(i, &s, &rest, 1)? else { return Ok(None) };
    let at = if last { part.rfind(&*p) } else { part.find(&*p) };
    Ok(at.map(|b| (part[..b].chars().count() + before) as i64))
}

fn found(i: &Interp, at: Option<i64>) -> Eval<Value> {
    at.map(Value::Int).ok_or_else(|| i.raise(Exc::ValueError, "substring not found"))
}

fn all_chars(i: &mut Interp, args: Args, f: fn(char) -> bool) -> Eval<Value> {
    let (s, _) = text(i, args)?;
    Ok(Value::Bool(!s.is_empty() && s.chars().all(f)))
}

/// Some cased character, and every one of them in this case.
fn cased(i: &mut Interp, args: Args, wanted: fn(char) -> bool, other: fn(char) -> bool) -> Eval<Value> {
    let (s, _) = text(i, args)?;
    Ok(Value::Bool(s.chars().any(wanted) && !s.chars().any(other)))
}

fn justify(i: &mut Interp, args: Args, align: char) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let width = i.index_int(&arg(&rest, 0))?.max(0);
    let fill = match rest.pos.get(1) {
        None => ' ',
        Some(_) => {
            let f = str_arg(i, &rest, 1)?;
            let mut c = f.chars();
            match (c.next(), c.next()) {
                (Some(c), None) => c,
                _ => return Err(i.raise(Exc::TypeError, "The fill character must be exactly one character long")),
            }
        }
    };
    let have = s.chars().count();
    let pad = usize::try_from(width).unwrap_or(0).saturating_sub(have);
    i.allocate(pad.div_ceil(8))?;
    let fill = |n: usize| fill.to_string().repeat(n);
    Ok(Value::from(match align {
        '<' => format!("{s}{}", fill(pad)),
        '>' => format!("{}{s}", fill(pad)),
        _ => {
            // The odd one goes where CPython puts it.
            let left = pad / 2 + (pad & width as usize & 1);
            format!("{}{s}{}", fill(left), fill(pad - left))
        }
    }))
}

fn lines(s: &str, keep: bool) -> Vec<Value> {
    let mut out = Vec::new();
    let mut rest = s;
    while !rest.is_empty() {
        let end = rest.find(['\n', '\r']);
        let (line, full) = match end {
            Some(at) => (at, at + if rest[at..].starts_with("\r\n") { 2 } else { 1 }),
            None => (rest.len(), rest.len()),
        };
        out.push(Value::str(&rest[..if keep { full } else { line }]));
        rest = &rest[full..];
    }
    out
}

fn titled(s: &str) -> String {
    let mut start = true;
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        if start {
            out.extend(c.to_uppercase())
        } else {
            out.extend(c.to_lowercase())
        }
        start = !c.is_alphabetic();
    }
    out
}

fn partition(i: &mut Interp, args: Args, last: bool) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let p = str_arg(i, &rest, 0)?;
    if p.is_empty() {
        return Err(i.raise(Exc::ValueError, "empty separator"));
    }
    let cut = if last { s.rsplit_once(&*p) } else { s.split_once(&*p) };
    let parts = match cut {
        Some((a, b)) => [a, &*p, b],
        None if last => ["", "", &*s],
        None => [&*s, "", ""],
    };
    Ok(Value::tuple(parts.into_iter().map(Value::str).collect()))
}

fn join(i: &mut Interp, args: Args) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let mut parts: Vec<Rc<str>> = Vec::new();
    for (k, v) in i.iterate(&arg(&rest, 0))?.iter().enumerate() {
        let inner = match v {
            Value::Instance(o) => o.payload_value(),
            other => Some(other.clone()),
        };
        match inner {
            Some(Value::Str(p)) => parts.push(p),
            _ => {
                let name = i.type_name(v);
                let text = format!("sequence item {k}: expected str instance, {name} found");
                return Err(i.raise(Exc::TypeError, text));
            }
        }
    }
    let n: usize = parts.iter().map(|p| p.len() + s.len()).sum();
    i.allocate(n / 8)?;
    Ok(Value::from(parts.join(&*s)))
}

fn replace(i: &mut Interp, args: Args) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let (a, b) = (str_arg(i, &rest, 0)?, str_arg(i, &rest, 1)?);
    let n = s.matches(&*a).count();
    i.allocate((s.len() + n * b.len()) / 8)?;
    Ok(Value::from(match rest.pos.get(2).and_then(Value::as_int) {
        Some(n) if n >= 0 => s.replacen(&*a, &b, n as usize),
        _ => s.replace(&*a, &b),
    }))
}

fn zfill(i: &mut Interp, args: Args) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let width = usize::try_from(i.index_int(&arg(&rest, 0))?).unwrap_or(0);
    let pad = width.saturating_sub(s.chars().count());
    i.allocate(pad.div_ceil(8))?;
    let split = usize::from(s.starts_with(['-', '+']));
    Ok(Value::from(format!("{}{}{}", &s[..split], "0".repeat(pad), &s[split..])))
}

/// `str.maketrans` with two texts of one length, or a dict.
fn make_translation(i: &mut Interp, args: Args) -> Eval<Value> {
    let pos: Vec<Value> = args.pos.into_iter().filter(|v| !matches!(v, Value::Class(_))).collect();
    let mut table = Dict::default();
    match pos.as_slice() {
        [Value::Dict(d)] => {
            for (k, v) in d.borrow().iter() {
                let k = match k.value() {
                    Value::Str(s) => Value::Int(s.chars().next().map_or(0, |c| i64::from(c as u32))),
                    other => other.clone(),
                };
                table.insert(Key::new(i, &k)?, v.clone());
            }
        }
        [Value::Str(a), Value::Str(b), gone @ ..] if a.chars().count() == b.chars().count() => {
            for (a, b) in a.chars().zip(b.chars()) {
                table.insert(Key::new(i, &Value::Int(i64::from(a as u32)))?, Value::from(b.to_string()));
            }
            if let Some(Value::Str(gone)) = gone.first() {
                for c in gone.chars() {
                    table.insert(Key::new(i, &Value::Int(i64::from(c as u32)))?, Value::None);
                }
            }
        }
        _ => return Err(i.raise(Exc::ValueError, "the first two maketrans arguments must have equal length")),
    }
    Ok(Value::dict(table))
}

fn translate(i: &mut Interp, args: Args) -> Eval<Value> {
    let (s, rest) = text(i, args)?;
    let Some(table) = arg(&rest, 0).as_dict() else { return Err(i.raise(Exc::TypeError, "a dict is expected")) };
    let mut out = String::new();
    for c in s.chars() {
        let key = Key::new(i, &Value::Int(i64::from(c as u32)))?;
        match table.borrow().get(&key) {
            None => out.push(c),
            Some(Value::Str(t)) => out.push_str(t),
            Some(Value::Int(n)) => out.extend(u32::try_from(*n).ok().and_then(char::from_u32)),
            Some(_) => {}
        }
    }
    i.allocate(out.len() / 8)?;
    Ok(Value::from(out))
}

const METHODS: &[Method] = &[
    ("join", join),
    ("split", |i, args| split(i, args, false)),
    ("rsplit", |i, args| split(i, args, true)),
    ("splitlines", |i, args| {
        let (s, rest) = text(i, args)?;
        let [keep] = rest.bind(i, "splitlines", ["keepends"], 0)?;
        let keep = matches!(keep, Some(v) if i.truth(&v)?);
        i.allocate(s.len())?;
        Ok(Value::list(lines(&s, keep)))
    }),
    ("strip", |i, args| strip(i, args, true, true)),
    ("lstrip", |i, args| strip(i, args, true, false)),
    ("rstrip", |i, args| strip(i, args, false, true)),
    ("startswith", |i, args| affix(i, args, "startswith", |s, p| s.starts_with(p))),
    ("endswith", |i, args| affix(i, args, "endswith", |s, p| s.ends_with(p))),
    ("lower", |i, args| Ok(Value::from(text(i, args)?.0.to_lowercase()))),
    ("casefold", |i, args| Ok(Value::from(text(i, args)?.0.to_lowercase()))),
    ("upper", |i, args| Ok(Value::from(text(i, args)?.0.to_uppercase()))),
    ("swapcase", |i, args| {
        let (s, _) = text(i, args)?;
        let mut out = String::with_capacity(s.len());
        for c in s.chars() {
            if c.is_uppercase() { out.extend(c.to_lowercase()) } else { out.extend(c.to_uppercase()) }
        }
        Ok(Value::from(out))
    }),
    ("title", |i, args| Ok(Value::from(titled(&text(i, args)?.0)))),
    ("istitle", |i, args| {
        let (s, _) = text(i, args)?;
        Ok(Value::Bool(s.chars().any(char::is_alphabetic) && titled(&s) == *s))
    }),
    ("capitalize", |i, args| {
        let (s, _) = text(i, args)?;
        let mut c = s.chars();
        let first: String = c.next().map(|f| f.to_uppercase().collect()).unwrap_or_default();
        Ok(Value::from(first + &c.as_str().to_lowercase()))
    }),
    ("replace", replace),
    ("format", |i, args| {
        let (s, rest) = text(i, args)?;
        format::str_format(i, &s, &rest).map(Value::from)
    }),
    ("format_map", |i, args| {
        let (s, rest) = text(i, args)?;
        let kw = i.mapping_items(&arg(&rest, 0))?;
        let kw = kw.into_iter().filter_map(|(k, v)| k.as_str().map(|k| (crate::syntax::Sym::new(k), v))).collect();
        format::str_format(i, &s, &Args { pos: Vec::new(), kw }).map(Value::from)
    }),
    ("find", |i, args| Ok(Value::Int(find(i, args, false)?.unwrap_or(-1)))),
    ("rfind", |i, args| Ok(Value::Int(find(i, args, true)?.unwrap_or(-1)))),
    ("index", |i, args| {
        let at = find(i, args, false)?;
        found(i, at)
    }),
    ("rindex", |i, args| {
        let at = find(i, args, true)?;
        found(i, at)
    }),
    ("count", |i, args| {
        let (s, rest) = text(i, args)?;
        let p = str_arg(i, &rest, 0)?;
        let n = window(i, &s, &rest, 1)?.map_or(0, |(part, _)| part.matches(&*p).count());
        Ok(Value::from(n))
    }),
    ("partition", |i, args| partition(i, args, false)),
    ("rpartition", |i, args| partition(i, args, true)),
    ("removeprefix", |i, args| {
        let (s, rest) = text(i, args)?;
        let p = str_arg(i, &rest, 0)?;
        Ok(Value::str(s.strip_prefix(&*p).unwrap_or(&s)))
    }),
    ("removesuffix", |i, args| {
        let (s, rest) = text(i, args)?;
        let p = str_arg(i, &rest, 0)?;
        Ok(Value::str(s.strip_suffix(&*p).unwrap_or(&s)))
    }),
    ("expandtabs", |i, args| {
        let (s, rest) = text(i, args)?;
        let [size] = rest.bind(i, "expandtabs", ["tabsize"], 0)?;
        let size = size.and_then(|v| v.as_int()).unwrap_or(8).clamp(0, 100) as usize;
        i.allocate(s.len() * size.max(1) / 8)?;
        let (mut out, mut column) = (String::new(), 0);
        for c in s.chars() {
            match c {
                '\t' => {
                    let n = if size == 0 { 0 } else { size - column % size };
                    out.push_str(&" ".repeat(n));
                    column += n;
                }
                c => {
                    out.push(c);
                    column = if c == '\n' || c == '\r' { 0 } else { column + 1 };
                }
            }
        }
        Ok(Value::from(out))
    }),
    ("isdigit", |i, args| all_chars(i, args, |c| c.is_ascii_digit())),
    ("isnumeric", |i, args| all_chars(i, args, char::is_numeric)),
    ("isdecimal", |i, args| all_chars(i, args, |c| c.is_ascii_digit())),
    ("isalpha", |i, args| all_chars(i, args, char::is_alphabetic)),
    ("isalnum", |i, args| all_chars(i, args, char::is_alphanumeric)),
    ("isascii", |i, args| Ok(Value::Bool(text(i, args)?.0.is_ascii()))),
    ("isprintable", |i, args| Ok(Value::Bool(!text(i, args)?.0.chars().any(char::is_control)))),
    ("isupper", |i, args| cased(i, args, char::is_uppercase, char::is_lowercase)),
    ("islower", |i, args| cased(i, args, char::is_lowercase, char::is_uppercase)),
    ("isspace", |i, args| all_chars(i, args, char::is_whitespace)),
    ("isidentifier", |i, args| {
        let (s, _) = text(i, args)?;
        let first = s.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        Ok(Value::Bool(first && s.chars().all(|c| c.is_alphanumeric() || c == '_')))
    }),
    ("ljust", |i, args| justify(i, args, '<')),
    ("rjust", |i, args| justify(i, args, '>')),
    ("center", |i, args| justify(i, args, '^')),
    ("zfill", zfill),
    ("maketrans", make_translation),
    ("translate", translate),
    ("encode", |i, args| {
        let (s, _) = text(i, args)?;
        i.allocate(s.len())?;
        Ok(Value::Bytes(s.as_bytes().into()))
    }),
    ("__len__", |i, args| i.len(&this(args).0).map(Value::from)),
    ("__contains__", |i, args| {
        let (v, rest) = this(args);
        i.contains(&v, &arg(&rest, 0)).map(Value::Bool)
    }),
];

pub(super) fn methods() -> Attrs {
    let mut attrs = table(METHODS);
    // Called on the class: there is no receiver.
    let translation = crate::syntax::Sym::new("maketrans");
    if let Some(f) = attrs.get(&translation).cloned() {
        attrs.insert(translation, Value::static_method(f));
    }
    attrs
}

fn bytes(i: &Interp, args: Args) -> Eval<(Rc<[u8]>, Args)> {
    match this(args) {
        (Value::Bytes(b), rest) => Ok((b, rest)),
        (v, _) => Err(wrong(i, &v)),
    }
}

pub(super) fn bytes_methods() -> Attrs {
    table(&[
        ("decode", |i, args| {
            let (b, _) = bytes(i, args)?;
            match std::str::from_utf8(&b) {
                Ok(s) => Ok(Value::str(s)),
                Err(e) => Err(i.raise(Exc::UnicodeDecodeError, format!("'utf-8' codec can't decode: {e}"))),
            }
        }),
        ("hex", |i, args| {
            let (b, _) = bytes(i, args)?;
            i.allocate(b.len() / 4)?;
            Ok(Value::from(b.iter().map(|b| format!("{b:02x}")).collect::<String>()))
        }),
    ])
}
