//! Module objects.
//!
//! A module of our own library is made of parsed sources whose definitions run only when their name is first asked for: a
//! network that uses five layers pays for five classes.

use super::nest::Nest;
use super::value::{Attrs, Value};
use super::{Eval, Interp};
use crate::diagnostic::Diagnostic;
use crate::syntax::Sym;
use crate::syntax::ast::Source;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
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

/// Definitions that have not run yet: parsed once a thread, shared by the modules of all networks.
pub(crate) struct Lazy {
    sources: Vec<Rc<Source>>,
    /// Where each name is defined: source and top-level statement.
    index: FxHashMap<Sym, (u32, u32)>,
}

impl Lazy {
    /// The definitions of these sources. A later definition of a name wins.
    pub(crate) fn new(sources: Vec<Rc<Source>>) -> Self {
        let mut index = FxHashMap::default();
        for (i, source) in sources.iter().enumerate() {
            for (name, statement) in source.definitions() {
                index.insert(*name, (i as u32, *statement));
            }
        }
        Lazy { sources, index }
    }
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
            && let Some(&(source, statement)) = lazy.index.get(&name)
        {
            let source = lazy.sources[source as usize].clone();
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
