//! Walks over the tree of modules: `children()`, `modules()`, `parameters()` and their like, and `train()`, without running
//! Python for each step.
//!
//! Walks are as lazy as PyTorch's generators: the children of a module are looked at once the module itself has been taken, so
//! that a loop may change what it has not reached yet. Every entry costs a step of fuel.

use super::module::{as_module, table};
use crate::eval::args::Args;
use crate::eval::class::{Class, Instance};
use crate::eval::dict::{Key, Set};
use crate::eval::iter::Iter;
use crate::eval::value::{DictObj, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::sym::Sym;
use std::rc::Rc;

/// A walk under way.
pub(crate) struct Walk {
    /// The module that is visited first.
    root: Option<Value>,
    /// Its path; `None` is the empty one.
    prefix: Option<Rc<str>>,
    /// The module that was given last and whose children come next, with its path.
    open: Option<(Option<Rc<str>>, Rc<Instance>)>,
    /// The tables of submodules being walked, innermost last.
    levels: Vec<Level>,
    /// Modules that have been given; `None`: each is given as often as it is found.
    seen: Option<Set>,
    /// Whether the children of a child are walked too.
    deep: bool,
    /// Whether names are asked for.
    named: bool,
    /// The table of each module whose tensors are walked, instead of the modules themselves.
    members: Option<Members>,
}

/// A walk over the entries of one dict.
struct Level {
    path: Option<Rc<str>>,
    dict: Rc<DictObj>,
    at: usize,
    size: usize,
}

struct Members {
    table: Sym,
    level: Option<Level>,
    seen: Option<Set>,
}

impl Level {
    fn new(path: Option<Rc<str>>, dict: Rc<DictObj>) -> Self {
        let size = dict.borrow().len();
        Level { path, dict, at: 0, size }
    }

    /// The next name and value that is not `None`.
    fn next(&mut self, i: &mut Interp) -> Eval<Option<(Value, Value)>> {
        loop {
            i.step()?;
            let dict = self.dict.borrow();
            if dict.len() != self.size {
                drop(dict);
                return Err(i.raise(Exc::RuntimeError, "dictionary changed size during iteration"));
            }
            let Some((k, v)) = dict.get_index(self.at) else { return Ok(None) };
            self.at += 1;
            if !v.is_none() {
                return Ok(Some((k.value().clone(), v.clone())));
            }
        }
    }

    /// The dotted path of an entry.
    fn path_of(&self, i: &mut Interp, name: &Value) -> Eval<Rc<str>> {
        let name = i.str(name)?;
        Ok(match &self.path {
            None => name,
            Some(p) => format!("{p}.{name}").into(),
        })
    }
}

/// Marks a value as given; `false`: it has been given before.
fn first_time(i: &mut Interp, seen: &mut Option<Set>, value: &Value) -> Eval<bool> {
    match seen {
        Some(seen) => Ok(seen.insert(Key::new(i, value)?)),
        None => Ok(true),
    }
}

/// `_walk(module, what, prefix='', recurse=True, remove_duplicate=True)`: an iterator; `what` is the method's name.
pub(crate) fn walk(i: &mut Interp, args: Args) -> Eval<Value> {
    let [root, what, prefix, recurse, unique] =
        args.bind(i, "_walk", ["module", "what", "prefix", "recurse", "remove_duplicate"], 2)?;
    let what = what.as_ref().and_then(Value::as_str).unwrap_or("").to_string();
    let (named, what) = what.strip_prefix("named_").map_or((false, &*what), |w| (true, w));
    let recurse = recurse.map_or(Ok(true), |v| i.truth(&v))?;
    let unique = unique.map_or(Ok(true), |v| i.truth(&v))?;
    let prefix = prefix.as_ref().and_then(Value::as_str).filter(|p| !p.is_empty()).map(Rc::from);
    let seen = || unique.then(Set::default);
    let table = match what {
        "parameters" => Some("_parameters"),
        "buffers" => Some("_buffers"),
        _ => None,
    };
    let root = root.unwrap_or_default();
    let mut walk = Walk {
        root: None,
        prefix: prefix.clone(),
        open: None,
        levels: Vec::new(),
        seen: seen(),
        deep: what != "children",
        named,
        members: table.map(|t| Members { table: Sym::new(t), level: None, seen: seen() }),
    };
    if what == "children" {
        walk.open = as_module(&root).map(|m| (None, m.clone()));
    } else {
        walk.root = Some(root);
        walk.deep = recurse;
    }
    Ok(Value::iterator(Iter::Walk(Box::new(walk))))
}

impl Walk {
    /// The next item of the iterator.
    pub(crate) fn next(&mut self, i: &mut Interp) -> Eval<Option<Value>> {
        let found = if self.members.is_some() { self.next_member(i)? } else { self.next_module(i)? };
        Ok(found.map(|(path, v)| {
            if !self.named {
                return v;
            }
            Value::tuple(vec![path.map_or_else(|| Value::str(""), Value::Str), v])
        }))
    }

    fn next_module(&mut self, i: &mut Interp) -> Eval<Option<(Option<Rc<str>>, Value)>> {
        if let Some((path, module)) = self.open.take() {
            let dict = table(i, &module, Sym::new("_modules"))?;
            self.levels.push(Level::new(path, dict));
        }
        if let Some(root) = self.root.take() {
            let path = self.prefix.clone();
            return self.visit(i, path, root);
        }
        while let Some(level) = self.levels.last_mut() {
            let Some((name, v)) = level.next(i)? else {
                self.levels.pop();
                continue;
            };
            let path = if self.named { Some(level.path_of(i, &name)?) } else { None };
            if !self.deep {
                if first_time(i, &mut self.seen, &v)? {
                    return Ok(Some((path, v)));
                }
                continue;
            }
            if let Some(found) = self.visit(i, path, v)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A module that the walk has come to. `None`: it has been given before.
    fn visit(&mut self, i: &mut Interp, path: Option<Rc<str>>, v: Value) -> Eval<Option<(Option<Rc<str>>, Value)>> {
        let Some(module) = as_module(&v) else {
            let text = format!("'{}' object has no attribute 'named_modules'", i.type_name(&v));
            return Err(i.raise(Exc::AttributeError, text));
        };
        if !first_time(i, &mut self.seen, &v)? {
            return Ok(None);
        }
        if self.deep {
            self.open = Some((path.clone(), module.clone()));
        }
        Ok(Some((path, v)))
    }

    fn next_member(&mut self, i: &mut Interp) -> Eval<Option<(Option<Rc<str>>, Value)>> {
        loop {
            if let Some(m) = &mut self.members {
                while let Some(level) = &mut m.level {
                    let Some((name, v)) = level.next(i)? else {
                        m.level = None;
                        break;
                    };
                    if first_time(i, &mut m.seen, &v)? {
                        let path = if self.named { Some(level.path_of(i, &name)?) } else { None };
                        return Ok(Some((path, v)));
                    }
                }
            }
            let Some((path, v)) = self.next_module(i)? else { return Ok(None) };
            if let (Some(m), Some(module)) = (&mut self.members, as_module(&v)) {
                m.level = Some(Level::new(path, table(i, module, m.table)?));
            }
        }
    }
}

/// `_train(module, mode)`: sets `training` throughout a module; a class of the source that has its own `train` is asked.
pub(crate) fn train(i: &mut Interp, args: Args) -> Eval<Value> {
    let [module, mode] = args.exactly(i, "_train")?;
    if let Some(m) = as_module(&module) {
        set_training(i, &m.clone(), &mode)?;
    }
    Ok(module)
}

fn set_training(i: &mut Interp, module: &Rc<Instance>, mode: &Value) -> Eval<()> {
    i.step()?;
    i.set_attr(&Value::Instance(module.clone()), Sym::new("training"), mode.clone())?;
    let mut level = Level::new(None, table(i, module, Sym::new("_modules"))?);
    let mut seen = Some(Set::default());
    while let Some((_, child)) = level.next(i)? {
        if !first_time(i, &mut seen, &child)? {
            continue;
        }
        i.enter()?;
        let result = match as_module(&child) {
            Some(m) if is_own_train(&m.class()) => set_training(i, &m.clone(), mode),
            _ => i.call_method(&child, "train", Args::from([mode.clone()])).map(|_| ()),
        };
        i.leave();
        result?;
    }
    Ok(())
}

/// Whether `train` of a class is the one of `torch.nn.Module`.
fn is_own_train(class: &Class) -> bool {
    matches!(class.lookup(Sym::new("train")), Some(Value::Function(f)) if !f.code.user && &*f.code.qualname == "Module.train")
}
