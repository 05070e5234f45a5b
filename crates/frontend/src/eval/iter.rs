//! Iteration: what `iter` gives, and how the next item is found.

use super::args::Args;
use super::exception::{Eval, Exc};
use super::generator::Suspended;
use super::value::{List, Range, Value, ViewKind};
use super::Interp;
use crate::syntax::sym::known;
use std::rc::Rc;

/// An iterator.
#[derive(Default)]
pub enum Iter {
    /// Nothing is left.
    #[default]
    Done,
    /// Items that are known.
    Items { items: Vec<Value>, at: usize },
    /// A list, which may grow meanwhile.
    List { list: Rc<List>, at: usize },
    /// A range.
    Range { range: Range, at: usize },
    /// `enumerate`.
    Enumerate { inner: Value, at: i64 },
    /// `zip`.
    Zip { inners: Vec<Value> },
    /// `map`.
    Map { function: Value, inners: Vec<Value> },
    /// `filter`.
    Filter { function: Value, inner: Value },
    /// `itertools.count`.
    Count { next: Value, step: Value },
    /// `itertools.cycle`.
    Cycle { items: Vec<Value>, at: usize },
    /// `itertools.repeat`.
    Repeat { value: Value, left: Option<usize> },
    /// `itertools.chain`: iterables that are left, the last first.
    Chain { left: Vec<Value>, current: Option<Value> },
    /// A generator.
    Generator(Box<Suspended>),
    /// `iter(function, sentinel)`.
    Call { function: Value, sentinel: Value },
}

impl Interp {
    /// `iter(value)`.
    ///
    /// # Errors
    /// `TypeError` for what cannot be iterated.
    pub fn iter(&mut self, v: &Value) -> Eval<Value> {
        let items = |items: Vec<Value>| Ok(Value::iterator(Iter::Items { items, at: 0 }));
        match v {
            Value::Iterator(_) => Ok(v.clone()),
            Value::List(l) => Ok(Value::iterator(Iter::List { list: l.clone(), at: 0 })),
            Value::Tuple(t) => items(t.items().to_vec()),
            Value::Range(r) => Ok(Value::iterator(Iter::Range { range: **r, at: 0 })),
            Value::Str(s) => {
                self.allocate(s.len())?;
                items(s.chars().map(|c| Value::from(c.to_string())).collect())
            }
            Value::Bytes(b) => items(b.iter().map(|b| Value::Int(i64::from(*b))).collect()),
            Value::Dict(d) => items(d.borrow().keys().map(|k| k.value().clone()).collect()),
            Value::View(w) => {
                let d = w.dict.borrow();
                items(match w.what {
                    ViewKind::Keys => d.keys().map(|k| k.value().clone()).collect(),
                    ViewKind::Values => d.values().cloned().collect(),
                    ViewKind::Items => d.iter().map(|(k, v)| Value::tuple(vec![k.value().clone(), v.clone()])).collect(),
                })
            }
            Value::Set(s) => items(s.borrow().iter().map(|k| k.value().clone()).collect()),
            Value::Tensor(t) => items(crate::torch::tensor_iter(self, t)?),
            Value::Class(c) if c.is_enum() => items(c.members.borrow().clone().unwrap_or_default()),
            Value::Instance(i) => {
                if let Some(it) = self.call_special(v, known::ITER, Vec::new())? {
                    return match it {
                        Value::Iterator(_) | Value::Instance(_) => Ok(it),
                        other => self.iter(&other),
                    };
                }
                if let Some(inner) = i.payload_value() {
                    return self.iter(&inner);
                }
                if self.find_special(v, known::GETITEM)?.is_some() {
                    let mut out = Vec::new();
                    loop {
                        self.allocate(1)?;
                        match self.get_item(v, &Value::Int(out.len() as i64)) {
                            Ok(item) => out.push(item),
                            Err(e) if e.is(self, Exc::IndexError) || e.is(self, Exc::StopIteration) => break,
                            Err(e) => return Err(e),
                        }
                    }
                    return items(out);
                }
                Err(self.not_iterable(v))
            }
            _ => Err(self.not_iterable(v)),
        }
    }

    #[cold]
    fn not_iterable(&self, v: &Value) -> super::Raise {
        self.raise(Exc::TypeError, format!("'{}' object is not iterable", self.type_name(v)))
    }

    /// The next item of an iterator; `None` at its end.
    pub fn next(&mut self, iter: &Value) -> Eval<Option<Value>> {
        self.step()?;
        let Value::Iterator(cell) = iter else {
            if let Value::Instance(_) = iter {
                return match self.call_special(iter, known::NEXT, Vec::new()) {
                    Ok(Some(v)) => Ok(Some(v)),
                    Ok(None) => Err(self.raise(Exc::TypeError, format!("'{}' object is not an iterator", self.type_name(iter)))),
                    Err(e) if e.is(self, Exc::StopIteration) => Ok(None),
                    Err(e) => Err(e),
                };
            }
            return Err(self.raise(Exc::TypeError, format!("'{}' object is not an iterator", self.type_name(iter))));
        };
        self.check_stack()?;
        // The state is taken out while Python code may run.
        let mut state = match cell.try_borrow_mut() {
            Ok(mut c) => c.take(),
            Err(_) => return Err(self.raise(Exc::ValueError, "generator already executing")),
        };
        let found = self.advance(&mut state);
        if !matches!(found, Ok(None)) {
            **cell.borrow_mut() = state;
        }
        found
    }

    fn advance(&mut self, state: &mut Iter) -> Eval<Option<Value>> {
        Ok(match state {
            Iter::Done => None,
            Iter::Items { items, at } => {
                let v = items.get_mut(*at).map(std::mem::take);
                *at += 1;
                v
            }
            Iter::List { list, at } => {
                let v = list.borrow().get(*at).cloned();
                *at += 1;
                v
            }
            Iter::Range { range, at } => {
                let v = (*at < range.len()).then(|| Value::Int(range.at(*at)));
                *at += 1;
                v
            }
            Iter::Enumerate { inner, at } => match self.next(&inner.clone())? {
                Some(v) => {
                    let n = *at;
                    *at += 1;
                    Some(Value::tuple(vec![Value::Int(n), v]))
                }
                None => None,
            },
            Iter::Zip { inners } => {
                if inners.is_empty() {
                    return Ok(None);
                }
                let mut out = Vec::with_capacity(inners.len());
                for inner in inners.iter() {
                    match self.next(inner)? {
                        Some(v) => out.push(v),
                        None => return Ok(None),
                    }
                }
                Some(Value::tuple(out))
            }
            Iter::Map { function, inners } => {
                let mut args = Vec::with_capacity(inners.len());
                for inner in inners.iter() {
                    match self.next(inner)? {
                        Some(v) => args.push(v),
                        None => return Ok(None),
                    }
                }
                Some(self.call(&function.clone(), Args::from(args))?)
            }
            Iter::Filter { function, inner } => loop {
                let Some(v) = self.next(inner)? else { return Ok(None) };
                let keep = if function.is_none() {
                    self.truth(&v)?
                } else {
                    let said = self.call(&function.clone(), Args::from([v.clone()]))?;
                    self.truth(&said)?
                };
                if keep {
                    break Some(v);
                }
            },
            Iter::Count { next, step } => {
                let v = next.clone();
                *next = self.binary(crate::syntax::ast::BinOp::Add, &v, step)?;
                Some(v)
            }
            Iter::Cycle { items, at } => {
                if items.is_empty() {
                    return Ok(None);
                }
                let v = items[*at % items.len()].clone();
                *at += 1;
                Some(v)
            }
            Iter::Repeat { value, left } => match left {
                Some(0) => None,
                Some(n) => {
                    *n -= 1;
                    Some(value.clone())
                }
                None => Some(value.clone()),
            },
            Iter::Chain { left, current } => loop {
                if current.is_none() {
                    let Some(source) = left.pop() else { return Ok(None) };
                    *current = Some(self.iter(&source)?);
                }
                if let Some(inner) = current.clone() {
                    if let Some(v) = self.next(&inner)? {
                        break Some(v);
                    }
                    *current = None;
                }
            },
            Iter::Generator(suspended) => self.resume(suspended)?,
            Iter::Call { function, sentinel } => {
                let (f, s) = (function.clone(), sentinel.clone());
                let v = self.call(&f, Args::none())?;
                if self.equal(&v, &s)? { None } else { Some(v) }
            }
        })
    }

    /// All items of something that can be iterated.
    pub fn iterate(&mut self, v: &Value) -> Eval<Vec<Value>> {
        match v {
            Value::List(l) => return Ok(l.borrow().clone()),
            Value::Tuple(t) => return Ok(t.items().to_vec()),
            _ => {}
        }
        let iter = self.iter(v)?;
        let mut out = Vec::new();
        while let Some(v) = self.next(&iter)? {
            self.allocate(1)?;
            out.push(v);
        }
        Ok(out)
    }
}
