//! The `match` statement.

use super::Interp;
use super::exception::Eval;
use super::frame::Frame;
use super::stmt::Flow;
use super::value::Value;
use crate::syntax::ast::{Case, Expr, ExprKind, Pattern};
use crate::syntax::sym::{Sym, known};

impl Interp {
    pub(super) fn match_statement(&mut self, subject: &Expr, cases: &[Case], f: &mut Frame) -> Eval<Flow> {
        let v = self.eval(subject, f)?;
        for case in cases {
            if !self.matches(&case.pattern, &v, f)? {
                continue;
            }
            if let Some(guard) = &case.guard
                && !self.condition(guard, f)?
            {
                continue;
            }
            return self.exec_block(&case.body, f);
        }
        Ok(Flow::Next)
    }

    fn matches(&mut self, pattern: &Pattern, v: &Value, f: &mut Frame) -> Eval<bool> {
        self.step()?;
        Ok(match pattern {
            Pattern::Wildcard => true,
            Pattern::Capture(var) => {
                self.store(*var, v.clone(), f);
                true
            }
            Pattern::Star(_) => false,
            Pattern::Value(e) => {
                let w = self.eval(e, f)?;
                match (&e.kind, &w) {
                    (ExprKind::Const(_), Value::None | Value::Bool(_)) => v.is(&w),
                    _ => self.equal(v, &w)?,
                }
            }
            Pattern::Or(all) => {
                for p in all {
                    if self.matches(p, v, f)? {
                        return Ok(true);
                    }
                }
                false
            }
            Pattern::As(p, var) => {
                if !self.matches(p, v, f)? {
                    return Ok(false);
                }
                self.store(*var, v.clone(), f);
                true
            }
            Pattern::Sequence(parts, star) => {
                let Some(items) = v.as_sequence() else { return Ok(false) };
                match star {
                    None => {
                        if items.len() != parts.len() {
                            return Ok(false);
                        }
                        for (p, v) in parts.iter().zip(&items) {
                            if !self.matches(p, v, f)? {
                                return Ok(false);
                            }
                        }
                        true
                    }
                    Some(at) => {
                        let after = parts.len() - at - 1;
                        if items.len() < at + after {
                            return Ok(false);
                        }
                        for (p, v) in parts[..*at].iter().zip(&items) {
                            if !self.matches(p, v, f)? {
                                return Ok(false);
                            }
                        }
                        for (p, v) in parts[at + 1..].iter().zip(&items[items.len() - after..]) {
                            if !self.matches(p, v, f)? {
                                return Ok(false);
                            }
                        }
                        if let Pattern::Star(Some(var)) = &parts[*at] {
                            let rest = items[*at..items.len() - after].to_vec();
                            self.store(*var, Value::list(rest), f);
                        }
                        true
                    }
                }
            }
            Pattern::Mapping(pairs, rest) => {
                let Value::Dict(d) = v else { return Ok(false) };
                let mut left = d.borrow().clone();
                for (key, p) in pairs {
                    let k = self.eval(key, f)?;
                    let k = super::dict::Key::new(self, &k)?;
                    let Some(found) = left.shift_remove(&k) else { return Ok(false) };
                    if !self.matches(p, &found, f)? {
                        return Ok(false);
                    }
                }
                if let Some(var) = rest {
                    self.store(*var, Value::dict(left), f);
                }
                true
            }
            Pattern::Class(class, positional, keywords) => {
                let c = self.eval(class, f)?;
                if !self.is_instance_of(v, &c)? {
                    return Ok(false);
                }
                let names = match self.find_attr(&c, known::MATCH_ARGS)? {
                    Some(names) => self.iterate(&names)?,
                    None => Vec::new(),
                };
                for (k, p) in positional.iter().enumerate() {
                    let part = match names.get(k).and_then(Value::as_str) {
                        Some(name) => self.get_attr(v, Sym::new(name))?,
                        None if k == 0 => v.clone(),
                        None => return Ok(false),
                    };
                    if !self.matches(p, &part, f)? {
                        return Ok(false);
                    }
                }
                for (name, p) in keywords {
                    let Some(part) = self.find_attr(v, *name)? else { return Ok(false) };
                    if !self.matches(p, &part, f)? {
                        return Ok(false);
                    }
                }
                true
            }
        })
    }
}
