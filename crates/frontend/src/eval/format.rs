//! Format specifications: f-strings, `format`, `str.format`, `%`.

use super::args::Args;
use super::exception::{Eval, Exc};
use super::value::Value;
use super::{Interp, Raise};
use crate::syntax::Sym;
use crate::syntax::sym::known;

/// Longest field, and most digits, that a specification may ask for.
const MAX_WIDTH: usize = 100_000;

/// `[[fill]align][sign][#][0][width][group][.precision][type]`.
#[derive(Clone, Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    width: usize,
    group: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Spec {
    fn parse(spec: &str) -> Option<Spec> {
        let mut s = Spec::default();
        let mut rest = spec.chars().peekable();
        let mut ahead = rest.clone();
        let (first, second) = (ahead.next(), ahead.next());
        if matches!(second, Some('<' | '>' | '^' | '=')) {
            (s.fill, s.align) = (first, second);
            rest.next();
            rest.next();
        } else if matches!(first, Some('<' | '>' | '^' | '=')) {
            s.align = first;
            rest.next();
        }
        s.sign = rest.next_if(|c| matches!(c, '+' | '-' | ' '));
        s.alternate = rest.next_if_eq(&'#').is_some();
        if rest.next_if_eq(&'0').is_some() && s.align.is_none() {
            (s.fill, s.align) = (Some('0'), Some('='));
        }
        let number = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut n: Option<usize> = None;
            while let Some(d) = rest.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)) {
                n = Some(n.unwrap_or(0).saturating_mul(10).saturating_add(d as usize));
            }
            n
        };
        s.width = number(&mut rest).unwrap_or(0);
        s.group = rest.next_if(|c| matches!(c, ',' | '_'));
        if rest.next_if_eq(&'.').is_some() {
            s.precision = Some(number(&mut rest)?);
        }
        s.kind = rest.next();
        let bounded = s.width <= MAX_WIDTH && s.precision.is_none_or(|p| p <= MAX_WIDTH);
        (rest.next().is_none() && bounded).then_some(s)
    }

    /// The text in a field of the width that is asked for.
    fn pad(&self, text: String, default: char) -> String {
        let have = text.chars().count();
        let Some(pad) = self.width.checked_sub(have).filter(|p| *p > 0) else { return text };
        let fill = |n: usize| self.fill.unwrap_or(' ').to_string().repeat(n);
        match self.align.unwrap_or(default) {
            '<' => text + &fill(pad),
            '^' => format!("{}{text}{}", fill(pad / 2), fill(pad - pad / 2)),
            '=' => {
                let sign = usize::from(text.starts_with(['-', '+', ' ']));
                let prefix = text[sign..].get(..2).filter(|p| matches!(*p, "0x" | "0X" | "0b" | "0o"));
                let at = sign + prefix.map_or(0, str::len);
                format!("{}{}{}", &text[..at], fill(pad), &text[at..])
            }
            _ => fill(pad) + &text,
        }
    }
}

/// A value by a format specification.
pub(crate) fn format_value(i: &mut Interp, v: &Value, spec: &str) -> Eval<String> {
    if let Value::Instance(_) = v
        && let Some(text) = i.call_special(v, known::FORMAT, vec![Value::str(spec)])?
    {
        return Ok(i.str(&text)?.to_string());
    }
    if spec.is_empty() {
        return Ok(i.str(v)?.to_string());
    }
    let v = match v {
        Value::Tensor(t) => crate::torch::tensor_number(i, t)?,
        Value::Instance(x) => match x.payload_value() {
            Some(inner @ (Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::Big(_))) => inner,
            _ => v.clone(),
        },
        v => v.clone(),
    };
    let Some(s) = Spec::parse(spec) else {
        let name = i.type_name(&v);
        return Err(i.raise(Exc::ValueError, format!("Invalid format specifier '{spec}' for object of type '{name}'")));
    };
    i.allocate((s.width + s.precision.unwrap_or(0)) / 8)?;
    match &v {
        Value::Str(text) => {
            if !matches!(s.kind, None | Some('s')) {
                return Err(unknown(i, &v, s.kind));
            }
            let text = match s.precision {
                Some(p) => text.chars().take(p).collect(),
                None => text.to_string(),
            };
            Ok(s.pad(text, '<'))
        }
        Value::Int(_) | Value::Big(_) | Value::Bool(_) | Value::Float(_) => {
            let text = number(i, &v, &s)?;
            Ok(s.pad(text, '>'))
        }
        _ => {
            let name = i.type_name(&v);
            Err(i.raise(Exc::TypeError, format!("unsupported format string passed to {name}.__format__")))
        }
    }
}

#[cold]
fn unknown(i: &Interp, v: &Value, kind: Option<char>) -> Raise {
    let name = i.type_name(v);
    let kind = kind.unwrap_or(' ');
    i.raise(Exc::ValueError, format!("Unknown format code '{kind}' for object of type '{name}'"))
}

fn number(i: &mut Interp, v: &Value, s: &Spec) -> Eval<String> {
    let float = v.as_float().unwrap_or(f64::NAN);
    let p = s.precision;
    let text = match (s.kind, v) {
        (Some('f' | 'F'), _) => fixed(float, p.unwrap_or(6)),
        (Some('%'), _) => format!("{}%", fixed(float * 100.0, p.unwrap_or(6))),
        (Some('e'), _) => exponent(float, p.unwrap_or(6)),
        (Some('E'), _) => exponent(float, p.unwrap_or(6)).to_uppercase(),
        (Some('g'), _) => general(float, p.unwrap_or(6), s.alternate),
        (Some('G'), _) => general(float, p.unwrap_or(6), s.alternate).to_uppercase(),
        (None, Value::Float(_)) => match p {
            // Like `g`, but a whole number keeps a digit after the point.
            Some(p) => {
                let text = general(float, p, false);
                if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') { format!("{text}.0") } else { text }
            }
            None => super::number::repr_float(float),
        },
        (Some('n'), Value::Float(_)) => general(float, p.unwrap_or(6), s.alternate),
        (_, Value::Float(_)) => return Err(unknown(i, v, s.kind)),
        (None, Value::Bool(b)) => {
            let word = if *b { "True" } else { "False" };
            // A truth value with a width alone is formatted as an integer.
            if s.width > 0 { u8::from(*b).to_string() } else { word.to_string() }
        }
        (kind, _) => {
            if p.is_some() {
                return Err(i.raise(Exc::ValueError, "Precision not allowed in integer format specifier"));
            }
            integer(i, v, kind, s.alternate)?
        }
    };
    let text = match s.group {
        Some(g) => grouped(&text, g, if matches!(s.kind, Some('x' | 'X' | 'b' | 'o')) { 4 } else { 3 }),
        None => text,
    };
    Ok(match s.sign {
        Some(c @ ('+' | ' ')) if !text.starts_with('-') => format!("{c}{text}"),
        _ => text,
    })
}

fn integer(i: &mut Interp, v: &Value, kind: Option<char>, alternate: bool) -> Eval<String> {
    let n = super::number::to_big(v).unwrap_or_default();
    let (radix, prefix) = match kind {
        None | Some('d' | 'n') => (10, ""),
        Some('x') => (16, "0x"),
        Some('X') => (16, "0X"),
        Some('b') => (2, "0b"),
        Some('o') => (8, "0o"),
        Some('c') => {
            return match u32::try_from(&n).ok().and_then(char::from_u32) {
                Some(c) => Ok(c.to_string()),
                None => Err(i.raise(Exc::OverflowError, "%c arg not in range(0x110000)")),
            };
        }
        _ => return Err(unknown(i, v, kind)),
    };
    i.allocate(n.bits() as usize / 8)?;
    let digits = n.to_str_radix(radix);
    let digits = if kind == Some('X') { digits.to_uppercase() } else { digits };
    let prefix = if alternate { prefix } else { "" };
    Ok(match digits.strip_prefix('-') {
        Some(d) => format!("-{prefix}{d}"),
        None => format!("{prefix}{digits}"),
    })
}

fn fixed(v: f64, p: usize) -> String {
    if v.is_finite() { format!("{v:.p$}") } else { super::number::repr_float(v) }
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

fn general(v: f64, p: usize, keep: bool) -> String {
    if !v.is_finite() {
        return fixed(v, p);
    }
    let p = p.max(1);
    let text = format!("{v:.*e}", p - 1);
    let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
    let e: i32 = exp.parse().unwrap_or(0);
    let trim = |s: String| {
        if keep || !s.contains('.') { s } else { s.trim_end_matches('0').trim_end_matches('.').to_string() }
    };
    if v != 0.0 && (e < -4 || e >= p as i32) {
        format!("{}e{}{:02}", trim(mantissa.to_string()), if e < 0 { '-' } else { '+' }, e.abs())
    } else {
        trim(format!("{v:.*}", (p as i32 - 1 - e).max(0) as usize))
    }
}

fn grouped(text: &str, g: char, size: usize) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |r| ("-", r));
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    let (whole, tail) = rest.split_at(end);
    let mut out = String::new();
    for (k, c) in whole.chars().enumerate() {
        if k > 0 && (whole.len() - k).is_multiple_of(size) {
            out.push(g);
        }
        out.push(c);
    }
    format!("{sign}{out}{tail}")
}

/// `format % values`.
pub(crate) fn percent(i: &mut Interp, format: &str, values: &Value) -> Eval<String> {
    let listed = match values {
        Value::Tuple(t) => t.items().to_vec(),
        other => vec![other.clone()],
    };
    let mapping = values.as_dict().is_some();
    let mut args = listed.into_iter();
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut key = None;
        if chars.next_if_eq(&'(').is_some() {
            let name: String = chars.by_ref().take_while(|c| *c != ')').collect();
            key = Some(name);
        }
        let not_enough = |i: &Interp| i.raise(Exc::TypeError, "not enough arguments for format string");
        let (mut left, mut zero, mut s) = (false, false, Spec::default());
        while let Some(c) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '#' | '0')) {
            match c {
                '-' => left = true,
                '0' => zero = true,
                '#' => s.alternate = true,
                c => s.sign = Some(c),
            }
        }
        let mut number = |i: &mut Interp, args: &mut std::vec::IntoIter<Value>| -> Eval<Option<usize>> {
            if chars.next_if_eq(&'*').is_some() {
                let v = args.next().ok_or_else(|| not_enough(i))?;
                return Ok(usize::try_from(i.index_int(&v)?).ok());
            }
            let mut n: Option<usize> = None;
            while let Some(d) = chars.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)) {
                n = Some(n.unwrap_or(0).saturating_mul(10).saturating_add(d as usize));
            }
            Ok(n)
        };
        s.width = number(i, &mut args)?.unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            let mut digits: Option<usize> = None;
            while let Some(d) = chars.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)) {
                digits = Some(digits.unwrap_or(0).saturating_mul(10).saturating_add(d as usize));
            }
            s.precision = Some(digits.unwrap_or(0));
        }
        while chars.next_if(|c| matches!(c, 'l' | 'h' | 'L')).is_some() {}
        let Some(kind) = chars.next() else { return Err(i.raise(Exc::ValueError, "incomplete format")) };
        if kind == '%' {
            out.push('%');
            continue;
        }
        let v = match key {
            Some(k) if mapping => i.get_item(values, &Value::from(k))?,
            Some(_) => return Err(i.raise(Exc::TypeError, "format requires a mapping")),
            None => args.next().ok_or_else(|| not_enough(i))?,
        };
        if s.width > MAX_WIDTH || s.precision.is_some_and(|p| p > MAX_WIDTH) {
            return Err(i.raise(Exc::ValueError, "the field is too wide"));
        }
        i.allocate((s.width + s.precision.unwrap_or(0)) / 8)?;
        (s.fill, s.align) = match (left, zero) {
            (true, _) => (None, Some('<')),
            (false, true) if !matches!(kind, 's' | 'r' | 'a' | 'c') => (Some('0'), Some('=')),
            _ => (None, Some('>')),
        };
        out.push_str(&one_percent(i, &v, kind, s)?);
    }
    if !mapping && args.next().is_some() {
        return Err(i.raise(Exc::TypeError, "not all arguments converted during string formatting"));
    }
    i.allocate(out.len() / 8)?;
    Ok(out)
}

fn one_percent(i: &mut Interp, v: &Value, kind: char, mut s: Spec) -> Eval<String> {
    match kind {
        's' | 'r' | 'a' => {
            let shown = if kind == 's' { i.str(v)? } else { i.repr(v)? };
            let text = match s.precision {
                Some(p) => shown.chars().take(p).collect(),
                None => shown.to_string(),
            };
            return Ok(s.pad(text, '>'));
        }
        'c' => {
            if let Value::Str(c) = v {
                return Ok(s.pad(c.to_string(), '>'));
            }
        }
        _ => {}
    }
    let v = match v {
        Value::Tensor(t) => crate::torch::tensor_number(i, t)?,
        Value::Instance(x) => x.payload_value().unwrap_or_else(|| v.clone()),
        v => v.clone(),
    };
    let numeric = matches!(v, Value::Int(_) | Value::Big(_) | Value::Bool(_) | Value::Float(_));
    if !numeric {
        let name = i.type_name(&v);
        let what = if matches!(kind, 'd' | 'i' | 'u') { "a real number is required" } else { "must be real number" };
        let text = if matches!(kind, 'd' | 'i' | 'u' | 'x' | 'X' | 'o') {
            format!("%{kind} format: {what}, not {name}")
        } else {
            format!("{what}, not {name}")
        };
        return Err(i.raise(Exc::TypeError, text));
    }
    let (kind, v) = match kind {
        'd' | 'i' | 'u' => ('d', if let Value::Float(x) = v { i.float_to_int(x)? } else { v }),
        'x' | 'X' | 'o' | 'c' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => (kind, v),
        _ => {
            let text = format!("unsupported format character '{kind}' (0x{:x})", kind as u32);
            return Err(i.raise(Exc::ValueError, text));
        }
    };
    s.kind = Some(kind);
    if kind == 'd' {
        s.precision = None;
    }
    let text = number(i, &v, &s)?;
    Ok(s.pad(text, '>'))
}

/// `format.format(*args, **keywords)`.
pub(crate) fn str_format(i: &mut Interp, format: &str, args: &Args) -> Eval<String> {
    let mut auto = 0;
    let out = fields(i, format, args, &mut auto, 0)?;
    i.allocate(out.len() / 8)?;
    Ok(out)
}

fn fields(i: &mut Interp, format: &str, args: &Args, auto: &mut usize, depth: u32) -> Eval<String> {
    if depth > 2 {
        return Err(i.raise(Exc::ValueError, "Max string recursion exceeded"));
    }
    let mut out = String::new();
    let mut rest = format;
    while let Some(k) = rest.find(['{', '}']) {
        out.push_str(&rest[..k]);
        let brace = &rest[k..];
        if depth == 0 && (brace.starts_with("{{") || brace.starts_with("}}")) {
            out.push_str(&brace[..1]);
            rest = &brace[2..];
            continue;
        }
        if brace.starts_with('}') {
            return Err(i.raise(Exc::ValueError, "Single '}' encountered in format string"));
        }
        let mut open = 0;
        let end = brace.char_indices().find_map(|(at, c)| {
            open += i32::from(c == '{') - i32::from(c == '}');
            (open == 0).then_some(at)
        });
        let Some(end) = end else { return Err(i.raise(Exc::ValueError, "expected '}' before end of string")) };
        let (field, after) = (&brace[1..end], &brace[end + 1..]);
        rest = after;
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = name.split_once('!').unwrap_or((name, ""));
        let mut v = field_value(i, name, args, auto)?;
        match conversion {
            "" => {}
            "r" | "a" => v = Value::Str(i.repr(&v)?),
            "s" => v = Value::Str(i.str(&v)?),
            other => {
                let text = format!("Unknown conversion specifier {other}");
                return Err(i.raise(Exc::ValueError, text));
            }
        }
        let spec = if spec.contains('{') { fields(i, spec, args, auto, depth + 1)? } else { spec.to_string() };
        out.push_str(&format_value(i, &v, &spec)?);
    }
    out.push_str(rest);
    Ok(out)
}

fn field_value(i: &mut Interp, name: &str, args: &Args, auto: &mut usize) -> Eval<Value> {
    let head_len = name.find(['.', '[']).unwrap_or(name.len());
    let (head, mut path) = name.split_at(head_len);
    let mut v = if head.is_empty() || head.bytes().all(|b| b.is_ascii_digit()) {
        let at = if head.is_empty() {
            *auto += 1;
            *auto - 1
        } else {
            head.parse::<usize>().unwrap_or(usize::MAX)
        };
        match args.pos.get(at) {
            Some(v) => v.clone(),
            None => {
                let text = format!("Replacement index {at} out of range for positional args tuple");
                return Err(i.raise(Exc::IndexError, text));
            }
        }
    } else {
        match args.kw.iter().find(|(n, _)| n.with(|n| n == head)) {
            Some((_, v)) => v.clone(),
            None => return Err(i.raise_args(Exc::KeyError, vec![Value::str(head)])),
        }
    };
    while !path.is_empty() {
        if let Some(p) = path.strip_prefix('.') {
            let n = p.find(['.', '[']).unwrap_or(p.len());
            v = i.get_attr(&v, Sym::new(&p[..n]))?;
            path = &p[n..];
        } else {
            let p = path.strip_prefix('[').unwrap_or(path);
            let n = p.find(']').unwrap_or(p.len());
            let key = p[..n].parse::<i64>().map_or_else(|_| Value::str(&p[..n]), Value::Int);
            v = i.get_item(&v, &key)?;
            path = p.get(n + 1..).unwrap_or("");
        }
    }
    Ok(v)
}
