//! Names and where they live: scopes are collected while a text is lowered and resolved when all of it is known.

use super::ast::{Code, CodeKind, Layout, Place, Var};
use super::sym::{Sym, known};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A scope under construction.
pub(super) struct Scope {
    pub(super) kind: CodeKind,
    parent: Option<usize>,
    vars: Vec<VarData>,
    index: FxHashMap<Sym, Var>,
    /// Comprehension variables in force, innermost last.
    renames: Vec<(Sym, Var)>,
    /// Comprehension variables of the parent that were in force where this scope stands.
    outer_renames: Vec<(Sym, Var)>,
    params: usize,
    /// Names captured from outside, in order.
    captures: Vec<Sym>,
    uses_class_cell: bool,
    pub(super) yields: bool,
    pub(super) loops: u32,
    code: Option<Rc<Code>>,
}

struct VarData {
    name: Sym,
    bound: bool,
    global: bool,
    nonlocal: bool,
    /// A comprehension's own variable.
    inner: bool,
    captured: bool,
    free: bool,
}

#[derive(Default)]
pub(super) struct Scopes {
    all: Vec<Scope>,
    current: usize,
}

/// More names than an index can tell apart, or a `nonlocal` without a variable.
pub(super) struct ScopeError(pub(super) String, pub(super) Option<Sym>);

impl Scopes {
    pub(super) fn open(&mut self, kind: CodeKind) {
        let parent = (!self.all.is_empty()).then_some(self.current);
        let outer_renames = parent.map(|p| self.all[p].renames.clone()).unwrap_or_default();
        self.all.push(Scope {
            kind,
            parent,
            vars: Vec::new(),
            index: FxHashMap::default(),
            renames: Vec::new(),
            outer_renames,
            params: 0,
            captures: Vec::new(),
            uses_class_cell: false,
            yields: false,
            loops: 0,
            code: None,
        });
        self.current = self.all.len() - 1;
    }

    /// Ends the current scope; `seal` must follow with the same index.
    pub(super) fn close(&mut self) -> usize {
        let closed = self.current;
        self.current = self.all[closed].parent.unwrap_or(0);
        closed
    }

    pub(super) fn seal(&mut self, index: usize, code: Rc<Code>) {
        self.all[index].code = Some(code);
    }

    pub(super) fn current(&mut self) -> &mut Scope {
        &mut self.all[self.current]
    }

    fn var_of(&mut self, scope: usize, name: Sym) -> Var {
        let s = &mut self.all[scope];
        if let Some(&v) = s.index.get(&name) {
            return v;
        }
        let v = s.vars.len().min(usize::from(Var::MAX)) as Var;
        if s.vars.len() < usize::from(Var::MAX) {
            s.vars.push(VarData::new(name));
        }
        s.index.insert(name, v);
        v
    }

    /// A use of a name.
    pub(super) fn read(&mut self, name: Sym) -> Var {
        let scope = self.current;
        if let Some(&(_, v)) = self.all[scope].renames.iter().rev().find(|(n, _)| *n == name) {
            return v;
        }
        if (name == known::SUPER || name == known::CLASS) && self.all[scope].kind != CodeKind::Module {
            self.var_of(scope, known::CLASS);
        }
        self.var_of(scope, name)
    }

    /// A binding of a name in the current scope; comprehension variables are not considered.
    pub(super) fn bind(&mut self, name: Sym) -> Var {
        let v = self.var_of(self.current, name);
        let d = &mut self.all[self.current].vars[usize::from(v)];
        d.bound = true;
        v
    }

    pub(super) fn bind_param(&mut self, name: Sym) -> bool {
        let known = self.current().index.contains_key(&name);
        self.bind(name);
        self.current().params += 1;
        !known
    }

    /// A comprehension's own variable, in force until [`Scopes::forget`].
    pub(super) fn bind_inner(&mut self, name: Sym, from: usize) -> Var {
        let s = self.current();
        if let Some(&(_, v)) = s.renames[from..].iter().find(|(n, _)| *n == name) {
            return v;
        }
        let v = s.vars.len().min(usize::from(Var::MAX) - 1) as Var;
        s.vars.push(VarData { bound: true, inner: true, ..VarData::new(name) });
        s.renames.push((name, v));
        v
    }

    pub(super) fn renames(&mut self) -> usize {
        self.current().renames.len()
    }

    /// Ends comprehension variables; gives them back.
    pub(super) fn forget(&mut self, from: usize) -> Vec<Var> {
        self.current().renames.drain(from..).map(|(_, v)| v).collect()
    }

    /// Whether a name is a parameter of the current scope.
    pub(super) fn is_param(&mut self, name: Sym) -> bool {
        let s = self.current();
        s.index.get(&name).is_some_and(|v| usize::from(*v) < s.params)
    }

    /// What the current scope has done with a name so far: `assigned to` or `used`.
    pub(super) fn earlier(&mut self, name: Sym) -> Option<&'static str> {
        let s = self.current();
        let d = &s.vars[usize::from(*s.index.get(&name)?)];
        (!d.global && !d.nonlocal).then_some(if d.bound { "assigned to" } else { "used prior to" })
    }

    pub(super) fn global(&mut self, name: Sym) {
        let v = self.var_of(self.current, name);
        self.current().vars[usize::from(v)].global = true;
    }

    pub(super) fn nonlocal(&mut self, name: Sym) {
        let v = self.var_of(self.current, name);
        self.current().vars[usize::from(v)].nonlocal = true;
    }

    /// Decides where every variable lives and tells the codes.
    pub(super) fn resolve(mut self) -> Result<(), ScopeError> {
        for s in 0..self.all.len() {
            if self.all[s].vars.len() >= usize::from(Var::MAX) {
                return Err(ScopeError("a function has more names than can be told apart".into(), None));
            }
            for v in 0..self.all[s].vars.len() {
                self.find_binding(s, v)?;
            }
        }
        for s in 0..self.all.len() {
            let layout = self.layout(s);
            if let Some(code) = &self.all[s].code {
                let _ = code.layout.set(layout);
            }
        }
        Ok(())
    }

    fn find_binding(&mut self, s: usize, v: usize) -> Result<(), ScopeError> {
        let d = &self.all[s].vars[v];
        if self.all[s].kind == CodeKind::Module || d.global || d.inner || d.free || (d.bound && !d.nonlocal) {
            return Ok(());
        }
        let (name, nonlocal) = (d.name, d.nonlocal);
        let mut child = s;
        let mut chain = vec![s];
        let found = loop {
            let Some(p) = self.all[child].parent else { break false };
            if let Some(&(_, var)) = self.all[child].outer_renames.iter().rev().find(|(n, _)| *n == name) {
                self.all[p].vars[usize::from(var)].captured = true;
                break true;
            }
            match self.all[p].kind {
                CodeKind::Module => break false,
                CodeKind::Class if name == known::CLASS => {
                    self.all[p].uses_class_cell = true;
                    break true;
                }
                CodeKind::Class => {}
                _ => {
                    if let Some(&var) = self.all[p].index.get(&name) {
                        let d = &mut self.all[p].vars[usize::from(var)];
                        if d.global {
                            break false;
                        }
                        if d.free {
                            break true;
                        }
                        if d.bound && !d.nonlocal {
                            d.captured = true;
                            break true;
                        }
                    }
                }
            }
            chain.push(p);
            child = p;
        };
        if !found {
            if nonlocal {
                return Err(ScopeError(format!("no binding for nonlocal '{name}' found"), Some(name)));
            }
            return Ok(());
        }
        self.all[s].vars[v].free = true;
        for scope in chain {
            if !self.all[scope].captures.contains(&name) {
                self.all[scope].captures.push(name);
                // A function in between hands the cell on, even where it does not use the name itself.
                if scope != s && self.all[scope].kind != CodeKind::Class {
                    let var = self.var_of(scope, name);
                    self.all[scope].vars[usize::from(var)].free = true;
                }
            }
        }
        Ok(())
    }

    fn layout(&self, s: usize) -> Layout {
        let scope = &self.all[s];
        let function = !matches!(scope.kind, CodeKind::Module | CodeKind::Class);
        let mut layout = Layout { slots: scope.params as u16, ..Layout::default() };
        layout.vars = scope
            .vars
            .iter()
            .enumerate()
            .map(|(v, d)| {
                let local = d.inner || (function && d.bound && !d.global && !d.nonlocal);
                let place = if local && d.captured {
                    if v < scope.params {
                        layout.cell_params.push((v as u16, layout.cells));
                    }
                    layout.cells += 1;
                    Place::Cell(layout.cells - 1)
                } else if local && v < scope.params {
                    Place::Slot(v as u16)
                } else if local {
                    layout.slots += 1;
                    Place::Slot(layout.slots - 1)
                } else if scope.kind == CodeKind::Class && !d.global {
                    Place::Class
                } else {
                    Place::Global
                };
                (d.name, place)
            })
            .collect();
        if scope.kind == CodeKind::Class && scope.uses_class_cell {
            layout.class_cell = Some(layout.cells);
            layout.cells += 1;
        }
        let captured = |name: Sym| scope.captures.iter().position(|n| *n == name).map(|at| layout.cells + at as u16);
        let free: Vec<Option<u16>> = scope.vars.iter().map(|d| if d.free { captured(d.name) } else { None }).collect();
        if function {
            layout.class_cell = captured(known::CLASS);
        }
        for ((_, place), cell) in layout.vars.iter_mut().zip(free) {
            if let Some(cell) = cell {
                *place = if *place == Place::Class { Place::ClassCell(cell) } else { Place::Cell(cell) };
            }
        }
        layout.captures = scope.captures.iter().map(|name| self.cell_in_parent(s, *name)).collect();
        layout
    }

    /// The cell of the parent's frame that holds a captured name.
    fn cell_in_parent(&self, s: usize, name: Sym) -> u16 {
        let Some(p) = self.all[s].parent else { return 0 };
        let parent = &self.all[p];
        let inner = self.all[s].outer_renames.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| *v);
        // Cells are counted as `layout` counts them.
        let function = !matches!(parent.kind, CodeKind::Module | CodeKind::Class);
        let mut cells = 0;
        for (v, d) in parent.vars.iter().enumerate() {
            let local = d.inner || (function && d.bound && !d.global && !d.nonlocal);
            if local && d.captured {
                let this = match inner {
                    Some(var) => usize::from(var) == v,
                    None => d.name == name && !d.inner,
                };
                if this {
                    return cells;
                }
                cells += 1;
            }
        }
        if parent.kind == CodeKind::Class && parent.uses_class_cell {
            if name == known::CLASS {
                return cells;
            }
            cells += 1;
        }
        cells + parent.captures.iter().position(|n| *n == name).unwrap_or(0) as u16
    }
}

impl VarData {
    fn new(name: Sym) -> Self {
        VarData { name, bound: false, global: false, nonlocal: false, inner: false, captured: false, free: false }
    }
}
