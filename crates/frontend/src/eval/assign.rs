//! Assignment, deletion, augmented assignment.

use super::Interp;
use super::exception::{Eval, Exc};
use super::frame::Frame;
use super::value::Value;
use crate::syntax::ast::{BinOp, Expr, ExprKind};

impl Interp {
    /// Assigns to a target.
    pub(crate) fn assign(&mut self, target: &Expr, value: Value, f: &mut Frame) -> Eval<()> {
        match &target.kind {
            ExprKind::Name(var) => {
                self.store(*var, value, f);
                Ok(())
            }
            ExprKind::Attr(object, name) => {
                let object = self.eval(object, f)?;
                self.at(target.span, f);
                self.set_attr(&object, *name, value)
            }
            ExprKind::Subscript(parts) => {
                let object = self.eval(&parts.0, f)?;
                let index = self.eval(&parts.1, f)?;
                self.at(target.span, f);
                self.set_item(&object, &index, value)
            }
            ExprKind::Tuple(targets) | ExprKind::List(targets) => {
                self.at(target.span, f);
                self.unpack(targets, &value, f)
            }
            ExprKind::Starred(_) => {
                Err(self.raise(Exc::SyntaxError, "starred assignment target must be in a list or tuple"))
            }
            _ => Err(self.raise(Exc::SyntaxError, "cannot assign to expression")),
        }
    }

    fn unpack(&mut self, targets: &[Expr], value: &Value, f: &mut Frame) -> Eval<()> {
        self.check_stack()?;
        let star = targets.iter().position(|t| matches!(t.kind, ExprKind::Starred(_)));
        let items = match value {
            Value::Tuple(t) => t.items().to_vec(),
            Value::List(l) => l.borrow().clone(),
            _ => self.unpack_iterable(value, if star.is_some() { usize::MAX } else { targets.len() })?,
        };
        let wanted = targets.len();
        let Some(star) = star else {
            if items.len() != wanted {
                let text = if items.len() > wanted {
                    format!("too many values to unpack (expected {wanted})")
                } else {
                    format!("not enough values to unpack (expected {wanted}, got {})", items.len())
                };
                return Err(self.raise(Exc::ValueError, text));
            }
            return targets.iter().zip(items).try_for_each(|(t, v)| self.assign(t, v, f));
        };
        if items.len() + 1 < wanted {
            let text = format!("not enough values to unpack (expected at least {}, got {})", wanted - 1, items.len());
            return Err(self.raise(Exc::ValueError, text));
        }
        let after = wanted - star - 1;
        let middle = items.len() - after;
        for (t, v) in targets[..star].iter().zip(&items) {
            self.assign(t, v.clone(), f)?;
        }
        if let ExprKind::Starred(inner) = &targets[star].kind {
            self.assign(inner, Value::list(items[star..middle].to_vec()), f)?;
        }
        for (t, v) in targets[star + 1..].iter().zip(&items[middle..]) {
            self.assign(t, v.clone(), f)?;
        }
        Ok(())
    }

    /// At most one item more than wanted: an endless iterator is not drained.
    fn unpack_iterable(&mut self, value: &Value, wanted: usize) -> Eval<Vec<Value>> {
        if let Value::Tensor(_) = value {
            return self.iterate(value);
        }
        let iter = match self.iter(value) {
            Err(e) if e.is(self, Exc::TypeError) => {
                let text = format!("cannot unpack non-iterable {} object", self.type_name(value));
                return Err(self.raise(Exc::TypeError, text));
            }
            other => other?,
        };
        let mut items = Vec::new();
        while items.len() <= wanted {
            self.step()?;
            match self.next(&iter)? {
                Some(v) => items.push(v),
                None => break,
            }
        }
        Ok(items)
    }

    /// `target op= value`.
    pub(crate) fn augment(&mut self, op: BinOp, target: &Expr, value: &Expr, f: &mut Frame) -> Eval<()> {
        match &target.kind {
            ExprKind::Name(var) => {
                self.at(target.span, f);
                let old = self.load(*var, f)?;
                let v = self.eval(value, f)?;
                self.at(target.span, f);
                let new = self.inplace(op, &old, &v)?;
                self.store(*var, new, f);
                Ok(())
            }
            ExprKind::Attr(object, name) => {
                let object = self.eval(object, f)?;
                self.at(target.span, f);
                let old = self.get_attr(&object, *name)?;
                let v = self.eval(value, f)?;
                self.at(target.span, f);
                let new = self.inplace(op, &old, &v)?;
                self.set_attr(&object, *name, new)
            }
            ExprKind::Subscript(parts) => {
                let object = self.eval(&parts.0, f)?;
                let index = self.eval(&parts.1, f)?;
                self.at(target.span, f);
                let old = self.get_item(&object, &index)?;
                let v = self.eval(value, f)?;
                self.at(target.span, f);
                let new = self.inplace(op, &old, &v)?;
                self.set_item(&object, &index, new)
            }
            _ => Err(self.raise(Exc::SyntaxError, "illegal expression for augmented assignment")),
        }
    }

    /// `del target`.
    pub(crate) fn delete(&mut self, target: &Expr, f: &mut Frame) -> Eval<()> {
        match &target.kind {
            ExprKind::Name(var) => {
                self.at(target.span, f);
                self.unbind(*var, f)
            }
            ExprKind::Attr(object, name) => {
                let object = self.eval(object, f)?;
                self.at(target.span, f);
                self.del_attr(&object, *name)
            }
            ExprKind::Subscript(parts) => {
                let object = self.eval(&parts.0, f)?;
                let index = self.eval(&parts.1, f)?;
                self.at(target.span, f);
                self.del_item(&object, &index)
            }
            ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().try_for_each(|t| self.delete(t, f)),
            _ => Err(self.raise(Exc::SyntaxError, "cannot delete expression")),
        }
    }
}
