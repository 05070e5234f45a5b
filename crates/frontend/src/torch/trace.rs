//! The bodies under construction and the one way to add to them.
//!
//! A network has an `init` body, filled while `__init__` runs, and two forward bodies; a fourth takes what `learn` does beside
//! the forward pass and is thrown away. A tensor of the `init` body that a forward pass reads becomes a state tensor; a tensor
//! that a forward pass makes for later ones (a layer made in the first call, a cache) is moved to the `init` body if it depends
//! on no input.

use super::tensor::{Storage, Tensor, TensorObj, View};
use crate::eval::value::Value;
use crate::eval::{Eval, Interp};
use archsmith_ir::graph::Node;
use archsmith_ir::infer::BodyBuilder;
use archsmith_ir::{Arg, Attr, OpId, Scope, ScopeId, Span, StateId, TensorType, ValueDef, ValueId};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::Cell;
use std::rc::{Rc, Weak};

/// Which body a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// Initial values.
    Init,
    /// The evaluation trace.
    Eval,
    /// The training trace.
    Train,
    /// What `learn` does with the outputs.
    Recipe,
}

/// A tensor or another argument of an operator, bound to its canonical signature.
#[derive(Clone)]
pub(crate) enum TensorArg {
    /// A tensor.
    Tensor(Tensor),
    /// A list of tensors.
    Tensors(Vec<Tensor>),
    /// Anything else.
    Attr(Attr),
}

/// A state tensor that a forward pass has read.
pub(crate) struct StateEntry {
    /// Where its elements are.
    pub(crate) storage: Rc<Storage>,
}

/// What the torch side of the interpreter knows.
pub(crate) struct State {
    bodies: [BodyBuilder; 4],
    /// The body that operators are added to.
    pub(crate) current: BodyKind,
    /// Whether gradients are recorded (`torch.no_grad`).
    pub(crate) grad: bool,
    /// The parameters that were made; some are gone.
    pub(crate) parameters: Vec<Weak<TensorObj>>,
    /// State tensors in order of their identifiers.
    pub(crate) states: Vec<StateEntry>,
    /// Module instances that were called.
    pub(crate) scopes: Vec<Scope>,
    /// The instances being called, innermost last.
    pub(crate) scope_stack: Vec<ScopeId>,
    /// Scopes by the address of their instance.
    pub(crate) scope_of: FxHashMap<usize, ScopeId>,
    /// Dotted paths of the network's modules, by address.
    pub(crate) paths: FxHashMap<usize, String>,
    /// What library code reported to the recipe: kind and object.
    pub(crate) records: Vec<(Rc<str>, Value)>,
    /// Custom autograd functions that were applied, by place and name.
    pub(crate) custom_gradients: Vec<(Span, String)>,
    /// Remarks for the author: what `reveal_type` saw.
    pub(crate) notes: Vec<crate::diagnostic::Diagnostic>,
    /// The network, by its address, and what its training forward gave: `learn` need not run it again.
    pub(crate) train_output: Option<(usize, Value)>,
    /// Where the last `forward` of the source stands that returned nothing, and its qualified name.
    pub(crate) returned_nothing: Option<(Span, Rc<str>)>,
    /// What a forward pass has written into a parameter or buffer, by trace and address of the storage.
    pub(super) written: FxHashMap<(u8, usize), ValueId>,
    /// Where results of hoisting went: value of a forward body to value of the init body.
    hoisted: FxHashMap<(u8, ValueId), ValueId>,
    /// Library modules by dotted name.
    pub(crate) modules: FxHashMap<String, Rc<crate::eval::module::PyModule>>,
    /// Classes of named tuples that operators gave, by operator.
    pub(crate) tuples: FxHashMap<&'static str, Rc<crate::eval::class::Class>>,
    /// Whether a buffer is complex: such a network is read to its end and then refused.
    pub(crate) complex_state: bool,
    /// Nodes a body may have.
    pub(crate) max_nodes: usize,
}

impl Default for State {
    fn default() -> Self {
        State {
            bodies: Default::default(),
            current: BodyKind::Init,
            grad: true,
            parameters: Vec::new(),
            states: Vec::new(),
            scopes: Vec::new(),
            scope_stack: Vec::new(),
            scope_of: FxHashMap::default(),
            paths: FxHashMap::default(),
            records: Vec::new(),
            custom_gradients: Vec::new(),
            notes: Vec::new(),
            train_output: None,
            returned_nothing: None,
            written: FxHashMap::default(),
            hoisted: FxHashMap::default(),
            modules: FxHashMap::default(),
            tuples: FxHashMap::default(),
            complex_state: false,
            max_nodes: 20_000,
        }
    }
}

impl State {
    /// A body under construction.
    pub(crate) fn body(&self, kind: BodyKind) -> &BodyBuilder {
        &self.bodies[kind as usize]
    }

    /// A body under construction, to change.
    pub(crate) fn body_mut(&mut self, kind: BodyKind) -> &mut BodyBuilder {
        &mut self.bodies[kind as usize]
    }

    /// Takes a body out.
    pub(crate) fn take(&mut self, kind: BodyKind) -> BodyBuilder {
        std::mem::take(&mut self.bodies[kind as usize])
    }

    /// Elements of the parameters that there are.
    pub(crate) fn parameter_elements(&self) -> u64 {
        let elements = |t: &Tensor| t.storage().ty.borrow().numel() as u64;
        self.parameters.iter().filter_map(Weak::upgrade).map(|t| elements(&t)).fold(0, u64::saturating_add)
    }

    /// Whether a storage is that of a parameter.
    pub(crate) fn is_parameter(&self, storage: &Rc<Storage>) -> bool {
        self.parameters.iter().filter_map(Weak::upgrade).any(|t| Rc::ptr_eq(&t.storage(), storage))
    }

    /// Whether a trace has written into a parameter or buffer.
    pub(crate) fn is_written(&self, kind: BodyKind, storage: &Rc<Storage>) -> bool {
        self.written.contains_key(&(kind as u8, Rc::as_ptr(storage).addr()))
    }

    fn scope(&self) -> ScopeId {
        self.scope_stack.last().copied().unwrap_or(ScopeId(0))
    }

    /// The state tensor of a storage of the init body; made on first use.
    pub(crate) fn state_of(&mut self, storage: &Rc<Storage>) -> StateId {
        if let Some(id) = storage.state.get() {
            return id;
        }
        let id = StateId(self.states.len() as u32);
        self.states.push(StateEntry { storage: storage.clone() });
        storage.state.set(Some(id));
        id
    }

    /// Adds an input of a forward body.
    pub(crate) fn input(&mut self, ty: TensorType, span: Span) -> Tensor {
        let kind = self.current;
        let value = self.bodies[kind as usize].input(ty.clone());
        Rc::new(TensorObj::fresh(kind, value, ty, span))
    }
}

/// Operators whose result shows their one tensor's elements.
fn is_view(name: &str) -> bool {
    matches!(
        name,
        "view"
            | "reshape"
            | "flatten"
            | "unflatten"
            | "unsqueeze"
            | "squeeze"
            | "transpose"
            | "permute"
            | "expand"
            | "expand_as"
            | "select"
            | "slice"
            | "index"
            | "narrow"
            | "chunk"
            | "split"
            | "unbind"
            | "detach"
            | "t"
            | "swapaxes"
            | "movedim"
            | "diagonal"
            | "unfold_dim"
            | "view_as"
    )
}

impl Interp {
    /// The value of a tensor in the current body.
    pub(crate) fn value_of(&mut self, t: &Tensor) -> Eval<ValueId> {
        let storage = t.storage();
        if let Some(view) = &t.view
            && (view.version.get() != view.base.version() || self.shows_state(&storage, view))
        {
            self.retake(t, view)?;
        }
        if storage.stale.get() {
            return Err(self.abort(
                crate::code::UNSUPPORTED_IN_PLACE,
                "a part of this tensor was written in place through a view that Archsmith cannot follow",
            ));
        }
        let current = self.torch.current;
        let made_in = storage.body.get();
        if made_in == current {
            let value = storage.value.get();
            if t.detached && current == BodyKind::Train {
                return Ok(self.push_raw("detach", vec![Arg::Tensor(value)])?[0]);
            }
            return Ok(value);
        }
        if made_in != BodyKind::Init {
            // Kept from another trace.
            let span = storage.span;
            let value = self.hoist(made_in, storage.value.get(), span)?;
            storage.body.set(BodyKind::Init);
            storage.value.set(value);
            if current == BodyKind::Init {
                return Ok(value);
            }
        }
        if current == BodyKind::Init {
            return Ok(storage.value.get());
        }
        if !self.torch.written.is_empty()
            && let Some(v) = self.torch.written.get(&(current as u8, Rc::as_ptr(&storage).addr()))
        {
            return Ok(*v);
        }
        let id = self.torch.state_of(&storage);
        let ty = storage.ty.borrow().clone();
        let value = self.torch.body_mut(current).state(id, ty);
        if t.detached && current == BodyKind::Train {
            let out = self.push_raw("detach", vec![Arg::Tensor(value)])?;
            return Ok(out[0]);
        }
        Ok(value)
    }

    /// Whether a view made in another body must be taken anew in this one, because it shows a parameter or buffer, or a
    /// value of another trace. A view that is itself a buffer, or of a plain tensor of `__init__`, is a state tensor.
    fn shows_state(&self, storage: &Storage, view: &View) -> bool {
        if storage.body.get() == self.torch.current || storage.registered.get() {
            return false;
        }
        let mut root = &view.base;
        while let Some(v) = &root.view {
            root = &v.base;
        }
        storage.body.get() != BodyKind::Init || root.parameter || root.storage().registered.get()
    }

    /// Takes a view anew from its base, in the current body.
    fn retake(&mut self, t: &Tensor, view: &View) -> Eval<()> {
        let base = self.value_of(&view.base)?;
        let args =
            view.args.iter().map(|a| if matches!(a, Arg::Tensor(_)) { Arg::Tensor(base) } else { a.clone() }).collect();
        let outputs = self.push_op(view.op, args)?;
        let storage = t.storage();
        // The own version stays: other views of this one compare the sum of versions.
        storage.value.set(outputs[view.output.min(outputs.len() - 1)]);
        storage.body.set(self.torch.current);
        view.version.set(view.base.version());
        Ok(())
    }

    /// Moves the computation of a forward value into the init body.
    pub(super) fn hoist(&mut self, from: BodyKind, value: ValueId, span: Span) -> Eval<ValueId> {
        if let Some(known) = self.torch.hoisted.get(&(from as u8, value)) {
            return Ok(*known);
        }
        // The nodes that the value depends on, in order.
        let body = self.torch.body(from).body();
        let (mut needed, mut pending, mut seen) = (Vec::new(), vec![value], FxHashSet::default());
        let mut impossible = false;
        while let Some(v) = pending.pop() {
            if !seen.insert(v) {
                continue;
            }
            match body.values.get(v.index()) {
                Some(ValueDef::Node { node, .. }) => {
                    if !needed.contains(node) {
                        needed.push(*node);
                        pending.extend(body.nodes[node.index()].inputs());
                    }
                }
                Some(ValueDef::State(_)) => {}
                _ => impossible = true,
            }
        }
        if impossible {
            return Err(self.abort(
                crate::code::UNSUPPORTED_STATE,
                "a tensor that depends on an input is kept from one forward pass to the next",
            ));
        }
        needed.sort_unstable();
        let nodes: Vec<Node> = needed.iter().map(|n| body.nodes[n.index()].clone()).collect();
        let leaves: Vec<(ValueId, StateId)> = seen
            .iter()
            .filter_map(|v| match body.values[v.index()] {
                ValueDef::State(id) => Some((*v, id)),
                _ => None,
            })
            .collect();
        for (v, id) in leaves {
            let init = self.torch.states[id.index()].storage.value.get();
            self.torch.hoisted.insert((from as u8, v), init);
        }
        for node in nodes {
            let moved = |v: &ValueId, s: &super::State| s.hoisted.get(&(from as u8, *v)).copied().unwrap_or(*v);
            let args = node
                .args
                .iter()
                .map(|a| match a {
                    Arg::Tensor(v) => Arg::Tensor(moved(v, &self.torch)),
                    Arg::Tensors(vs) => Arg::Tensors(vs.iter().map(|v| moved(v, &self.torch)).collect()),
                    Arg::Attr(a) => Arg::Attr(a.clone()),
                })
                .collect();
            let outputs = self
                .torch
                .body_mut(BodyKind::Init)
                .push(node.op, args, span, ScopeId(0))
                .map_err(|e| self.raise_op(e))?;
            for (old, new) in node.output_ids().zip(outputs) {
                self.torch.hoisted.insert((from as u8, old), new);
            }
        }
        self.torch.hoisted.get(&(from as u8, value)).copied().ok_or_else(|| {
            self.abort(
                crate::code::UNSUPPORTED_STATE,
                "a tensor kept from one forward pass to the next cannot be followed",
            )
        })
    }

    /// Moves a tensor's elements to the init body: it becomes a parameter or a buffer.
    pub(crate) fn settle(&mut self, storage: &Rc<Storage>) -> Eval<()> {
        let made_in = storage.body.get();
        if made_in != BodyKind::Init {
            let value = self.hoist(made_in, storage.value.get(), storage.span)?;
            storage.body.set(BodyKind::Init);
            storage.value.set(value);
        }
        Ok(())
    }

    /// Adds a node of an operator known by name to the current body.
    fn push_raw(&mut self, name: &str, args: Vec<Arg>) -> Eval<Vec<ValueId>> {
        match OpId::by_name(name) {
            Some(op) => self.push_op(op, args),
            None => Err(self.unsupported(format!("the operator '{name}'"))),
        }
    }

    fn push_op(&mut self, op: OpId, args: Vec<Arg>) -> Eval<Vec<ValueId>> {
        let kind = self.torch.current;
        if self.torch.body(kind).len() >= self.torch.max_nodes {
            let text = format!("a body of more than {} operator calls", self.torch.max_nodes);
            return Err(self.abort(crate::code::OUT_OF_FUEL, text));
        }
        let (span, scope) = (self.span, self.torch.scope());
        let scope = if kind == BodyKind::Init { ScopeId(0) } else { scope };
        self.torch.body_mut(kind).push(op, args, span, scope).map_err(|e| self.raise_op(e))
    }

    /// Adds a call of an operator to the current body. `args` follow its canonical signature.
    pub(crate) fn push(&mut self, op: OpId, args: &[TensorArg]) -> Eval<Vec<Tensor>> {
        let mut bound = Vec::with_capacity(args.len());
        let mut requires_grad = false;
        let mut only: Option<&Tensor> = None;
        let mut tensors = 0;
        for a in args {
            bound.push(match a {
                TensorArg::Tensor(t) => {
                    requires_grad |= t.requires_grad.get();
                    only = Some(t);
                    tensors += 1;
                    Arg::Tensor(self.value_of(t)?)
                }
                TensorArg::Tensors(ts) => {
                    let mut ids = Vec::with_capacity(ts.len());
                    for t in ts {
                        requires_grad |= t.requires_grad.get();
                        ids.push(self.value_of(t)?);
                    }
                    tensors += 2;
                    Arg::Tensors(ids)
                }
                TensorArg::Attr(a) => Arg::Attr(a.clone()),
            });
        }
        let name = op.get().name;
        let view_args = (tensors == 1 && is_view(name)).then(|| bound.clone());
        let mut ids = self.push_op(op, bound).map_err(|raise| super::explain::operands(self, raise, args))?;
        let kind = self.torch.current;
        if !self.torch.grad && requires_grad && kind == BodyKind::Train && name != "detach" {
            for id in &mut ids {
                if self.torch.body(kind).ty(*id).dtype.is_float() {
                    *id = self.push_raw("detach", vec![Arg::Tensor(*id)])?[0];
                }
            }
        }
        let requires_grad = requires_grad && self.torch.grad && name != "detach";
        let span = self.span;
        let mut out = Vec::with_capacity(ids.len());
        let layouts = {
            let body = self.torch.body(kind);
            let shapes: Vec<&[usize]> = ids.iter().map(|id| body.ty(*id).shape.as_slice()).collect();
            super::layout::results(op, args, &shapes)
        };
        for (k, (id, layout)) in ids.into_iter().zip(layouts).enumerate() {
            let ty = self.torch.body(kind).ty(id).clone();
            let float = ty.dtype.is_float();
            let mut t = TensorObj::fresh(kind, id, ty, span);
            t.requires_grad.set(requires_grad && float);
            *t.layout.borrow_mut() = layout;
            if let (Some(args), Some(base)) = (&view_args, only) {
                let version = Cell::new(base.version());
                t.view = Some(View { base: base.clone(), op, args: args.clone(), output: k, version });
            }
            out.push(Rc::new(t));
        }
        Ok(out)
    }

    /// An operator by its name in the IR, with one output, its arguments by name, defaults for the others.
    pub(crate) fn op(&mut self, name: &str, args: &[(&str, TensorArg)]) -> Eval<Tensor> {
        Ok(self.op_all(name, args)?.swap_remove(0))
    }

    /// As [`Interp::op`], with all outputs.
    pub(crate) fn op_all(&mut self, name: &str, args: &[(&str, TensorArg)]) -> Eval<Vec<Tensor>> {
        let Some(op) = OpId::by_name(name) else {
            return Err(self.unsupported(format!("the operator '{name}'")));
        };
        debug_assert!(args.iter().all(|(n, _)| op.signature().index(n).is_some()), "{name} has other parameters");
        let mut bound = Vec::new();
        for p in &op.signature().params {
            let given = args.iter().find(|(n, _)| *n == p.name).map(|(_, v)| v.clone());
            bound.push(match (given, &p.default) {
                (Some(v), _) => v,
                (None, Some(d)) => TensorArg::Attr(d.clone()),
                (None, None) => TensorArg::Attr(Attr::None),
            });
        }
        self.push(op, &bound)
    }

    /// A warning about the current place; each code once.
    pub(crate) fn note_once(&mut self, code: &'static str, text: &str) {
        if self.torch.current != BodyKind::Recipe && !self.torch.notes.iter().any(|n| n.code == code) {
            let note = crate::diagnostic::Diagnostic::warning(code, text, self.span);
            self.torch.notes.push(note);
        }
    }
}
