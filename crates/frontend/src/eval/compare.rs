//! Comparisons, membership, equality.

use super::Interp;
use super::exception::{Eval, Exc};
use super::frame::Frame;
use super::value::{Value, ViewKind};
use crate::syntax::ast::{CmpOp, Expr};
use crate::syntax::sym::{Sym, known};
use std::cmp::Ordering;

impl Interp {
    pub(super) fn eval_compare(
        &mut self,
        e: &Expr,
        first: &Expr,
        rest: &[(CmpOp, Expr)],
        f: &mut Frame,
    ) -> Eval<Value> {
        let mut left = self.eval(first, f)?;
        let Some(((last_op, last), init)) = rest.split_last() else { return Ok(left) };
        for (op, right) in init {
            let right = self.eval(right, f)?;
            self.at(e.span, f);
            let v = self.compare(*op, &left, &right)?;
            if !self.truth(&v)? {
                return Ok(v);
            }
            left = right;
        }
        let right = self.eval(last, f)?;
        self.at(e.span, f);
        self.compare(*last_op, &left, &right)
    }

    /// `a op b`: a truth value, or whatever a tensor or a method of the source gives.
    pub(crate) fn compare(&mut self, op: CmpOp, a: &Value, b: &Value) -> Eval<Value> {
        match op {
            CmpOp::Is => return Ok(Value::Bool(a.is(b))),
            CmpOp::IsNot => return Ok(Value::Bool(!a.is(b))),
            CmpOp::In => return self.contains(b, a).map(Value::Bool),
            CmpOp::NotIn => return self.contains(b, a).map(|c| Value::Bool(!c)),
            _ => {}
        }
        if let (Value::Int(a), Value::Int(b)) = (a, b) {
            return Ok(Value::Bool(holds(op, a.cmp(b))));
        }
        if (matches!(a, Value::Tensor(_)) || matches!(b, Value::Tensor(_)))
            && let Some(v) = crate::torch::tensor_compare(self, op, a, b)?
        {
            return Ok(v);
        }
        if let Some(v) = self.compare_by_method(op, a, b)? {
            return Ok(v);
        }
        match op {
            CmpOp::Eq => self.equal_plain(a, b).map(Value::Bool),
            CmpOp::Ne => self.equal_plain(a, b).map(|e| Value::Bool(!e)),
            _ => match self.order(a, b)? {
                Some(Some(order)) => Ok(Value::Bool(holds(op, order))),
                // Not a number is not in any order; sets by inclusion.
                Some(None) => Ok(Value::Bool(self.compare_sets(op, a, b).unwrap_or(false))),
                None => {
                    let (x, y) = (self.type_name(a), self.type_name(b));
                    let text = format!("'{}' not supported between instances of '{x}' and '{y}'", op.sign());
                    Err(self.raise(Exc::TypeError, text))
                }
            },
        }
    }

    /// Through `__lt__` and the like of instances; the reflected one where the left says `NotImplemented`.
    fn compare_by_method(&mut self, op: CmpOp, a: &Value, b: &Value) -> Eval<Option<Value>> {
        if !matches!(a, Value::Instance(_)) && !matches!(b, Value::Instance(_)) {
            return Ok(None);
        }
        let Some([left, right]) = op.methods() else { return Ok(None) };
        for (object, method, other) in [(a, left, b), (b, right, a)] {
            if let Value::Instance(i) = object {
                let found = i.class().lookup(Sym::new(method));
                if matches!(found, Some(Value::Function(_) | Value::Native(_) | Value::Partial(_))) {
                    match self.call_special(object, Sym::new(method), vec![other.clone()])? {
                        Some(Value::NotImplemented) | None => {}
                        Some(v) => return Ok(Some(v)),
                    }
                } else if op == CmpOp::Ne {
                    // `!=` is what `==` is not.
                    let found = i.class().lookup(known::EQ);
                    if matches!(found, Some(Value::Function(_) | Value::Native(_)))
                        && let Some(v) = self.call_special(object, known::EQ, vec![other.clone()])?
                        && !matches!(v, Value::NotImplemented)
                    {
                        return Ok(Some(Value::Bool(!self.truth(&v)?)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether two values are equal, as a truth value.
    pub(crate) fn equal(&mut self, a: &Value, b: &Value) -> Eval<bool> {
        if a.is(b) && !matches!(a, Value::Float(_)) {
            return Ok(true);
        }
        let v = self.compare(CmpOp::Eq, a, b)?;
        self.truth(&v)
    }

    fn equal_plain(&mut self, a: &Value, b: &Value) -> Eval<bool> {
        self.check_stack()?;
        use Value::*;
        if let (Some(x), Some(y)) = (number(a), number(b)) {
            return Ok(super::number::compare(&x, &y) == Some(Ordering::Equal));
        }
        match (a, b) {
            (Str(a), Str(b)) => return Ok(a == b),
            (Bytes(a), Bytes(b)) => return Ok(a == b),
            (Slice(x), Slice(y)) => {
                return Ok(self.equal(&x.start, &y.start)?
                    && self.equal(&x.stop, &y.stop)?
                    && self.equal(&x.step, &y.step)?);
            }
            (Range(x), Range(y)) => {
                let n = x.len();
                return Ok(n == y.len() && (n == 0 || (x.start == y.start && (n == 1 || x.step == y.step))));
            }
            (Device(a), Device(b)) => return Ok(a == b),
            (BoundMethod(a), BoundMethod(b)) => {
                return Ok(a.receiver().is(&b.receiver()) && a.function().is(&b.function()));
            }
            (Device(d), Str(s)) | (Str(s), Device(d)) => return Ok(d == s),
            _ => {}
        }
        match (sequence(a), sequence(b)) {
            (Some((x, kx)), Some((y, ky))) => {
                if kx != ky || x.len() != y.len() {
                    return Ok(false);
                }
                for (x, y) in x.iter().zip(&y) {
                    self.step()?;
                    if !self.equal(x, y)? {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
            (Option::None, Option::None) => {}
            _ => return Ok(false),
        }
        if let (Some(x), Some(y)) = (a.as_dict(), b.as_dict()) {
            let (x, y) = (x.borrow().clone(), y.borrow().clone());
            if x.len() != y.len() {
                return Ok(false);
            }
            for (k, v) in &x {
                self.step()?;
                match y.get(k) {
                    Some(w) if self.equal(v, w)? => {}
                    _ => return Ok(false),
                }
            }
            return Ok(true);
        }
        if let (Some(x), Some(y)) = (self.set_of(a), self.set_of(b)) {
            return Ok(x.len() == y.len() && x.iter().all(|k| y.contains(k)));
        }
        Ok(a.is(b) || unwrapped(a, b).is_some_and(|(a, b)| a.is(&b)))
    }

    /// The order of two values: `None` where they have none by type, `Some(None)` where these two are unordered.
    pub(crate) fn order(&mut self, a: &Value, b: &Value) -> Eval<Option<Option<Ordering>>> {
        self.check_stack()?;
        if let (Some(x), Some(y)) = (number(a), number(b)) {
            return Ok(Some(super::number::compare(&x, &y)));
        }
        if let (Some((x, kx)), Some((y, ky))) = (sequence(a), sequence(b)) {
            if kx != ky {
                return Ok(None);
            }
            for (x, y) in x.iter().zip(&y) {
                self.step()?;
                if !self.equal(x, y)? {
                    if let (Value::Instance(_), _) | (_, Value::Instance(_)) = (x, y) {
                        let v = self.compare(CmpOp::Lt, x, y)?;
                        let less = self.truth(&v)?;
                        return Ok(Some(Some(if less { Ordering::Less } else { Ordering::Greater })));
                    }
                    return self.order(x, y);
                }
            }
            return Ok(Some(Some(x.len().cmp(&y.len()))));
        }
        Ok(match (a, b) {
            (Value::Str(a), Value::Str(b)) => Some(Some(a.cmp(b))),
            (Value::Bytes(a), Value::Bytes(b)) => Some(Some(a.cmp(b))),
            (Value::Set(_) | Value::View(_), Value::Set(_) | Value::View(_)) => Some(None),
            _ => match unwrapped(a, b) {
                Some((a, b)) => return self.order(&a, &b),
                None => None,
            },
        })
    }

    fn compare_sets(&self, op: CmpOp, a: &Value, b: &Value) -> Option<bool> {
        let (a, b) = (self.set_of(a)?, self.set_of(b)?);
        let (small, large, strict) = match op {
            CmpOp::Lt => (&a, &b, true),
            CmpOp::Le => (&a, &b, false),
            CmpOp::Gt => (&b, &a, true),
            _ => (&b, &a, false),
        };
        Some(small.iter().all(|k| large.contains(k)) && (!strict || small.len() < large.len()))
    }

    /// The content of a set or of a view of keys.
    pub(crate) fn set_of(&self, v: &Value) -> Option<super::dict::Set> {
        match v {
            Value::Set(s) => Some(s.borrow().clone()),
            Value::View(v) if v.what == ViewKind::Keys => Some(v.dict.borrow().keys().cloned().collect()),
            Value::Instance(i) => i.payload_value().and_then(|v| self.set_of(&v)),
            _ => None,
        }
    }

    /// `item in container`.
    pub(crate) fn contains(&mut self, container: &Value, item: &Value) -> Eval<bool> {
        match container {
            Value::Str(s) => match item {
                Value::Str(t) => Ok(s.contains(&**t)),
                Value::Instance(i) if matches!(i.payload_value(), Some(Value::Str(_))) => {
                    let inner = i.payload_value().unwrap_or_default();
                    self.contains(container, &inner)
                }
                other => {
                    let name = self.type_name(other);
                    let text = format!("'in <string>' requires string as left operand, not {name}");
                    Err(self.raise(Exc::TypeError, text))
                }
            },
            Value::Dict(d) => {
                let key = super::dict::Key::new(self, item)?;
                Ok(d.borrow().contains_key(&key))
            }
            Value::Set(s) => {
                let key = super::dict::Key::new(self, item)?;
                Ok(s.borrow().contains(&key))
            }
            Value::View(v) if v.what == ViewKind::Keys => {
                let key = super::dict::Key::new(self, item)?;
                Ok(v.dict.borrow().contains_key(&key))
            }
            Value::Range(r) => match item.as_int() {
                Some(v) => {
                    let inside = if r.step > 0 { v >= r.start && v < r.stop } else { v <= r.start && v > r.stop };
                    Ok(inside && (v as i128 - r.start as i128) % r.step as i128 == 0)
                }
                None => Ok(false),
            },
            Value::Class(c) if c.is_enum() => {
                let members = c.members.borrow().clone().unwrap_or_default();
                Ok(members.iter().any(|m| m.is(item)))
            }
            Value::Instance(i) => {
                if let Some(v) = self.call_special(container, known::CONTAINS, vec![item.clone()])? {
                    return self.truth(&v);
                }
                match i.payload_value() {
                    Some(inner) => self.contains(&inner, item),
                    None => self.contains_by_iteration(container, item),
                }
            }
            _ => self.contains_by_iteration(container, item),
        }
    }

    fn contains_by_iteration(&mut self, container: &Value, item: &Value) -> Eval<bool> {
        if let Value::List(_) | Value::Tuple(_) = container {
            let items = container.as_sequence().unwrap_or_default();
            for v in &items {
                self.step()?;
                if self.equal(v, item)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let iter = match self.iter(container) {
            Err(e) if e.is(self, Exc::TypeError) => {
                let text = format!("argument of type '{}' is not iterable", self.type_name(container));
                return Err(self.raise(Exc::TypeError, text));
            }
            other => other?,
        };
        while let Some(v) = self.next(&iter)? {
            self.step()?;
            if self.equal(&v, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn holds(op: CmpOp, order: Ordering) -> bool {
    match op {
        CmpOp::Eq => order.is_eq(),
        CmpOp::Ne => order.is_ne(),
        CmpOp::Lt => order.is_lt(),
        CmpOp::Le => order.is_le(),
        CmpOp::Gt => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn number(v: &Value) -> Option<Value> {
    match v {
        Value::Int(_) | Value::Float(_) | Value::Big(_) => Some(v.clone()),
        Value::Bool(b) => Some(Value::Int(i64::from(*b))),
        Value::Instance(i) => i.payload_value().filter(|v| !matches!(v, Value::Instance(_))).and_then(|v| number(&v)),
        _ => None,
    }
}

/// The items of a sequence and which kind it is: only like kinds are equal.
fn sequence(v: &Value) -> Option<(Vec<Value>, bool)> {
    match v {
        Value::List(l) => Some((l.borrow().clone(), true)),
        Value::Tuple(t) => Some((t.items().to_vec(), false)),
        Value::Instance(i) => match i.payload_value() {
            Some(v @ (Value::List(_) | Value::Tuple(_))) => sequence(&v),
            _ => None,
        },
        _ => None,
    }
}

/// Both values, with instances of subclasses of builtin classes replaced by what they wrap; `None` where neither is one.
fn unwrapped(a: &Value, b: &Value) -> Option<(Value, Value)> {
    let inner = |v: &Value| match v {
        Value::Instance(i) => i.payload_value(),
        _ => None,
    };
    match (inner(a), inner(b)) {
        (None, None) => None,
        (x, y) => Some((x.unwrap_or_else(|| a.clone()), y.unwrap_or_else(|| b.clone()))),
    }
}
