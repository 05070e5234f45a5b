//! Format specifications: f-strings, `format`, `str.format`, `%`.

use super::exception::{Eval, Exc};
use super::value::Value;
use super::Interp;
use crate::syntax::Sym;

/// Longest field that a specification may ask for.
const MAX_WIDTH: usize = 100_000;

/// A value by a format specification.
pub(crate) fn format_value(i: &mut Interp, v: &Value, spec: &str) -> Eval<String> {
    if spec.is_empty() {
        return Ok(i.str(v)?.to_string());
    }
    let chars: Vec<char> = spec.chars().collect();
    let mut at = 0;
    let (mut fill, mut align) = (' ', None);
    if chars.len() > 1 && matches!(chars[1], '<' | '>' | '^' | '=') {
        (fill, align, at) = (chars[0], Some(chars[1]), 2);
    } else if matches!(chars.first(), Some('<' | '>' | '^' | '=')) {
        (align, at) = (Some(chars[0]), 1);
    }
    let mut sign = '-';
    if let Some(c @ ('+' | '-' | ' ')) = chars.get(at) {
        sign = *c;
        at += 1;
    }
    let alternate = chars.get(at) == Some(&'#');
    at += usize::from(alternate);
    if chars.get(at) == Some(&'0') && align.is_none() {
        (fill, align) = ('0', Some('='));
        at += 1;
    }
    let number = |at: &mut usize| {
        let start = *at;
        let mut n = 0usize;
        while let Some(d) = chars.get(*at).and_then(|c| c.to_digit(10)) {
            n = n.saturating_mul(10).saturating_add(d as usize);
            *at += 1;
        }
        (*at > start).then_some(n)
    };
    let width = number(&mut at).unwrap_or(0);
    let mut group = None;
    if let Some(c @ (',' | '_')) = chars.get(at) {
        group = Some(*c);
        at += 1;
    }
    let mut precision = None;
    if chars.get(at) == Some(&'.') {
        at += 1;
        precision = number(&mut at);
    }
    let kind = chars.get(at).copied();
    if width > MAX_WIDTH || precision.is_some_and(|p| p > 1000) || at + 1 < chars.len() {
        return Err(i.raise(Exc::ValueError, format!("Invalid format specifier '{spec}'")));
    }
    let v = match v {
        Value::Tensor(t) => crate::torch::tensor_number(i, t)?,
        Value::Instance(x) => x.payload_value().unwrap_or_else(|| v.clone()),
        v => v.clone(),
    };
    let numeric = matches!(v, Value::Int(_) | Value::Big(_) | Value::Float(_) | Value::Bool(_)) && kind != Some('s');
    let mut text = if !numeric {
        let s = i.str(&v)?.to_string();
        match precision {
            Some(p) => s.chars().take(p).collect(),
            None => s,
        }
    } else {
        let float = v.as_float().unwrap_or(f64::NAN);
        match kind {
            Some('d' | 'n') => i.str(&match v { Value::Bool(b) => Value::Int(i64::from(b)), v => v })?.to_string(),
            Some('x') => format!("{}{:x}", if alternate { "0x" } else { "" }, v.as_int().unwrap_or(0)),
            Some('X') => format!("{:X}", v.as_int().unwrap_or(0)),
            Some('b') => format!("{}{:b}", if alternate { "0b" } else { "" }, v.as_int().unwrap_or(0)),
            Some('o') => format!("{:o}", v.as_int().unwrap_or(0)),
            Some('f' | 'F') => fixed(float, precision.unwrap_or(6)),
            Some('%') => format!("{}%", fixed(float * 100.0, precision.unwrap_or(6))),
            Some('e' | 'E') => exponent(float, precision.unwrap_or(6)),
            Some('g' | 'G') => general(float, precision.unwrap_or(6)),
            None if matches!(v, Value::Float(_)) && precision.is_some() => general(float, precision.unwrap_or(6)),
            None => i.str(&v)?.to_string(),
            Some(c) => {
                let name = i.type_name(&v);
                return Err(i.raise(Exc::ValueError, format!("Unknown format code '{c}' for object of type '{name}'")));
            }
        }
    };
    if numeric {
        if let Some(g) = group {
            text = grouped(&text, g);
        }
        if sign != '-' && !text.starts_with('-') {
            text.insert(0, sign);
        }
    }
    let have = text.chars().count();
    if have < width {
        let pad = width - have;
        let fill_n = |n: usize| fill.to_string().repeat(n);
        text = match align.unwrap_or(if numeric { '>' } else { '<' }) {
            '<' => text + &fill_n(pad),
            '^' => format!("{}{text}{}", fill_n(pad / 2), fill_n(pad - pad / 2)),
            '=' => {
                let split = usize::from(text.starts_with(['-', '+', ' ']));
                format!("{}{}{}", &text[..split], fill_n(pad), &text[split..])
            }
            _ => fill_n(pad) + &text,
        };
    }
    Ok(text)
}

fn fixed(v: f64, p: usize) -> String {
    if v.is_nan() { "nan".into() } else if v.is_infinite() { if v > 0.0 { "inf".into() } else { "-inf".into() } } else { format!("{v:.p$}") }
}

fn exponent(v: f64, p: usize) -> String {
    if !v.is_finite() {
        return fixed(v, p);
    }
    let text = format!("{v:.p$e}");
    let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
    let e: i32 = exp.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if e < 0 { '-' } else { '+' }, e.abs())
}

fn general(v: f64, p: usize) -> String {
    if !v.is_finite() {
        return fixed(v, p);
    }
    let p = p.max(1);
    if v == 0.0 {
        return "0".into();
    }
    let text = format!("{v:.*e}", p - 1);
    let e: i32 = text.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let trim = |s: String| if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_string() } else { s };
    if e < -4 || e >= p as i32 {
        let (m, _) = text.split_once('e').unwrap_or((&text, ""));
        format!("{}e{}{:02}", trim(m.to_string()), if e < 0 { '-' } else { '+' }, e.abs())
    } else {
        trim(format!("{v:.*}", (p as i32 - 1 - e).max(0) as usize))
    }
}

fn grouped(text: &str, g: char) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |r| ("-", r));
    let (whole, tail) = rest.find('.').map_or((rest, ""), |k| rest.split_at(k));
    let mut out = String::new();
    for (k, c) in whole.chars().enumerate() {
        if k > 0 && (whole.len() - k) % 3 == 0 {
            out.push(g);
        }
        out.push(c);
    }
    format!("{sign}{out}{tail}")
}

/// `format % values`.
pub(crate) fn percent(i: &mut Interp, format: &str, values: &Value) -> Eval<String> {
    let mut args = match values {
        Value::Tuple(t) => t.items().to_vec(),
        other => vec![other.clone()],
    }
    .into_iter();
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut key = None;
        if chars.peek() == Some(&'(') {
            chars.next();
            let mut name = String::new();
            for c in chars.by_ref() {
                if c == ')' {
                    break;
                }
                name.push(c);
            }
            key = Some(name);
        }
        let mut spec = String::new();
        let kind = loop {
            match chars.next() {
                Some(c @ ('0'..='9' | '.' | '-' | '+' | ' ' | '#')) => spec.push(c),
                Some(c) => break c,
                None => return Err(i.raise(Exc::ValueError, "incomplete format")),
            }
        };
        if kind == '%' {
            out.push('%');
            continue;
        }
        let v = match key {
            Some(k) => i.get_item(values, &Value::from(k))?,
            None => match args.next() {
                Some(v) => v,
                None => return Err(i.raise(Exc::TypeError, "not enough arguments for format string")),
            },
        };
        let spec = spec.strip_prefix('-').map_or_else(|| spec.clone(), |s| format!("<{s}"));
        let piece = match kind {
            's' => {
                let shown = i.str(&v)?;
                format_value(i, &Value::Str(shown), &spec)?
            },
            'r' => {
                let shown = i.repr(&v)?;
                format_value(i, &Value::Str(shown), &spec)?
            },
            'd' | 'i' | 'u' => {
                let n = v.as_float().map_or(v.clone(), |f| if matches!(v, Value::Float(_)) { Value::Int(f as i64) } else { v.clone() });
                format_value(i, &n, &format!("{spec}d"))?
            }
            k => format_value(i, &v, &format!("{spec}{k}"))?,
        };
        out.push_str(&piece);
    }
    i.allocate(out.len() / 8)?;
    Ok(out)
}

/// `format.format(*args, **keywords)`.
pub(crate) fn str_format(i: &mut Interp, format: &str, args: &super::args::Args) -> Eval<String> {
    let mut out = String::new();
    let mut auto = 0;
    let mut rest = format;
    while let Some(k) = rest.find(['{', '}']) {
        out.push_str(&rest[..k]);
        let brace = &rest[k..];
        if brace.starts_with("{{") || brace.starts_with("}}") {
            out.push_str(&brace[..1]);
            rest = &brace[2..];
            continue;
        }
        let Some(end) = brace.find('}').filter(|_| brace.starts_with('{')) else {
            return Err(i.raise(Exc::ValueError, "Single '}' encountered in format string"));
        };
        let field = &brace[1..end];
        rest = &brace[end + 1..];
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = name.split_once('!').unwrap_or((name, ""));
        let head_len = name.find(['.', '[']).unwrap_or(name.len());
        let (head, mut path) = name.split_at(head_len);
        let mut v = if head.is_empty() {
            auto += 1;
            args.pos.get(auto - 1).cloned()
        } else if let Ok(n) = head.parse::<usize>() {
            args.pos.get(n).cloned()
        } else {
            args.kw.iter().find(|(n, _)| n.with(|n| n == head)).map(|(_, v)| v.clone())
        }
        .ok_or_else(|| i.raise(Exc::IndexError, "Replacement index out of range for positional args tuple"))?;
        while !path.is_empty() {
            if let Some(p) = path.strip_prefix('.') {
                let n = p.find(['.', '[']).unwrap_or(p.len());
                v = i.get_attr(&v, Sym::new(&p[..n]))?;
                path = &p[n..];
            } else {
                let p = &path[1..];
                let n = p.find(']').unwrap_or(p.len());
                let key = p[..n].parse::<i64>().map_or_else(|_| Value::str(&p[..n]), Value::Int);
                v = i.get_item(&v, &key)?;
                path = p.get(n + 1..).unwrap_or("");
            }
        }
        if conversion == "r" {
            v = Value::Str(i.repr(&v)?);
        }
        out.push_str(&format_value(i, &v, spec)?);
    }
    out.push_str(rest);
    i.allocate(out.len() / 8)?;
    Ok(out)
}
