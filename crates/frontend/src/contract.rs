//! From a source text to a graph: finding `Net`, constructing it, tracing it, laying out its state.
//!
//! The contract: `supported_hyperparameters()` and `class Net(nn.Module)` with
//! `__init__(self, in_shape, out_shape, prm, device)`, `forward` from `[N, C, H, W]` to logits `[N, classes]`, `train_setup` and
//! `learn`. The evaluation trace comes first, then the training trace; both share the state.
//!
//! Invariants: no text makes this panic; every call ends within the limits; a network is never refused for its recipe.

use crate::code;
use crate::diagnostic::{Diagnostic, Phase, Rejection, Stage};
use crate::eval::args::Args;
use crate::eval::class::{Class, NativeKind};
use crate::eval::dict::{Dict, Key};
use crate::eval::module::PyModule;
use crate::eval::value::Value;
use crate::eval::{Eval, Interp, Limits, Raise};
use crate::prune::{drop_dead, prune};
use crate::recipe;
use crate::syntax::Sym;
use crate::torch::module::{self, Entry};
use crate::torch::trace::BodyKind;
use archsmith_ir::{Graph, OpError, Span, StateKind, StateTensor, TensorType, TypedGraph, ValueId};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A hyperparameter's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Prm {
    /// A number with a fraction.
    Float(f64),
    /// A whole number.
    Int(i64),
    /// A name, such as the transform's.
    Str(String),
}

/// What a network is constructed with and bounded by.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// `in_shape`: batch, channels, height, width.
    pub in_shape: [usize; 4],
    /// Batch size of the traces, where it is another than that of `in_shape`.
    pub batch: Option<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Hyperparameters. A name that the network asks for and that is not here gets 0.5.
    pub prm: BTreeMap<String, Prm>,
    /// Trace `forward` in evaluation mode alone; the graph's training pass is then its evaluation pass. For looking at and
    /// exporting a network with a batch of one image, which batch normalisation refuses in training.
    pub eval_only: bool,
    /// Bounds of the elaboration.
    pub limits: Limits,
}

impl Options {
    /// The shape of the images that the traces get.
    pub fn input_shape(&self) -> [usize; 4] {
        let [n, c, h, w] = self.in_shape;
        [self.batch.unwrap_or(n), c, h, w]
    }
}

impl Default for Options {
    fn default() -> Self {
        let prm = [
            ("lr", Prm::Float(0.01)),
            ("momentum", Prm::Float(0.9)),
            ("dropout", Prm::Float(0.2)),
            ("batch", Prm::Int(64)),
            ("epoch", Prm::Int(1)),
            ("transform", Prm::Str("norm_32".into())),
        ];
        Options {
            in_shape: [64, 3, 32, 32],
            batch: None,
            classes: 10,
            prm: prm.into_iter().map(|(k, v)| (k.to_string(), v)).collect(),
            eval_only: false,
            limits: Limits::default(),
        }
    }
}

/// An elaborated network.
#[derive(Clone, Debug)]
pub struct Elaborated {
    /// The graph.
    pub graph: Graph,
    /// What is worth knowing: assumptions that were made.
    pub notes: Vec<Diagnostic>,
    /// What `supported_hyperparameters()` names, sorted.
    pub hyperparameters: Vec<String>,
}

/// Elaborates a source text. Runs on a thread of its own with a large stack.
///
/// # Errors
/// Why the text is no network of the contract, or is not supported.
pub fn elaborate(source: &str, options: &Options) -> Result<Elaborated, Rejection> {
    crate::worker::run(source, options)
}

/// Parses a source text alone.
///
/// # Errors
/// Stage [`Stage::Unparsed`] at the first place that is no Python.
pub fn parse(source: &str) -> Result<(), Rejection> {
    let tree = crate::cst::parse(source).ok_or_else(|| {
        Rejection::new(
            Stage::Unparsed,
            Diagnostic::error(code::SYNTAX_ERROR, "the text cannot be parsed", Default::default()),
        )
    })?;
    match crate::cst::first_error(&tree, source) {
        Some(diagnostic) => Err(Rejection::new(Stage::Unparsed, diagnostic)),
        None => Ok(()),
    }
}

/// The concrete syntax tree of a source text, a node a line: kind, place (line:column, from 1) and, for leaves, the text.
/// `None` where the parser gives no tree.
pub fn syntax_tree(source: &str) -> Option<String> {
    let tree = crate::cst::parse(source)?;
    let mut out = String::new();
    let mut cursor = tree.walk();
    let mut depth = 0usize;
    loop {
        let node = cursor.node();
        if node.is_named() {
            let at = node.start_position();
            let field = cursor.field_name().map_or_else(String::new, |f| format!("{f}: "));
            let text = match source.get(node.byte_range()) {
                Some(text) if node.named_child_count() == 0 => format!("  {text:?}"),
                _ => String::new(),
            };
            let line = format!("{}{field}{} {}:{}{text}\n", "  ".repeat(depth), node.kind(), at.row + 1, at.column + 1);
            out.push_str(&line);
        }
        if cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some(out);
            }
            depth -= 1;
        }
    }
}

/// Elaborates a source text and proves the graph's types.
///
/// # Errors
/// As [`elaborate`].
pub fn check(source: &str, options: &Options) -> Result<(TypedGraph, Vec<Diagnostic>), Rejection> {
    let Elaborated { graph, notes, .. } = elaborate(source, options)?;
    let typed = archsmith_ir::infer(graph).map_err(|e| {
        let stage = if e.error.code == OpError::UNSUPPORTED { Stage::Unsupported } else { Stage::IllTyped };
        Rejection::new(stage, Diagnostic::from_op(e.error, e.span)).during(Phase::Forward)
    })?;
    Ok((typed, notes))
}

/// The stage that a raise belongs to.
fn stage_of(code: &str, raise: &Raise) -> Stage {
    match raise {
        Raise::Exception(_) => Stage::IllTyped,
        Raise::Abort(_) => match code {
            code::OUT_OF_FUEL | OpError::TOO_LARGE => Stage::OverBudget,
            _ => Stage::Unsupported,
        },
    }
}

fn reject(i: &mut Interp, raise: Raise) -> Rejection {
    let notes = std::mem::take(&mut i.torch.notes);
    let abort = matches!(raise, Raise::Abort(_));
    let stage_raise = raise.clone();
    let exception = match &raise {
        Raise::Exception(thrown) => Some(thrown.exception.class().name.to_string()),
        Raise::Abort(_) => None,
    };
    let d = i.diagnose(raise);
    let stage = if !abort && matches!(d.code, code::RECURSION | OpError::TOO_LARGE) {
        Stage::OverBudget
    } else if !abort && matches!(d.code, code::IMPORT_ERROR | code::UNKNOWN_MODULE | code::OS_ERROR) {
        Stage::Unsupported
    } else {
        stage_of(d.code, &stage_raise)
    };
    let mut rejection = Rejection::new(stage, d);
    rejection.exception = exception;
    rejection.diagnostics.extend(notes);
    rejection
}

fn contract(code: &'static str, message: impl Into<String>, span: Span) -> Rejection {
    Rejection::new(Stage::Contract, Diagnostic::error(code, message, span))
}

/// Runs a text as a module: its classes and functions are in `main` then.
pub(crate) fn run(
    source: &str,
    options: &Options,
    stack_bytes: usize,
    main: &Rc<PyModule>,
) -> Result<(Interp, Vec<Diagnostic>), Rejection> {
    let parsed = crate::syntax::parse(source, true).map_err(|d| Rejection::new(Stage::Unparsed, d))?;
    let mut i = Interp::new(options.limits.clone(), stack_bytes);
    i.torch.max_nodes = options.limits.nodes;
    let mut notes = Vec::new();
    main.set("reveal_type", Value::native("reveal_type", reveal_type));
    if !imports_torch(source) {
        predefine(&mut i, main).map_err(|r| reject(&mut i, r))?;
        notes.push(Diagnostic::note(
            code::ASSUMED_IMPORTS,
            "the text imports no torch: torch, nn, F and math are taken as imported",
            Span::default(),
        ));
    }
    i.run_source(main, &Rc::new(parsed)).map_err(|r| reject(&mut i, r))?;
    Ok((i, notes))
}

/// Constructs `Net`; also gives the hyperparameters that the text names.
pub(crate) fn construct(
    i: &mut Interp,
    main: &Rc<PyModule>,
    class: &Rc<Class>,
    options: &Options,
) -> Result<(Rc<crate::eval::class::Instance>, Vec<String>), Rejection> {
    let hyperparameters = hyperparameters(i, main).map_err(|r| reject(i, r))?;
    let args = arguments(i, class, options, &hyperparameters);
    i.span = class.span;
    let net = i.call(&Value::Class(class.clone()), args).map_err(|r| reject(i, r).during(Phase::Construct))?;
    let Some(net) = module::as_module(&net).cloned() else {
        let r = contract(code::NO_MODULE, "Net(...) does not give a torch.nn.Module", class.span);
        return Err(r.during(Phase::Construct));
    };
    if module::state(&net).is_none() {
        let r = contract(code::NO_SUPER_INIT, "Net.__init__ does not call super().__init__()", class.span);
        return Err(r.during(Phase::Construct));
    }
    Ok((net, hyperparameters))
}

/// Elaborates on this thread. `stack_bytes` of its native stack are left.
pub(crate) fn elaborate_here(source: &str, options: &Options, stack_bytes: usize) -> Result<Elaborated, Rejection> {
    // Read as a module, not run as a program: `if __name__ == "__main__":` is not taken.
    let main = Rc::new(PyModule::new("net"));
    let (mut i, mut notes) = run(source, options, stack_bytes, &main)?;
    let class = find_net(&main)?;
    let (net, hyperparameters) = construct(&mut i, &main, &class, options)?;
    let kinds = [BodyKind::Eval, BodyKind::Train];
    let traced = trace(&mut i, &net, options, class.span, &kinds[..if options.eval_only { 1 } else { 2 }])?;
    let recipe = recipe::read(&mut i, &net, options, &hyperparameters);
    for (span, name) in std::mem::take(&mut i.torch.custom_gradients) {
        notes.push(Diagnostic::warning(
            code::CUSTOM_GRADIENT,
            format!("the gradient of {name} is derived from its forward; its own backward is not read"),
            span,
        ));
        if notes.len() > 20 {
            break;
        }
    }
    notes.append(&mut i.torch.notes);
    let mut graph = assemble(&mut i, &class, traced, recipe)?;
    if options.eval_only {
        graph.train = graph.eval.clone();
    }
    Ok(Elaborated { graph, notes, hyperparameters })
}

/// `reveal_type(x)`: a note of the value's type; gives the value back.
fn reveal_type(i: &mut Interp, args: Args) -> Eval<Value> {
    let [value] = args.exactly(i, "reveal_type")?;
    let text = match &value {
        Value::Tensor(t) => t.ty().to_string(),
        other => i.type_name(other).to_string(),
    };
    if i.torch.notes.len() < 1000 {
        let note = Diagnostic::note(code::REVEALED_TYPE, text, i.span);
        i.torch.notes.push(note);
    }
    Ok(value)
}

fn imports_torch(source: &str) -> bool {
    source.lines().any(|l| {
        let l = l.trim_start();
        (l.starts_with("import ") || l.starts_with("from ")) && l.contains("torch")
    })
}

fn predefine(i: &mut Interp, main: &Rc<PyModule>) -> Eval<()> {
    for (name, dotted) in [("torch", "torch"), ("nn", "torch.nn"), ("F", "torch.nn.functional"), ("math", "math")] {
        if let Some(m) = i.import_module(dotted)? {
            main.set(name, Value::Module(m));
        }
    }
    Ok(())
}

/// The class `Net`.
pub(crate) fn find_net(main: &Rc<PyModule>) -> Result<Rc<Class>, Rejection> {
    match main.get(Sym::new("Net")) {
        Some(Value::Class(c)) if c.kind == NativeKind::Module => Ok(c),
        Some(Value::Class(c)) => {
            Err(contract(code::NO_MODULE, "class Net does not derive from torch.nn.Module", c.span))
        }
        Some(_) => Err(contract(code::NO_NET, "Net is not a class", Span::default())),
        None => {
            let mut d = Diagnostic::error(code::NO_NET, "the text defines no class Net", Span::default());
            let last = main.names().into_iter().rev().find_map(|n| match main.get(n) {
                Some(Value::Class(c)) if c.kind == NativeKind::Module && c.span != Span::default() => Some(c),
                _ => None,
            });
            d = match last {
                Some(c) => {
                    d.span = c.span;
                    d.help(format!("{} is a torch.nn.Module: call it Net if it is the network", c.name))
                }
                None => d.help("define class Net(nn.Module) with __init__(self, in_shape, out_shape, prm, device)"),
            };
            Err(Rejection::new(Stage::Contract, d))
        }
    }
}

fn hyperparameters(i: &mut Interp, main: &Rc<PyModule>) -> Eval<Vec<String>> {
    let Some(f) = main.get(Sym::new("supported_hyperparameters")) else { return Ok(Vec::new()) };
    let names = i.call(&f, Args::none())?;
    let mut names: Vec<String> = i.iterate(&names)?.iter().filter_map(|v| v.as_str().map(str::to_string)).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The hyperparameters as a Python dict.
pub(crate) fn prm(options: &Options, asked: &[String]) -> Value {
    let mut dict = Dict::default();
    for (k, v) in &options.prm {
        let value = match v {
            Prm::Float(v) => Value::Float(*v),
            Prm::Int(v) => Value::Int(*v),
            Prm::Str(v) => Value::str(v),
        };
        dict.insert(Key::str(k), value);
    }
    for name in asked {
        dict.entry(Key::str(name)).or_insert(Value::Float(0.5));
    }
    Value::dict(dict)
}

fn arguments(_i: &mut Interp, class: &Rc<Class>, options: &Options, asked: &[String]) -> Args {
    if let Some(Value::Function(f)) = class.lookup(Sym::new("__init__")) {
        let params = &f.code.params;
        let named = params.positional.iter().any(|p| p.name == Sym::new("in_shape"));
        let required = params.positional.iter().skip(1).filter(|p| !p.has_default).count();
        if f.code.user && !named && required == 0 && params.star.is_none() {
            return Args::none();
        }
    }
    let shape = options.in_shape.iter().map(|&d| Value::from(d)).collect();
    let out_shape = Value::tuple(vec![Value::from(options.classes)]);
    Args::from([Value::tuple(shape), out_shape, prm(options, asked), Value::Device("cpu".into())])
}

/// What the two traces leave.
pub(crate) struct Traced {
    inputs: Vec<TensorType>,
    entries: Vec<Entry>,
}

/// Traces `forward` once for each of `kinds`.
pub(crate) fn trace(
    i: &mut Interp,
    net: &Rc<crate::eval::class::Instance>,
    options: &Options,
    span: Span,
    kinds: &[BodyKind],
) -> Result<Traced, Rejection> {
    let entries = module::entries(i, net).map_err(|r| reject(i, r).during(Phase::Construct))?;
    register(i, &entries).map_err(|r| reject(i, r).during(Phase::Construct))?;
    for (path, m) in module::tree(net) {
        i.torch.paths.insert(Rc::as_ptr(&m).addr(), path);
    }
    let input = TensorType::f32(options.input_shape());
    for &kind in kinds {
        let mode = if kind == BodyKind::Eval { "eval" } else { "train" };
        i.span = span;
        i.torch.grad = kind == BodyKind::Train;
        let this = Value::Instance(net.clone());
        i.call_method(&this, mode, Args::none()).map_err(|r| reject(i, r).during(Phase::Construct))?;
        i.torch.current = kind;
        i.torch.scope_stack.clear();
        let x = i.torch.input(input.clone(), span);
        let out = i.call(&this, Args::from([Value::Tensor(x)])).map_err(|r| reject(i, r).during(Phase::Forward))?;
        if kind == BodyKind::Train {
            i.torch.train_output = Some((Rc::as_ptr(net).addr(), out.clone()));
        }
        let out = output(i, out, options, kind, span).map_err(|r| r.during(Phase::Output))?;
        i.torch.body_mut(kind).set_outputs(vec![out]);
    }
    i.torch.grad = true;
    // Layers made in the first forward pass count.
    let entries = module::entries(i, net).map_err(|r| reject(i, r).during(Phase::Forward))?;
    register(i, &entries).map_err(|r| reject(i, r).during(Phase::Forward))?;
    if i.torch.complex_state {
        let why = i.unsupported("a complex buffer in the state of the network");
        return Err(reject(i, why).during(Phase::Construct));
    }
    Ok(Traced { inputs: vec![input], entries })
}

/// Gives every parameter and buffer its state tensor, in the order of the state dict.
fn register(i: &mut Interp, entries: &[Entry]) -> Eval<()> {
    for e in entries {
        let storage = e.tensor.storage();
        i.settle(&storage)?;
        storage.registered.set(true);
        i.torch.state_of(&storage);
    }
    Ok(())
}

/// The logits among what `forward` returns.
fn output(i: &mut Interp, out: Value, options: &Options, kind: BodyKind, span: Span) -> Result<ValueId, Rejection> {
    let found = i.type_name(&out).to_string();
    let want = format!("logits of shape [N, {}]", options.classes);
    let tensor = match &out {
        Value::Tensor(t) => t.clone(),
        // Auxiliary heads: the main output is first, as the published training code takes it.
        other => match other.as_sequence().and_then(|s| s.first().and_then(|v| v.as_tensor().cloned())) {
            Some(t) if kind == BodyKind::Train => t,
            _ => {
                let mut rejection =
                    contract(code::BAD_OUTPUT, format!("forward must return {want}, found {found}"), span);
                if let (Some(d), Some((at, name))) = (rejection.diagnostics.first_mut(), &i.torch.returned_nothing)
                    && out.is_none()
                {
                    d.labels.push((*at, format!("{name} returned None")));
                    d.help = Some(format!("end {name} with a return"));
                }
                return Err(rejection);
            }
        },
    };
    let batch = options.input_shape()[0];
    let expected = [batch, options.classes];
    if tensor.shape() != expected {
        let shape = tensor.shape();
        let (place, text) = crate::torch::explain::origin(i, &tensor);
        let mut rejection = contract(
            code::BAD_OUTPUT,
            format!("forward must return {want}, found shape {shape:?} for a batch of {batch}"),
            span,
        );
        if let Some(d) = rejection.diagnostics.first_mut() {
            d.labels.push((place, text));
            let help = match shape.as_slice() {
                [n, _] if *n == batch => "the number of classes is out_shape[0]",
                [n, ..] if *n == batch => "pool or flatten to one row an image before the last layer",
                _ => "keep the batch as the first dimension, apart from all others",
            };
            d.help = Some(help.into());
        }
        return Err(rejection);
    }
    if !tensor.dtype().is_float() {
        let text = format!("forward must return {want} of floats, found torch.{}", tensor.dtype().torch_name());
        return Err(contract(code::BAD_OUTPUT, text, span));
    }
    i.value_of(&tensor).map_err(|r| reject(i, r))
}

/// Puts the graph together.
fn assemble(
    i: &mut Interp,
    class: &Rc<Class>,
    traced: Traced,
    recipe: archsmith_ir::Recipe,
) -> Result<Graph, Rejection> {
    let Traced { inputs, entries } = traced;
    let mut kinds: Vec<Option<(String, StateKind)>> = vec![None; i.torch.states.len()];
    let mut state_dict = Vec::new();
    for e in &entries {
        let storage = e.tensor.storage();
        let id = i.torch.state_of(&storage);
        if id.index() >= kinds.len() {
            kinds.resize(id.index() + 1, None);
        }
        if e.persistent {
            state_dict.push((e.name.clone(), id));
        }
        let kind = match (e.parameter, e.tensor.requires_grad.get(), e.persistent) {
            (true, true, _) => StateKind::Parameter,
            (true, false, _) => StateKind::FrozenParameter,
            (false, _, true) => StateKind::Buffer,
            (false, _, false) => StateKind::Constant,
        };
        let slot = &mut kinds[id.index()];
        if slot.is_none() {
            *slot = Some((e.name.clone(), kind));
        }
    }
    let init = i.torch.take(BodyKind::Init).finish().0;
    let mut state = Vec::with_capacity(i.torch.states.len());
    let mut constants = 0;
    for (entry, known) in i.torch.states.iter().zip(kinds.into_iter().chain(std::iter::repeat(None))) {
        let (name, kind) = known.unwrap_or_else(|| {
            constants += 1;
            (format!("constant.{}", constants - 1), StateKind::Constant)
        });
        state.push(StateTensor {
            name,
            ty: entry.storage.ty.borrow().clone(),
            kind,
            init: entry.storage.value.get(),
            span: entry.storage.span,
        });
    }
    let init = prune(init, &mut state);
    let (eval, typed) = i.torch.take(BodyKind::Eval).finish();
    let (train, _) = i.torch.take(BodyKind::Train).finish();
    let scopes = std::mem::take(&mut i.torch.scopes);
    let macs = archsmith_ir::cost::macs_by_node(typed.program(), eval.nodes.len());
    let eval = drop_dead(eval, |node| macs.get(node).is_some_and(|m| *m > 0));
    let train = drop_dead(train, |_| false);
    Ok(Graph { name: class.name.to_string(), inputs, state, state_dict, scopes, init, train, eval, recipe })
}
