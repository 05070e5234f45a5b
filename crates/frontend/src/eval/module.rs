//! Module objects.
//!
//! A module of our own library is made of texts that are parsed, and of definitions that run, only when one of their names is
//! first asked for: a network that uses five layers pays for five classes.

use super::nest::Nest;
use super::value::{Attrs, Value};
use super::{Eval, Interp};
use crate::diagnostic::Diagnostic;
use crate::syntax::Sym;
use crate::syntax::ast::Source;
use rustc_hash::FxHashMap;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

/// A module object.
pub(crate) struct PyModule {
    /// Its dotted name.
    pub name: Rc<str>,
    /// Its attributes.
    pub attrs: RefCell<Nest<Attrs>>,
    /// Names imported from packages that have them where Archsmith does not: why, to be said where the name is used. Sources
    /// pasted from libraries import much that their networks never touch.
    pub absent: RefCell<FxHashMap<Sym, Diagnostic>>,
    lazy: Option<Rc<Lazy>>,
    /// Finds an attribute that neither `attrs` nor the sources hold; `None`: there is no such attribute.
    pub fallback: Option<Fallback>,
}

/// Finds an attribute of a module by its name.
pub(crate) type Fallback = fn(&mut Interp, &Rc<PyModule>, &str) -> Eval<Option<Value>>;

/// Definitions that have not run yet, of texts that may not be parsed yet: shared by the modules of all networks of a thread.
pub(crate) struct Lazy {
    texts: Vec<(&'static str, OnceCell<Rc<Source>>)>,
    /// The text that defines each name.
    index: FxHashMap<Sym, u32>,
}

impl Lazy {
    /// The definitions of these texts. A later definition of a name wins.
    fn new(texts: Vec<&'static str>) -> Self {
        let texts: Vec<_> = texts.into_iter().map(|text| (text, OnceCell::new())).collect();
        let mut index = FxHashMap::default();
        for (i, (text, _)) in texts.iter().enumerate() {
            for name in defined(text) {
                index.insert(Sym::new(name), i as u32);
            }
        }
        Lazy { texts, index }
    }

    /// The definitions of a module of this name, whose texts are read once a thread.
    pub(crate) fn of(name: &'static str, texts: impl FnOnce() -> Vec<&'static str>) -> Rc<Lazy> {
        thread_local! {
            static KNOWN: RefCell<FxHashMap<&'static str, Rc<Lazy>>> = RefCell::default();
        }
        KNOWN.with_borrow_mut(|known| known.entry(name).or_insert_with(|| Rc::new(Lazy::new(texts()))).clone())
    }

    /// The source that defines a name, and the statement of its top level that does.
    fn find(&self, i: &Interp, name: Sym) -> Eval<Option<(Rc<Source>, u32)>> {
        let Some((text, parsed)) = self.index.get(&name).map(|&at| &self.texts[at as usize]) else { return Ok(None) };
        let source = match parsed.get() {
            Some(source) => source.clone(),
            None => {
                let source = crate::syntax::parse(text, false).map_err(|problem| {
                    let head = text.trim().lines().next().unwrap_or_default();
                    let why = format!("a library source ('{head}') does not parse: {}", problem.message);
                    i.abort(crate::code::INTERNAL, why)
                })?;
                parsed.get_or_init(|| Rc::new(source)).clone()
            }
        };
        let statement = source.definitions().iter().rev().find(|(n, _)| *n == name).map(|(_, statement)| *statement);
        Ok(statement.map(|statement| (source, statement)))
    }
}

/// The names that the top level of a library text defines, told from the beginnings of its lines.
pub(crate) fn defined(text: &str) -> Vec<&str> {
    let name = |s: &str| s.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(s.len());
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("def ").or_else(|| line.strip_prefix("class ")) {
            found.push(&rest[..name(rest)]);
        } else if let Some((_, names)) = line.strip_prefix("from ").and_then(|l| l.split_once(" import ")) {
            found.extend(names.split(',').filter_map(|part| part.split_whitespace().last()));
        } else if let Some(module) = line.strip_prefix("import ") {
            found.extend(module.split_whitespace().last());
        } else {
            // `A = B = …` defines both.
            let mut rest = line;
            while let Some((first, value)) = rest.split_once(" = ").filter(|(first, _)| name(first) == first.len()) {
                found.push(first);
                rest = value;
            }
        }
    }
    found
}

impl PyModule {
    /// An empty module.
    pub(crate) fn new(name: &str) -> Self {
        PyModule {
            name: name.into(),
            attrs: RefCell::default(),
            absent: RefCell::default(),
            lazy: None,
            fallback: None,
        }
    }

    /// A module whose definitions come from sources when they are asked for.
    pub(crate) fn lazy(name: &str, definitions: Rc<Lazy>) -> Self {
        PyModule { lazy: Some(definitions), ..Self::new(name) }
    }

    /// Sets an attribute.
    pub(crate) fn set(&self, name: &str, value: Value) {
        self.attrs.borrow_mut().insert(Sym::new(name), value);
    }

    /// An attribute that exists already; runs nothing.
    pub(crate) fn get(&self, name: Sym) -> Option<Value> {
        self.attrs.borrow().get(&name).cloned()
    }

    /// The names that it has or could produce.
    pub(crate) fn names(&self) -> Vec<Sym> {
        let mut names: Vec<Sym> = self.attrs.borrow().keys().copied().collect();
        if let Some(lazy) = &self.lazy {
            let mut more: Vec<Sym> = lazy.index.keys().copied().filter(|n| !names.contains(n)).collect();
            more.sort();
            names.extend(more);
        }
        names
    }
}

impl Interp {
    /// An attribute of a module; runs its definition if that has not run yet. `None`: there is no such attribute.
    pub(crate) fn module_attr(&mut self, module: &Rc<PyModule>, name: Sym) -> Eval<Option<Value>> {
        if let Some(v) = module.get(name) {
            return Ok(Some(v));
        }
        if let Some(lazy) = &module.lazy
            && let Some((source, statement)) = lazy.find(self, name)?
        {
            self.run_definition(module, &source, statement as usize)?;
            if let Some(v) = module.get(name) {
                return Ok(Some(v));
            }
        }
        match module.fallback {
            Some(find) => {
                let text = name.name();
                let found = find(self, module, &text)?;
                // A library source that says `max` means Python's: an operator of that name is not kept among its globals.
                if let Some(v) = &found
                    && !self.builtins.names.contains_key(&name)
                {
                    module.attrs.borrow_mut().insert(name, v.clone());
                }
                Ok(found)
            }
            None => Ok(None),
        }
    }
}
