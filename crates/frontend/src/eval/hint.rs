//! What the author may have meant: help for exceptions about names.
//!
//! Invariants: no attribute is looked up by code of the source; what is suggested exists.

use super::class::{Class, NativeState};
use super::dict::Dict;
use super::frame::Frame;
use super::function::Function;
use super::value::Value;
use super::{Interp, Raise};
use crate::suggest;
use crate::syntax::Sym;
use crate::torch::names;
use std::rc::Rc;

/// Keys of a dict beyond which they are not listed.
const MAX_KEYS: usize = 12;

fn meant(raise: Raise, name: &str, candidates: &[Rc<str>]) -> Raise {
    match suggest::nearest(name, candidates.iter().map(|c| &**c).filter(|c| !c.starts_with("__"))) {
        Some(near) => raise.into_help(format!("did you mean '{near}'?")),
        None => raise,
    }
}

fn names_of<'a>(symbols: impl Iterator<Item = &'a Sym>) -> Vec<Rc<str>> {
    symbols.map(|s| s.name()).collect()
}

fn class_names(class: &Class) -> Vec<Rc<str>> {
    let mut out = names_of(class.attrs.borrow().keys());
    for base in &class.mro {
        out.extend(names_of(base.attrs.borrow().keys()));
    }
    out
}

/// The names of a function's parameters, the receiver left out.
fn parameters(function: &Function) -> Vec<Rc<str>> {
    let params = &function.code.params;
    let all = params.positional.iter().chain(&params.keyword_only).map(|p| p.name.name());
    all.filter(|n| &**n != "self").collect()
}

impl Interp {
    /// A name that is not defined: the import that is missing, or the name that is most like it.
    #[cold]
    pub(crate) fn hint_name(&self, raise: Raise, name: Sym, f: &Frame) -> Raise {
        if !f.code.user {
            return raise;
        }
        let text = name.name();
        if let Some(import) = suggest::import_of(&text) {
            return raise.into_help(format!("add '{import}'"));
        }
        let mut known: Vec<Rc<str>> = f.code.layout().vars.iter().map(|(n, _)| n.name()).collect();
        known.extend(names_of(f.module.names().iter()));
        known.extend(names_of(self.builtins.names.keys()));
        if &*text == "self" {
            return raise.into_help("the method's first parameter must be self");
        }
        // A layer that was made in another method, or belongs to the object.
        let this = f.locals().into_iter().find(|(n, _)| &*n.name() == "self");
        if let Some((_, Value::Instance(object))) = this {
            let known = object.get(name).is_some();
            let made = || match object.class().lookup(Sym::new("__init__")) {
                Some(Value::Function(init)) => init.code.layout().vars.iter().any(|(n, _)| *n == name),
                _ => false,
            };
            if known {
                return raise.into_help(format!("did you mean 'self.{text}'?"));
            }
            if made() {
                return raise
                    .into_help(format!("write self.{text} here and in __init__, where it is a local variable"));
            }
        }
        meant(raise, &text, &known)
    }

    /// An attribute that does not exist.
    #[cold]
    pub(crate) fn hint_attribute(&self, raise: Raise, object: &Value, name: Sym) -> Raise {
        let text = name.name();
        let known: Vec<Rc<str>> = match object {
            Value::Module(m) => {
                let own = names_of(m.names().iter());
                own.into_iter().chain(names::all(&m.name).map(Rc::from)).collect()
            }
            Value::Tensor(_) => names::all("Tensor").map(Rc::from).collect(),
            Value::Class(c) => class_names(c),
            Value::Instance(i) => {
                let mut out = names_of(i.attrs.borrow().keys());
                if let NativeState::Module(s) = &*i.native.borrow() {
                    for table in [&s.parameters, &s.buffers, &s.modules] {
                        out.extend(table.borrow().keys().filter_map(|k| k.value().as_str().map(Rc::from)));
                    }
                }
                out.extend(class_names(&i.class()));
                out
            }
            other => class_names(&self.class_of(other)),
        };
        let raise = meant(raise, &text, &known);
        match object {
            Value::Instance(i) if !raise.has_help() && i.class().span != archsmith_ir::Span::default() => {
                raise.into_help(format!("assign self.{text} in {}.__init__", i.class().name))
            }
            Value::None => crate::torch::explain::nothing(self, raise),
            _ => raise,
        }
    }

    /// A keyword argument that a function does not have.
    #[cold]
    pub(crate) fn hint_keyword(&self, raise: Raise, function: &Rc<Function>, name: Sym) -> Raise {
        match suggest::nearest(&name.name(), parameters(function).iter().map(|c| &**c)) {
            Some(near) => raise.into_help(format!("did you mean '{near}'?")),
            None => self.hint_arguments(raise, function),
        }
    }

    /// Arguments too many or too few: what the function takes, and where the author wrote so.
    #[cold]
    pub(crate) fn hint_arguments(&self, mut raise: Raise, function: &Function) -> Raise {
        if let Raise::Exception(t) = &mut raise
            && function.code.user
        {
            let first = function.code.params.positional.first().map(|p| p.name.name());
            let own = first.as_deref().is_some_and(|n| matches!(n, "self" | "cls" | "mcs" | "_" | "this"));
            // `Class.method`, and not a function within a function.
            let method = function.code.qualname.rsplit_once('.').is_some_and(|(outer, _)| !outer.ends_with("<locals>"));
            if method && !own && !self.is_static(function) {
                t.labels
                    .push((function.code.span, "a method's first parameter is 'self', which is missing here".into()));
            } else {
                t.labels.push((function.code.span, "defined here".into()));
            }
        }
        let known = parameters(function);
        let takes = if known.is_empty() { "no arguments".into() } else { known.join(", ") };
        raise.into_help(format!("{} takes {takes}", function.code.qualname))
    }

    /// Whether a function is a static method of a class of its module.
    fn is_static(&self, function: &Function) -> bool {
        let Some((class, name)) = function.code.qualname.rsplit_once('.') else { return false };
        match function.module.get(Sym::new(class)) {
            Some(Value::Class(c)) => matches!(c.lookup(Sym::new(name)), Some(Value::StaticMethod(_))),
            _ => false,
        }
    }

    /// A key that a dict does not have.
    #[cold]
    pub(crate) fn hint_key(&self, raise: Raise, dict: &Dict, key: &Value) -> Raise {
        let Some(key) = key.as_str() else { return raise };
        let known: Vec<Rc<str>> = dict.keys().filter_map(|k| k.value().as_str().map(Rc::from)).collect();
        if suggest::nearest(key, known.iter().map(|c| &**c)).is_some() {
            return meant(raise, key, &known);
        }
        if ["lr", "momentum", "transform"].iter().all(|n| known.iter().any(|k| &**k == *n)) {
            let text = format!("name '{key}' in supported_hyperparameters(), or use prm.get('{key}', a default)");
            return raise.into_help(text);
        }
        if (1..=MAX_KEYS).contains(&known.len()) {
            let keys: Vec<String> = known.iter().map(|k| format!("'{k}'")).collect();
            return raise.into_help(format!("its keys are {}", keys.join(", ")));
        }
        raise
    }
}
