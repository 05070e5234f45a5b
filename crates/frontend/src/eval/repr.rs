//! `repr` and `str`.

use super::exception::Eval;
use super::value::{DictKind, Value, ViewKind};
use super::Interp;
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
            c => out.push(c),
        }
    }
    out.push(q);
    out
}

impl Interp {
    /// `repr(value)`.
    pub fn repr(&mut self, v: &Value) -> Eval<Rc<str>> {
        self.check_stack()?;
        self.step()?;
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
            Value::Bytes(b) => format!("b{}", quote(&String::from_utf8_lossy(b))),
            Value::Tuple(t) if t.size => format!("torch.Size([{}])", self.joined(t.items())?),
            Value::Tuple(t) if t.items().len() == 1 => format!("({},)", self.repr(&t.items()[0])?),
            Value::Tuple(t) => format!("({})", self.joined(t.items())?),
            Value::List(l) => {
                let items = l.borrow().clone();
                format!("[{}]", self.joined(&items)?)
            }
            Value::Set(s) => {
                let items: Vec<Value> = s.borrow().iter().map(|k| k.value().clone()).collect();
                if items.is_empty() { "set()".into() } else { format!("{{{}}}", self.joined(&items)?) }
            }
            Value::Dict(d) => {
                let pairs: Vec<(Value, Value)> = d.borrow().iter().map(|(k, v)| (k.value().clone(), v.clone())).collect();
                let mut parts = Vec::with_capacity(pairs.len());
                for (k, v) in pairs {
                    parts.push(format!("{}: {}", self.repr(&k)?, self.repr(&v)?));
                }
                let body = format!("{{{}}}", parts.join(", "));
                match d.kind {
                    DictKind::Plain => body,
                    DictKind::Ordered => format!("OrderedDict({body})"),
                    DictKind::Counter => format!("Counter({body})"),
                    DictKind::Default(_) => format!("defaultdict({body})"),
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
                let class = i.class();
                if class.kind == super::class::NativeKind::Exception {
                    let text = self.exception_text(i);
                    format!("{}({})", class.name, quote(&text))
                } else if class.is_enum() {
                    let name = i.get(known::ENUM_NAME).unwrap_or_default();
                    format!("<{}.{}>", class.name, name.as_str().unwrap_or(""))
                } else if let Some(inner) = i.payload_value() {
                    self.repr(&inner)?.to_string()
                } else {
                    format!("<{} object>", class.name)
                }
            }
            other => format!("<{}>", self.type_name(other)),
        };
        self.allocate(text.len() / 8)?;
        Ok(text.into())
    }

    fn joined(&mut self, items: &[Value]) -> Eval<String> {
        let mut parts = Vec::with_capacity(items.len());
        for v in items {
            parts.push(self.repr(v)?.to_string());
        }
        Ok(parts.join(", "))
    }

    /// `str(value)`.
    pub fn str(&mut self, v: &Value) -> Eval<Rc<str>> {
        match v {
            Value::Str(s) => Ok(s.clone()),
            Value::Device(d) => Ok(d.clone()),
            Value::Instance(i) => {
                if let Some(v) = self.call_special(v, known::STR, Vec::new())?
                    && let Value::Str(s) = v
                {
                    return Ok(s);
                }
                let class = i.class();
                if class.kind == super::class::NativeKind::Exception {
                    return Ok(self.exception_text(i).into());
                }
                if class.is_enum() {
                    let name = i.get(known::ENUM_NAME).unwrap_or_default();
                    return Ok(format!("{}.{}", class.name, name.as_str().unwrap_or("")).into());
                }
                if let Some(Value::Str(s)) = i.payload_value() {
                    return Ok(s);
                }
                self.repr(v)
            }
            _ => self.repr(v),
        }
    }
}
