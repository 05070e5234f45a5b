//! `repr` and `str`.

use super::Interp;
use super::class::{Instance, NativeKind, NativeState};
use super::exception::Eval;
use super::value::{DictKind, Value, View, ViewKind};
use crate::syntax::sym::known;
use std::rc::Rc;

/// A string in Python's quotes.
pub(crate) fn quote(text: &str) -> String {
    let q = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(q);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c if c == q => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push(q);
    out
}

fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("b'");
    for b in bytes {
        match b {
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            b'\\' | b'\'' => {
                out.push('\\');
                out.push(char::from(*b));
            }
            0x20..0x7f => out.push(char::from(*b)),
            _ => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push('\'');
    out
}

impl Interp {
    /// `repr(value)`.
    pub(crate) fn repr(&mut self, v: &Value) -> Eval<Rc<str>> {
        self.check_stack()?;
        self.step()?;
        let container = matches!(v, Value::List(_) | Value::Dict(_));
        if container {
            if self.showing.contains(&v.id()) {
                return Ok(if matches!(v, Value::List(_)) { "[...]".into() } else { "{...}".into() });
            }
            // What is nested deeper than this is not searched for itself: the stack ends it.
            if self.showing.len() < 200 {
                self.showing.push(v.id());
                let shown = self.repr_inner(v);
                self.showing.pop();
                return shown;
            }
        }
        self.repr_inner(v)
    }

    fn repr_inner(&mut self, v: &Value) -> Eval<Rc<str>> {
        let text: String = match v {
            Value::None => "None".into(),
            Value::NotImplemented => "NotImplemented".into(),
            Value::Ellipsis => "Ellipsis".into(),
            Value::Bool(true) => "True".into(),
            Value::Bool(false) => "False".into(),
            Value::Int(v) => v.to_string(),
            Value::Big(v) => {
                self.allocate(v.bits() as usize / 16)?;
                v.to_string()
            }
            Value::Float(v) => super::number::repr_float(*v),
            Value::Str(s) => quote(s),
            Value::Bytes(b) => quote_bytes(b),
            Value::Tuple(t) if t.size => format!("torch.Size([{}])", self.joined(t.items())?),
            Value::Tuple(t) if t.items().len() == 1 => format!("({},)", self.repr(&t.items()[0])?),
            Value::Tuple(t) => format!("({})", self.joined(t.items())?),
            Value::List(l) => {
                let items = l.borrow().clone();
                format!("[{}]", self.joined(&items)?)
            }
            Value::Set(s) => {
                let items: Vec<Value> = s.borrow().iter().map(|k| k.value().clone()).collect();
                match (items.is_empty(), s.frozen) {
                    (true, false) => "set()".into(),
                    (true, true) => "frozenset()".into(),
                    (false, false) => format!("{{{}}}", self.joined(&items)?),
                    (false, true) => format!("frozenset({{{}}})", self.joined(&items)?),
                }
            }
            Value::Dict(d) => {
                let pairs: Vec<(Value, Value)> =
                    d.borrow().iter().map(|(k, v)| (k.value().clone(), v.clone())).collect();
                let mut parts = Vec::with_capacity(pairs.len());
                for (k, v) in pairs {
                    parts.push(format!("{}: {}", self.repr(&k)?, self.repr(&v)?));
                }
                let body = format!("{{{}}}", parts.join(", "));
                match &d.kind {
                    DictKind::Plain | DictKind::Attributes(_) | DictKind::Names(_) => body,
                    DictKind::Ordered if parts.is_empty() => "OrderedDict()".into(),
                    DictKind::Ordered => {
                        let items =
                            self.iterate(&Value::View(Rc::new(View { dict: d.clone(), what: ViewKind::Items })))?;
                        format!("OrderedDict([{}])", self.joined(&items)?)
                    }
                    DictKind::Counter if parts.is_empty() => "Counter()".into(),
                    DictKind::Counter => format!("Counter({body})"),
                    DictKind::Default(f) => format!("defaultdict({}, {body})", self.repr(f)?),
                }
            }
            Value::View(w) => {
                let name = match w.what {
                    ViewKind::Keys => "dict_keys",
                    ViewKind::Values => "dict_values",
                    ViewKind::Items => "dict_items",
                };
                let items = self.iterate(v)?;
                format!("{name}([{}])", self.joined(&items)?)
            }
            Value::Range(r) if r.step == 1 => format!("range({}, {})", r.start, r.stop),
            Value::Range(r) => format!("range({}, {}, {})", r.start, r.stop, r.step),
            Value::Slice(s) => {
                format!("slice({}, {}, {})", self.repr(&s.start)?, self.repr(&s.stop)?, self.repr(&s.step)?)
            }
            Value::Class(c) => {
                let builtin = &*c.module == "builtins";
                if builtin { format!("<class '{}'>", c.name) } else { format!("<class '{}.{}'>", c.module, c.name) }
            }
            Value::Function(f) => format!("<function {}>", f.code.qualname),
            Value::Native(n) => format!("<built-in function {}>", n.name),
            Value::Operator(p) => format!("<built-in function {}>", p.rsplit('.').next().unwrap_or(p)),
            Value::Module(m) => format!("<module '{}'>", m.name),
            Value::Opaque(n) => n.to_string(),
            Value::DType(d) => format!("torch.{}", d.torch_name()),
            Value::Device(d) => format!("device(type='{d}')"),
            Value::Tensor(t) => crate::torch::tensor_repr(self, t),
            Value::Instance(i) => {
                if let Some(v) = self.call_special(v, known::REPR, Vec::new())?
                    && let Value::Str(s) = v
                {
                    return Ok(s);
                }
                self.default_repr(i)?
            }
            other => format!("<{}>", self.type_name(other)),
        };
        self.allocate(text.len() / 8)?;
        Ok(text.into())
    }

    /// `object.__repr__`, and what the builtin classes have in its place.
    pub(crate) fn default_repr(&mut self, i: &Rc<Instance>) -> Eval<String> {
        let class = i.class();
        if let NativeState::Exception(_) = &*i.native.borrow() {
            // Handled below: the borrow must end first.
        } else if class.is_enum() {
            let name = i.get(known::ENUM_NAME).unwrap_or_default();
            let value = i.get(known::ENUM_VALUE).unwrap_or_default();
            let value = self.repr(&value)?;
            return Ok(format!("<{}.{}: {value}>", class.name, name.as_str().unwrap_or("")));
        } else if let Some(inner) = i.payload_value() {
            let fields = std::iter::once(&class).chain(&class.mro).find_map(|c| c.fields.borrow().clone());
            if let (Some(fields), Value::Tuple(t)) = (fields, &inner) {
                let mut parts = Vec::with_capacity(fields.len());
                for (name, v) in fields.iter().zip(t.items()) {
                    parts.push(format!("{name}={}", self.repr(v)?));
                }
                return Ok(format!("{}({})", class.name, parts.join(", ")));
            }
            return Ok(self.repr(&inner)?.to_string());
        } else {
            let name = if &*class.module == "builtins" {
                class.name.to_string()
            } else {
                format!("{}.{}", class.module, class.name)
            };
            // Without the address that Python shows: a network is the same each time.
            return Ok(format!("<{name} object>"));
        }
        let args = match &*i.native.borrow() {
            NativeState::Exception(s) => s.args.clone(),
            _ => Vec::new(),
        };
        Ok(format!("{}({})", class.name, self.joined(&args)?))
    }

    /// `object.__str__`, and what the builtin classes have in its place.
    pub(crate) fn default_str(&mut self, i: &Rc<Instance>) -> Eval<Rc<str>> {
        let class = i.class();
        if class.kind == NativeKind::Exception {
            return Ok(self.exception_text(i).into());
        }
        let whole = i.payload_value();
        if class.is_enum() {
            return match whole {
                Some(inner) => self.str(&inner),
                None => {
                    let name = i.get(known::ENUM_NAME).unwrap_or_default();
                    Ok(format!("{}.{}", class.name, name.as_str().unwrap_or("")).into())
                }
            };
        }
        match whole {
            Some(Value::Str(s)) => Ok(s),
            _ => self.repr(&Value::Instance(i.clone())),
        }
    }

    fn joined(&mut self, items: &[Value]) -> Eval<String> {
        let mut parts = Vec::with_capacity(items.len());
        for v in items {
            parts.push(self.repr(v)?.to_string());
        }
        Ok(parts.join(", "))
    }

    /// `str(value)`.
    pub(crate) fn str(&mut self, v: &Value) -> Eval<Rc<str>> {
        match v {
            Value::Str(s) => Ok(s.clone()),
            Value::Device(d) => Ok(d.clone()),
            Value::Instance(i) => {
                if let Some(v) = self.call_special(v, known::STR, Vec::new())?
                    && let Value::Str(s) = v
                {
                    return Ok(s);
                }
                self.default_str(i)
            }
            _ => self.repr(v),
        }
    }
}
