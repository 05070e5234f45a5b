//! Unary and binary operators.

use super::Interp;
use super::dict::Set;
use super::exception::{Eval, Exc};
use super::value::{DictKind, DictObj, SetObj, Value};
use crate::syntax::ast::{BinOp, UnaryOp};
use crate::syntax::sym::Sym;
use std::rc::Rc;

impl Interp {
    /// `a op b`.
    ///
    /// # Errors
    /// `TypeError` where the operands do not support it, and whatever a method or a tensor operator raises.
    pub(crate) fn binary(&mut self, op: BinOp, a: &Value, b: &Value) -> Eval<Value> {
        match (a, b) {
            (Value::Int(x), Value::Int(y)) => return self.int_op(op, *x, *y),
            (Value::Float(x), Value::Float(y)) => return self.float_op(op, *x, *y),
            _ => {}
        }
        if let Some(v) = self.arithmetic(op, a, b)? {
            return Ok(v);
        }
        if (matches!(a, Value::Tensor(_)) || matches!(b, Value::Tensor(_)))
            && let Some(v) = crate::torch::tensor_binary(self, op, a, b)?
        {
            return Ok(v);
        }
        if (matches!(a, Value::Instance(_)) || matches!(b, Value::Instance(_)))
            && let Some(v) = self.binary_by_method(op, a, b)?
        {
            return Ok(v);
        }
        if let Some(v) = self.builtin_binary(op, a, b)? {
            return Ok(v);
        }
        let (x, y) = (self.type_name(a), self.type_name(b));
        let text = match (op, a, b) {
            (BinOp::Add, Value::Str(_), _) => format!("can only concatenate str (not \"{y}\") to str"),
            (BinOp::Add, Value::List(_), _) => format!("can only concatenate list (not \"{y}\") to list"),
            (BinOp::Add, Value::Tuple(_), _) => format!("can only concatenate tuple (not \"{y}\") to tuple"),
            (BinOp::Mul, Value::Str(_) | Value::List(_) | Value::Tuple(_), _) => {
                format!("can't multiply sequence by non-int of type '{y}'")
            }
            _ => {
                let sign = if op == BinOp::Pow { "** or pow()" } else { op.sign() };
                format!("unsupported operand type(s) for {sign}: '{x}' and '{y}'")
            }
        };
        Err(self.raise(Exc::TypeError, text))
    }

    fn binary_by_method(&mut self, op: BinOp, a: &Value, b: &Value) -> Eval<Option<Value>> {
        let [plain, reflected, _] = op.methods();
        let mut tries = [(a, plain, b), (b, reflected, a)];
        // A subclass on the right goes first.
        if let (Value::Instance(x), Value::Instance(y)) = (a, b) {
            let (x, y) = (x.class(), y.class());
            if !Rc::ptr_eq(&x, &y) && y.is_subclass(&x) && y.lookup(Sym::new(reflected)).is_some() {
                tries.swap(0, 1);
            }
        }
        for (object, method, other) in tries {
            match self.call_special(object, Sym::new(method), vec![other.clone()])? {
                None | Some(Value::NotImplemented) => {}
                Some(v) => return Ok(Some(v)),
            }
        }
        // What wraps a builtin value computes as that value.
        let inner = |v: &Value| match v {
            Value::Instance(i) => i.payload_value(),
            _ => None,
        };
        match (inner(a), inner(b)) {
            (None, None) => Ok(None),
            (x, y) => self.binary(op, &x.unwrap_or_else(|| a.clone()), &y.unwrap_or_else(|| b.clone())).map(Some),
        }
    }

    fn builtin_binary(&mut self, op: BinOp, a: &Value, b: &Value) -> Eval<Option<Value>> {
        use Value::*;
        Ok(match (op, a, b) {
            (BinOp::Add, Str(x), Str(y)) => {
                self.allocate((x.len() + y.len()) / 8)?;
                Some(Value::from([&**x, &**y].concat()))
            }
            (BinOp::Add, Bytes(x), Bytes(y)) => {
                self.allocate(x.len() + y.len())?;
                Some(Value::Bytes([&**x, &**y].concat().into()))
            }
            (BinOp::Add, List(x), List(y)) => {
                let (x, y) = (x.borrow(), y.borrow());
                let both = [x.as_slice(), y.as_slice()].concat();
                drop((x, y));
                self.allocate(both.len())?;
                Some(Value::list(both))
            }
            (BinOp::Add, Tuple(x), Tuple(y)) => {
                self.allocate(x.items().len() + y.items().len())?;
                let both = [x.items(), y.items()].concat();
                Some(if x.size && y.size { size_of(both) } else { Value::tuple(both) })
            }
            (BinOp::Mul, Str(_) | List(_) | Tuple(_) | Bytes(_), _) if b.as_int().is_some() => {
                Some(self.repeat(a, b.as_int().unwrap_or(0))?)
            }
            (BinOp::Mul, _, Str(_) | List(_) | Tuple(_) | Bytes(_)) if a.as_int().is_some() => {
                Some(self.repeat(b, a.as_int().unwrap_or(0))?)
            }
            (BinOp::Mod, Str(s), _) => Some(Value::from(super::format::percent(self, s, b)?)),
            (BinOp::Or, Dict(x), Dict(y)) => {
                let mut both = x.borrow().clone();
                both.extend(y.borrow().iter().map(|(k, v)| (k.clone(), v.clone())));
                self.allocate(both.len())?;
                Some(Value::Dict(Rc::new(DictObj::of(both, x.kind.of_copy()))))
            }
            (BinOp::Add | BinOp::Sub, Dict(x), Dict(y))
                if matches!(x.kind, DictKind::Counter) && matches!(y.kind, DictKind::Counter) =>
            {
                Some(crate::python::collections::counter_op(self, op, x, y)?)
            }
            (BinOp::Or | BinOp::And | BinOp::Sub | BinOp::Xor, Set(_) | View(_), Set(_) | View(_)) => {
                let (Some(x), Some(y)) = (self.set_of(a), self.set_of(b)) else { return Ok(Option::None) };
                self.allocate(x.len() + y.len())?;
                let frozen = matches!(a, Set(s) if s.frozen);
                Some(Value::Set(Rc::new(SetObj::new(combine(op, &x, &y), frozen))))
            }
            // `int | None`, `Optional[int] | str`: only for type checkers.
            (BinOp::Or, Class(_) | Opaque(_), Class(_) | Opaque(_) | None)
            | (BinOp::Or, None, Class(_) | Opaque(_)) => Some(crate::python::typing::union(self, a, b)?),
            _ => Option::None,
        })
    }

    fn repeat(&mut self, v: &Value, times: i64) -> Eval<Value> {
        let n = usize::try_from(times).unwrap_or(0);
        let len = match v {
            Value::Str(s) => s.len().div_ceil(8),
            Value::Bytes(b) => b.len(),
            Value::List(l) => l.borrow().len(),
            Value::Tuple(t) => t.items().len(),
            _ => 0,
        };
        self.allocate(len.saturating_mul(n))?;
        Ok(match v {
            Value::Str(s) => Value::from(s.repeat(n)),
            Value::Bytes(b) => Value::Bytes(b.repeat(n).into()),
            Value::List(l) => Value::list(repeated(&l.borrow(), n)),
            Value::Tuple(t) => Value::tuple(repeated(t.items(), n)),
            _ => Value::None,
        })
    }

    /// `a op= b`: lists, sets and dicts change in place, tensors as PyTorch has it.
    pub(crate) fn inplace(&mut self, op: BinOp, a: &Value, b: &Value) -> Eval<Value> {
        match (op, a) {
            (_, Value::Int(_) | Value::Float(_) | Value::Str(_)) => return self.binary(op, a, b),
            (_, Value::Tensor(t)) => return crate::torch::tensor_inplace(self, op, t, b),
            (BinOp::Add, Value::List(l)) => {
                let items = self.iterate(b)?;
                self.allocate(items.len())?;
                l.borrow_mut().extend(items);
                return Ok(a.clone());
            }
            (BinOp::Mul, Value::List(l)) if b.as_int().is_some() => {
                if let Value::List(new) = self.repeat(a, b.as_int().unwrap_or(0))? {
                    let items = new.borrow().clone();
                    *l.borrow_mut() = items;
                }
                return Ok(a.clone());
            }
            (BinOp::Or, Value::Dict(d)) => {
                for (k, v) in self.mapping_items(b)? {
                    let key = super::dict::Key::new(self, &k)?;
                    d.borrow_mut().insert(key, v);
                    self.allocate(1)?;
                }
                return Ok(a.clone());
            }
            (BinOp::Or | BinOp::And | BinOp::Sub | BinOp::Xor, Value::Set(s)) if !s.frozen => {
                if let Some(y) = self.set_of(b) {
                    let new = combine(op, &s.borrow(), &y);
                    self.allocate(new.len())?;
                    *s.borrow_mut() = new;
                    return Ok(a.clone());
                }
            }
            (_, Value::Instance(_)) => match self.call_special(a, Sym::new(op.methods()[2]), vec![b.clone()])? {
                None | Some(Value::NotImplemented) => {}
                Some(v) => return Ok(v),
            },
            _ => {}
        }
        self.binary(op, a, b)
    }

    /// `-a`, `+a`, `~a`, `not a`.
    pub(crate) fn unary(&mut self, op: UnaryOp, a: &Value) -> Eval<Value> {
        match (op, a) {
            (UnaryOp::Not, _) => return Ok(Value::Bool(!self.truth(a)?)),
            (UnaryOp::Neg, Value::Float(v)) => return Ok(Value::Float(-v)),
            (UnaryOp::Pos, Value::Float(_)) => return Ok(a.clone()),
            (_, Value::Int(_) | Value::Bool(_) | Value::Big(_)) => {
                let zero = Value::Int(0);
                return match op {
                    UnaryOp::Neg => self.binary(BinOp::Sub, &zero, a),
                    UnaryOp::Pos => self.binary(BinOp::Add, &zero, a),
                    _ => {
                        let negated = self.binary(BinOp::Sub, &zero, a)?;
                        self.binary(BinOp::Sub, &negated, &Value::Int(1))
                    }
                };
            }
            (_, Value::Tensor(t)) => return crate::torch::tensor_unary(self, op, t),
            (_, Value::Instance(i)) => {
                let method = match op {
                    UnaryOp::Neg => "__neg__",
                    UnaryOp::Pos => "__pos__",
                    _ => "__invert__",
                };
                if let Some(v) = self.call_special(a, Sym::new(method), Vec::new())? {
                    return Ok(v);
                }
                if let Some(inner) = i.payload_value() {
                    return self.unary(op, &inner);
                }
            }
            _ => {}
        }
        let sign = match op {
            UnaryOp::Neg => "-",
            UnaryOp::Pos => "+",
            _ => "~",
        };
        let name = self.type_name(a);
        Err(self.raise(Exc::TypeError, format!("bad operand type for unary {sign}: '{name}'")))
    }
}

fn repeated(items: &[Value], n: usize) -> Vec<Value> {
    let mut out = Vec::with_capacity(items.len() * n);
    for _ in 0..n {
        out.extend_from_slice(items);
    }
    out
}

fn size_of(items: Vec<Value>) -> Value {
    let dims: Option<Vec<usize>> = items.iter().map(|v| v.as_int().and_then(|v| usize::try_from(v).ok())).collect();
    dims.map_or_else(|| Value::tuple(items), |d| Value::size(&d))
}

/// Two sets combined, in the order of the left one.
pub(crate) fn combine(op: BinOp, x: &Set, y: &Set) -> Set {
    match op {
        BinOp::Or => x.iter().chain(y.iter()).cloned().collect(),
        BinOp::And => x.iter().filter(|k| y.contains(*k)).cloned().collect(),
        BinOp::Sub => x.iter().filter(|k| !y.contains(*k)).cloned().collect(),
        _ => {
            let left = x.iter().filter(|k| !y.contains(*k));
            left.chain(y.iter().filter(|k| !x.contains(*k))).cloned().collect()
        }
    }
}
