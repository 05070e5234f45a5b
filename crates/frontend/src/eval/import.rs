//! Import statements: the standard modules of [`crate::python`] and what the torch side knows. Nothing is ever loaded.

use super::Interp;
use super::exception::{Eval, Exc, Raise};
use super::frame::Frame;
use super::module::PyModule;
use super::value::Value;
use crate::syntax::ast::{Import, ImportFrom, Place};
use crate::syntax::sym::{Sym, known};
use archsmith_ir::OpError;
use std::rc::Rc;

impl Interp {
    /// The module of a dotted name. `None`: it is not one that Archsmith knows.
    pub(crate) fn import_module(&mut self, dotted: &str) -> Eval<Option<Rc<PyModule>>> {
        if let Some(m) = self.modules.get(dotted) {
            return Ok(Some(m.clone()));
        }
        let found = match crate::python::standard_module(self, dotted)? {
            Some(m) => Some(m),
            None => crate::torch::module_import(self, dotted)?,
        };
        if let Some(m) = &found {
            self.hold_module(m);
            self.modules.insert(dotted.into(), m.clone());
        }
        Ok(found)
    }

    /// Imports a module and its parents; makes each an attribute of its parent.
    fn import_chain(&mut self, dotted: &str) -> Eval<(Rc<PyModule>, Rc<PyModule>)> {
        let mut first: Option<Rc<PyModule>> = None;
        let mut parent: Option<Rc<PyModule>> = None;
        let mut end = 0;
        for part in dotted.split('.') {
            end += part.len() + usize::from(end > 0);
            let name = &dotted[..end];
            let Some(module) = self.import_module(name)? else {
                return Err(self.no_module(name));
            };
            // A part that has no module of its own here is no attribute: a function may have its name.
            if let Some(p) = parent.as_ref().filter(|p| !Rc::ptr_eq(p, &module)) {
                p.attrs.borrow_mut().entry(Sym::new(part)).or_insert_with(|| Value::Module(module.clone()));
            }
            first.get_or_insert_with(|| module.clone());
            parent = Some(module);
        }
        match (first, parent) {
            (Some(f), Some(p)) => Ok((f, p)),
            _ => Err(self.raise(Exc::ImportError, "an import without a module name")),
        }
    }

    /// A module that is not known raises what Python raises where a package is not installed, so that the usual
    /// `try: import … except ImportError:` works.
    #[cold]
    fn no_module(&mut self, name: &str) -> super::Raise {
        if let Some((above, last)) = name.rsplit_once('.')
            && crate::torch::names::exists(above, last)
        {
            return self.unsupported(format!("the module {name}"));
        }
        let mut raise = self.raise(Exc::ModuleNotFoundError, format!("No module named '{name}'"));
        if let super::Raise::Exception(t) = &mut raise {
            t.exception.set(Sym::new("name"), Value::from(name));
            t.code = crate::code::UNKNOWN_MODULE;
            let known = crate::torch::names::modules();
            t.help = Some(match crate::suggest::nearest(name, known) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "Archsmith knows torch, its parts and a small part of the standard library".into(),
            });
        }
        raise
    }

    /// The module that `importlib.import_module` gives.
    pub(crate) fn module_of(&mut self, dotted: &str) -> Eval<Rc<PyModule>> {
        Ok(self.import_chain(dotted)?.1)
    }

    pub(crate) fn import_statement(&mut self, list: &[Import], f: &mut Frame) -> Eval<()> {
        for item in list {
            let (first, last) = self.import_chain(&item.module)?;
            self.store(item.var, Value::Module(if item.renamed { last } else { first }), f);
        }
        Ok(())
    }

    pub(crate) fn import_from_statement(&mut self, m: &ImportFrom, f: &mut Frame) -> Eval<()> {
        if m.level > 0 {
            let dots = ".".repeat(m.level);
            let text = "attempted relative import with no known parent package";
            let raise = self.raise(Exc::ImportError, text);
            return Err(raise.into_help(format!("'from {dots}{} import …' needs a package around the file", m.module)));
        }
        let (_, module) = self.import_chain(&m.module)?;
        if m.star {
            for name in self.public_names(&module)? {
                if let Some(v) = self.module_attr(&module, name)? {
                    let old = f.module.attrs.borrow_mut().insert(name, v);
                    drop(old);
                }
            }
        }
        for (name, var) in &m.names {
            let attribute = match self.module_attr(&module, *name) {
                Err(Raise::Abort(why)) if deferrable(why.code) && matches!(f.place(*var).1, Place::Global) => {
                    f.module.absent.borrow_mut().insert(f.place(*var).0, *why);
                    continue;
                }
                other => other?,
            };
            let found = match attribute {
                Some(v) => Some(v),
                None => {
                    let dotted = format!("{}.{name}", m.module);
                    self.import_module(&dotted)?.map(Value::Module)
                }
            };
            match found {
                Some(v) => self.store(*var, v, f),
                None => {
                    let text = format!("cannot import name '{name}' from '{}'", m.module);
                    let raise = self.raise(Exc::ImportError, text);
                    return Err(self.hint_attribute(raise, &Value::Module(module), *name));
                }
            }
        }
        Ok(())
    }

    fn public_names(&mut self, module: &Rc<PyModule>) -> Eval<Vec<Sym>> {
        if let Some(all) = module.get(known::ALL) {
            let names = self.iterate(&all)?;
            return Ok(names.iter().filter_map(|n| n.as_str().map(Sym::new)).collect());
        }
        Ok(module.names().into_iter().filter(|n| !n.name().starts_with('_')).collect())
    }
}

/// Whether an import that fails so may wait until the name is used.
fn deferrable(code: &str) -> bool {
    matches!(code, OpError::UNSUPPORTED | crate::code::UNSUPPORTED_IMPORT)
}
