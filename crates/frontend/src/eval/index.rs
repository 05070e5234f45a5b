//! Subscripts: reading, writing and deleting items.

use super::Interp;
use super::args::Args;
use super::class::NativeKind;
use super::dict::Key;
use super::exception::{Eval, Exc};
use super::value::{Range, Slice, Value};
use crate::syntax::sym::known;
use std::rc::Rc;

impl Interp {
    /// The indices that a slice chooses of a sequence: start, step, count.
    pub(crate) fn slice_range(&mut self, s: &Slice, len: usize) -> Eval<(i64, i64, usize)> {
        let n = len as i64;
        let step = if s.step.is_none() { 1 } else { self.index_int(&s.step)? };
        if step == 0 {
            return Err(self.raise(Exc::ValueError, "slice step cannot be zero"));
        }
        let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
        let bound = |i: &mut Self, v: &Value, default: i64| -> Eval<i64> {
            if v.is_none() {
                return Ok(default);
            }
            let v = i.index_int(v)?;
            Ok(if v < 0 { v.saturating_add(n).max(low) } else { v.min(high) })
        };
        let (start, stop) = if step > 0 {
            (bound(self, &s.start, 0)?, bound(self, &s.stop, n)?)
        } else {
            (bound(self, &s.start, n - 1)?, bound(self, &s.stop, -1)?)
        };
        let count = Range { start, stop, step }.len();
        Ok((start, step, count))
    }

    fn position(&mut self, index: &Value, len: usize, what: &str) -> Eval<usize> {
        let Some(at) = index.as_int().or(match index {
            Value::Tensor(_) | Value::Instance(_) => Some(self.index_int(index)?),
            _ => None,
        }) else {
            let name = self.type_name(index);
            return Err(self.raise(Exc::TypeError, format!("{what} indices must be integers or slices, not {name}")));
        };
        let n = len as i64;
        let k = if at < 0 { at + n } else { at };
        if k < 0 || k >= n {
            return Err(self.raise(Exc::IndexError, format!("{what} index out of range")));
        }
        Ok(k as usize)
    }

    fn pick(&mut self, items: &[Value], s: &Slice) -> Eval<Vec<Value>> {
        let (start, step, count) = self.slice_range(s, items.len())?;
        self.allocate(count)?;
        Ok((0..count as i64).filter_map(|k| items.get((start + k * step) as usize).cloned()).collect())
    }

    /// `object[index]`.
    pub(crate) fn get_item(&mut self, object: &Value, index: &Value) -> Eval<Value> {
        match object {
            Value::List(l) => match index {
                Value::Slice(s) => {
                    let items = l.borrow().clone();
                    Ok(Value::list(self.pick(&items, s)?))
                }
                _ => {
                    let n = l.borrow().len();
                    let at = self.position(index, n, "list")?;
                    Ok(l.borrow()[at].clone())
                }
            },
            Value::Tuple(t) => match index {
                Value::Slice(s) => {
                    let items = self.pick(t.items(), s)?;
                    if t.size {
                        let dims: Option<Vec<usize>> =
                            items.iter().map(|v| v.as_int().and_then(|v| usize::try_from(v).ok())).collect();
                        if let Some(d) = dims {
                            return Ok(Value::size(&d));
                        }
                    }
                    Ok(Value::tuple(items))
                }
                _ => {
                    let at = self.position(index, t.items().len(), "tuple")?;
                    Ok(t.items()[at].clone())
                }
            },
            Value::Str(s) => {
                let chars: Vec<char> = s.chars().collect();
                match index {
                    Value::Slice(sl) => {
                        let (start, step, count) = self.slice_range(sl, chars.len())?;
                        self.allocate(count / 8)?;
                        let text: String =
                            (0..count as i64).filter_map(|k| chars.get((start + k * step) as usize)).collect();
                        Ok(Value::from(text))
                    }
                    _ => {
                        let at = self.position(index, chars.len(), "string")?;
                        Ok(Value::from(chars[at].to_string()))
                    }
                }
            }
            Value::Range(r) => match index {
                Value::Slice(s) => {
                    let (start, step, count) = self.slice_range(s, r.len())?;
                    let first = r.at(0).wrapping_add(start.wrapping_mul(r.step));
                    let step = r.step.wrapping_mul(step);
                    let range = Range { start: first, stop: first.wrapping_add(step.wrapping_mul(count as i64)), step };
                    Ok(Value::Range(Rc::new(range)))
                }
                _ => {
                    let at = self.position(index, r.len(), "range object")?;
                    Ok(Value::Int(r.at(at)))
                }
            },
            Value::Bytes(b) => {
                let at = self.position(index, b.len(), "index")?;
                Ok(Value::Int(i64::from(b[at])))
            }
            Value::Dict(d) => {
                let key = Key::new(self, index)?;
                let found = d.borrow().get(&key).cloned();
                match found {
                    Some(v) => Ok(v),
                    None => match self.missing_key(d, &key)? {
                        Some(v) => Ok(v),
                        None => {
                            let raise = self.raise_args(Exc::KeyError, vec![index.clone()]);
                            Err(self.hint_key(raise, &d.borrow(), index))
                        }
                    },
                }
            }
            Value::Tensor(t) => crate::torch::tensor_index(self, t, index),
            Value::Instance(i) => {
                if let Some(v) = self.call_special(object, known::GETITEM, vec![index.clone()])? {
                    return Ok(v);
                }
                match i.payload_value() {
                    Some(Value::Dict(d)) => {
                        let key = Key::new(self, index)?;
                        let found = d.borrow().get(&key).cloned();
                        if let Some(v) = found {
                            return Ok(v);
                        }
                        if let Some(v) = self.call_special(object, known::MISSING, vec![index.clone()])? {
                            return Ok(v);
                        }
                        self.get_item(&Value::Dict(d), index)
                    }
                    Some(inner) => self.get_item(&inner, index),
                    None => Err(self.not_subscriptable(object)),
                }
            }
            Value::Class(c) => {
                if c.is_enum()
                    && let Value::Str(name) = index
                {
                    return match self.find_attr(object, crate::syntax::Sym::new(name))? {
                        Some(v) => Ok(v),
                        None => Err(self.raise_args(Exc::KeyError, vec![index.clone()])),
                    };
                }
                if let Some(f) = c.lookup(known::CLASS_GETITEM) {
                    let f = match f {
                        Value::ClassMethod(f) => f.as_ref().as_ref().cloned().unwrap_or_default(),
                        f => f,
                    };
                    return self.call(&f, Args::from([object.clone(), index.clone()]));
                }
                // `list[int]`, `Module[T]`: only for type checkers.
                if !c.mutable || c.kind == NativeKind::Module {
                    return Ok(object.clone());
                }
                Err(self.raise(Exc::TypeError, format!("type '{}' is not subscriptable", c.name)))
            }
            Value::Opaque(name) => crate::python::typing::subscript(self, &name.clone(), index),
            _ => Err(self.not_subscriptable(object)),
        }
    }

    #[cold]
    fn not_subscriptable(&self, v: &Value) -> super::Raise {
        self.raise(Exc::TypeError, format!("'{}' object is not subscriptable", self.type_name(v)))
    }

    /// `object[index] = value`.
    pub(crate) fn set_item(&mut self, object: &Value, index: &Value, value: Value) -> Eval<()> {
        match object {
            Value::List(l) => {
                if let Value::Slice(s) = index {
                    let new = self.iterate(&value)?;
                    let len = l.borrow().len();
                    let (start, step, count) = self.slice_range(s, len)?;
                    self.allocate(new.len())?;
                    if step == 1 {
                        let old: Vec<Value> =
                            l.borrow_mut().splice(start as usize..start as usize + count, new).collect();
                        drop(old);
                        return Ok(());
                    }
                    if new.len() != count {
                        let text = format!(
                            "attempt to assign sequence of size {} to extended slice of size {count}",
                            new.len()
                        );
                        return Err(self.raise(Exc::ValueError, text));
                    }
                    for (k, v) in new.into_iter().enumerate() {
                        l.borrow_mut()[(start + k as i64 * step) as usize] = v;
                    }
                    return Ok(());
                }
                let n = l.borrow().len();
                let at = self.position(index, n, "list")?;
                let old = std::mem::replace(&mut l.borrow_mut()[at], value);
                drop(old);
                Ok(())
            }
            Value::Dict(d) => {
                let key = Key::new(self, index)?;
                self.allocate(1)?;
                let old = d.borrow_mut().insert(key, value);
                drop(old);
                Ok(())
            }
            Value::Tensor(t) => crate::torch::tensor_index_set(self, t, index, value),
            Value::Instance(i) => {
                if self.call_special(object, known::SETITEM, vec![index.clone(), value.clone()])?.is_some() {
                    return Ok(());
                }
                match i.payload_value() {
                    Some(inner) => self.set_item(&inner, index, value),
                    None => {
                        let text = format!("'{}' object does not support item assignment", self.type_name(object));
                        Err(self.raise(Exc::TypeError, text))
                    }
                }
            }
            _ => {
                let text = format!("'{}' object does not support item assignment", self.type_name(object));
                Err(self.raise(Exc::TypeError, text))
            }
        }
    }

    /// `del object[index]`.
    pub(crate) fn del_item(&mut self, object: &Value, index: &Value) -> Eval<()> {
        match object {
            Value::List(l) => {
                let n = l.borrow().len();
                if let Value::Slice(s) = index {
                    let (start, step, count) = self.slice_range(s, n)?;
                    let mut gone: Vec<usize> = (0..count as i64).map(|k| (start + k * step) as usize).collect();
                    gone.sort_unstable();
                    for at in gone.into_iter().rev() {
                        let old = l.borrow_mut().remove(at);
                        drop(old);
                    }
                    return Ok(());
                }
                let at = self.position(index, n, "list")?;
                let old = l.borrow_mut().remove(at);
                drop(old);
                Ok(())
            }
            Value::Dict(d) => {
                let key = Key::new(self, index)?;
                let old = d.borrow_mut().shift_remove(&key);
                match old {
                    Some(_) => Ok(()),
                    None => Err(self.raise_args(Exc::KeyError, vec![index.clone()])),
                }
            }
            Value::Instance(i) => {
                if self.call_special(object, known::DELITEM, vec![index.clone()])?.is_some() {
                    return Ok(());
                }
                match i.payload_value() {
                    Some(inner) => self.del_item(&inner, index),
                    None => {
                        let text = format!("'{}' object doesn't support item deletion", self.type_name(object));
                        Err(self.raise(Exc::TypeError, text))
                    }
                }
            }
            _ => {
                let text = format!("'{}' object doesn't support item deletion", self.type_name(object));
                Err(self.raise(Exc::TypeError, text))
            }
        }
    }
}
