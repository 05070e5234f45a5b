//! Iteration: what `iter` gives, and how the next item is found.

use super::Interp;
use super::args::Args;
use super::exception::{Eval, Exc};
use super::generator::Suspended;
use super::value::{DictObj, List, Range, SetObj, Tuple, Value, ViewKind};
use crate::syntax::ast::BinOp;
use crate::syntax::sym::known;
use std::rc::Rc;

/// An iterator.
#[derive(Default)]
pub(crate) enum Iter {
    /// Nothing is left.
    #[default]
    Done,
    /// A generator that has returned this.
    Returned(Value),
    /// Items that are known.
    Items { items: Vec<Value>, at: usize },
    /// A tuple.
    Tuple { tuple: Rc<Tuple>, at: usize },
    /// A list, which may grow meanwhile.
    List { list: Rc<List>, at: usize },
    /// A text, by the byte of the next character.
    Str { text: Rc<str>, at: usize },
    /// A dict, which may not change its size meanwhile.
    Dict { dict: Rc<DictObj>, what: ViewKind, at: usize, size: usize },
    /// A set, which may not change its size meanwhile.
    Set { set: Rc<SetObj>, at: usize, size: usize },
    /// A range.
    Range { range: Range, at: usize },
    /// An object with `__getitem__` alone.
    Sequence { object: Value, at: i64 },
    /// `enumerate`.
    Enumerate { inner: Value, at: i64 },
    /// `zip`; whether all must be of one length.
    Zip { inners: Vec<Value>, strict: bool },
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
    /// `itertools.chain`: an iterator of iterables, and the one that is being walked.
    Chain { sources: Value, current: Option<Value> },
    /// A walk over modules or their tensors.
    Walk(Box<crate::torch::traverse::Walk>),
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
    pub(crate) fn iter(&mut self, v: &Value) -> Eval<Value> {
        Ok(Value::iterator(match v {
            Value::Iterator(_) => return Ok(v.clone()),
            Value::List(l) => Iter::List { list: l.clone(), at: 0 },
            Value::Tuple(t) => Iter::Tuple { tuple: t.clone(), at: 0 },
            Value::Range(r) => Iter::Range { range: **r, at: 0 },
            Value::Str(s) => Iter::Str { text: s.clone(), at: 0 },
            Value::Bytes(b) => {
                self.allocate(b.len())?;
                Iter::Items { items: b.iter().map(|b| Value::Int(i64::from(*b))).collect(), at: 0 }
            }
            Value::Dict(d) => Iter::Dict { dict: d.clone(), what: ViewKind::Keys, at: 0, size: d.borrow().len() },
            Value::View(w) => Iter::Dict { dict: w.dict.clone(), what: w.what, at: 0, size: w.dict.borrow().len() },
            Value::Set(s) => Iter::Set { set: s.clone(), at: 0, size: s.borrow().len() },
            Value::Tensor(t) => Iter::Items { items: crate::torch::tensor_iter(self, t)?, at: 0 },
            Value::Class(c) if c.is_enum() => {
                Iter::Items { items: c.members.borrow().clone().unwrap_or_default(), at: 0 }
            }
            Value::Instance(i) => return self.iter_instance(v, i.payload_value()),
            _ => return Err(self.not_iterable(v)),
        }))
    }

    fn iter_instance(&mut self, v: &Value, inner: Option<Value>) -> Eval<Value> {
        if let Some(it) = self.call_special(v, known::ITER, Vec::new())? {
            return match &it {
                Value::Iterator(_) => Ok(it),
                Value::Instance(o) if o.class().lookup(known::NEXT).is_some() => Ok(it),
                other => {
                    let name = self.type_name(other);
                    Err(self.raise(Exc::TypeError, format!("iter() returned non-iterator of type '{name}'")))
                }
            };
        }
        if let Some(inner) = inner {
            return self.iter(&inner);
        }
        if self.find_special(v, known::GETITEM)?.is_some() {
            return Ok(Value::iterator(Iter::Sequence { object: v.clone(), at: 0 }));
        }
        Err(self.not_iterable(v))
    }

    #[cold]
    fn not_iterable(&self, v: &Value) -> super::Raise {
        self.raise(Exc::TypeError, format!("'{}' object is not iterable", self.type_name(v)))
    }

    /// The next item of an iterator; `None` at its end.
    pub(crate) fn next(&mut self, iter: &Value) -> Eval<Option<Value>> {
        self.step()?;
        let Value::Iterator(cell) = iter else {
            if let Value::Instance(_) = iter {
                match self.call_special(iter, known::NEXT, Vec::new()) {
                    Ok(Some(v)) => return Ok(Some(v)),
                    Err(e) if e.is(self, Exc::StopIteration) => return Ok(None),
                    Err(e) => return Err(e),
                    Ok(None) => {}
                }
            }
            let name = self.type_name(iter);
            return Err(self.raise(Exc::TypeError, format!("'{name}' object is not an iterator")));
        };
        self.check_stack()?;
        // The state is taken out while Python code may run.
        let mut state = match cell.try_borrow_mut() {
            Ok(mut c) => match &mut **c {
                Iter::List { list, at } => {
                    let found = list.borrow().get(*at).cloned();
                    *at += 1;
                    return Ok(found);
                }
                Iter::Range { range, at } => {
                    let found = (*at < range.len()).then(|| Value::Int(range.at(*at)));
                    *at += usize::from(found.is_some());
                    return Ok(found);
                }
                Iter::Returned(_) => return Ok(None),
                _ => c.take(),
            },
            Err(_) => return Err(self.raise(Exc::ValueError, "generator already executing")),
        };
        let found = self.advance(&mut state);
        match &found {
            Ok(None) | Err(_) => {
                if let Iter::Generator(s) = &mut state {
                    **cell.borrow_mut() = Iter::Returned(s.take_result());
                } else if found.is_err() {
                    **cell.borrow_mut() = state;
                }
            }
            Ok(Some(_)) => **cell.borrow_mut() = state,
        }
        found
    }

    /// What a finished generator has returned.
    pub(crate) fn returned(&self, iter: &Value) -> Value {
        match iter {
            Value::Iterator(cell) => match cell.try_borrow().as_deref().map(|n| &**n) {
                Ok(Iter::Returned(v)) => v.clone(),
                _ => Value::None,
            },
            _ => Value::None,
        }
    }

    fn advance(&mut self, state: &mut Iter) -> Eval<Option<Value>> {
        Ok(match state {
            Iter::Done | Iter::Returned(_) => None,
            Iter::Items { items, at } => {
                let v = items.get_mut(*at).map(std::mem::take);
                *at += 1;
                v
            }
            Iter::Tuple { tuple, at } => {
                let v = tuple.items().get(*at).cloned();
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
            Iter::Str { text, at } => match text.get(*at..).and_then(|t| t.chars().next()) {
                Some(c) => {
                    *at += c.len_utf8();
                    Some(Value::Str(Rc::from(&*c.encode_utf8(&mut [0; 4]))))
                }
                None => None,
            },
            Iter::Dict { dict, what, at, size } => {
                let d = dict.borrow();
                if d.len() != *size {
                    drop(d);
                    return Err(self.raise(Exc::RuntimeError, "dictionary changed size during iteration"));
                }
                let v = d.get_index(*at).map(|(k, v)| match what {
                    ViewKind::Keys => k.value().clone(),
                    ViewKind::Values => v.clone(),
                    ViewKind::Items => Value::tuple(vec![k.value().clone(), v.clone()]),
                });
                *at += 1;
                v
            }
            Iter::Set { set, at, size } => {
                let s = set.borrow();
                if s.len() != *size {
                    drop(s);
                    return Err(self.raise(Exc::RuntimeError, "Set changed size during iteration"));
                }
                let v = s.get_index(*at).map(|k| k.value().clone());
                *at += 1;
                v
            }
            Iter::Sequence { object, at } => {
                let (object, index) = (object.clone(), Value::Int(*at));
                *at += 1;
                match self.get_item(&object, &index) {
                    Ok(v) => Some(v),
                    Err(e) if e.is(self, Exc::IndexError) || e.is(self, Exc::StopIteration) => None,
                    Err(e) => return Err(e),
                }
            }
            Iter::Enumerate { inner, at } => match self.next(&inner.clone())? {
                Some(v) => {
                    let n = *at;
                    *at = n.saturating_add(1);
                    Some(Value::tuple(vec![Value::Int(n), v]))
                }
                None => None,
            },
            Iter::Zip { inners, strict } => return self.advance_zip(inners, *strict),
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
                *next = self.binary(BinOp::Add, &v, step)?;
                Some(v)
            }
            Iter::Cycle { items, at } => {
                if items.is_empty() {
                    return Ok(None);
                }
                let v = items[*at % items.len()].clone();
                *at = (*at + 1) % items.len();
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
            Iter::Chain { sources, current } => loop {
                if current.is_none() {
                    let Some(source) = self.next(sources)? else { return Ok(None) };
                    *current = Some(self.iter(&source)?);
                }
                if let Some(inner) = current.clone() {
                    if let Some(v) = self.next(&inner)? {
                        break Some(v);
                    }
                    *current = None;
                }
            },
            Iter::Walk(walk) => walk.next(self)?,
            Iter::Generator(suspended) => self.resume(suspended, Value::None)?,
            Iter::Call { function, sentinel } => {
                let (f, s) = (function.clone(), sentinel.clone());
                let v = self.call(&f, Args::none())?;
                if self.equal(&v, &s)? { None } else { Some(v) }
            }
        })
    }

    fn advance_zip(&mut self, inners: &[Value], strict: bool) -> Eval<Option<Value>> {
        let mut out = Vec::with_capacity(inners.len());
        for (k, inner) in inners.iter().enumerate() {
            match self.next(inner)? {
                Some(v) => out.push(v),
                None if strict && k > 0 => {
                    let others = if k == 1 { "argument 1".to_string() } else { format!("arguments 1-{k}") };
                    let text = format!("zip() argument {} is shorter than {others}", k + 1);
                    return Err(self.raise(Exc::ValueError, text));
                }
                None => {
                    for (j, other) in inners.iter().enumerate().skip(1).filter(|_| strict) {
                        if self.next(other)?.is_some() {
                            let others = if j == 1 { "argument 1".to_string() } else { format!("arguments 1-{j}") };
                            let text = format!("zip() argument {} is longer than {others}", j + 1);
                            return Err(self.raise(Exc::ValueError, text));
                        }
                    }
                    return Ok(None);
                }
            }
        }
        Ok((!out.is_empty()).then(|| Value::tuple(out)))
    }

    /// All items of something that can be iterated.
    pub(crate) fn iterate(&mut self, v: &Value) -> Eval<Vec<Value>> {
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
