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
        meant(raise, &text, &known)
    }

    /// A keyword argument that a function does not have.
    #[cold]
    pub(crate) fn hint_keyword(&self, raise: Raise, function: &Rc<Function>, name: Sym) -> Raise {
        let params = &function.code.params;
        let all = params.positional.iter().chain(&params.keyword_only).map(|p| p.name.name());
        let known: Vec<Rc<str>> = all.filter(|n| &**n != "self").collect();
        let text = name.name();
        match suggest::nearest(&text, known.iter().map(|c| &**c)) {
            Some(near) => raise.into_help(format!("did you mean '{near}'?")),
            None if known.is_empty() => raise.into_help(format!("{} takes no arguments", function.code.qualname)),
            None => raise.into_help(format!("{} takes {}", function.code.qualname, known.join(", "))),
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
        raise
    }
}
