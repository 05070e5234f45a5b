//! Canonical PyTorch source: a network as one Python file that PyTorch runs and that elaborates to an equal fingerprint.
//!
//! State is registered under its own state_dict names, so that weights of the original load; `forward` is the straight line
//! of operator calls that elaboration found, each in its operator's canonical spelling, module by module. Where training and
//! evaluation differ in arguments alone, one line serves both (`training=self.training`); where they differ in more, there
//! are two methods.
//!
//! Refused: nothing that inference accepts, except calls that PyTorch has under no public name.

mod call;

use archsmith_ir::recipe::{Clip, Loss, Optimizer, ScheduleKind};
use archsmith_ir::{Arg, Attr, Body, Graph, Node, Returns, StateId, StateKind, TypedGraph, ValueDef, ValueId};
use call::Names;
use rustc_hash::FxHashMap;
use std::fmt::Write;

/// Why there is no source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// An operator without a public name.
    #[error("{0} has no public name in PyTorch")]
    Unsupported(String),
    /// More than one input: `forward` of the contract takes one.
    #[error("the network has {0} inputs; the contract's forward takes one")]
    Inputs(usize),
}

/// The network as a Python file.
///
/// # Errors
/// See [`SourceError`].
pub fn python(graph: &TypedGraph) -> Result<String, SourceError> {
    let g = graph.graph();
    if g.inputs.len() != 1 {
        return Err(SourceError::Inputs(g.inputs.len()));
    }
    let mut out = String::from(
        "import math\n\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n\
         def supported_hyperparameters():\n    return set()\n\n\n\
         def submodule(root, path):\n    for name in path.split('.') if path else []:\n        \
         if not hasattr(root, name):\n            setattr(root, name, nn.Module())\n        \
         root = getattr(root, name)\n    return root\n\n\n",
    );
    let _ = write!(
        out,
        "class Net(nn.Module):\n    # {}: input {}\n    def __init__(self, in_shape, out_shape, prm, device):\n        \
         super().__init__()\n",
        plain(&g.name),
        g.inputs[0]
    );
    state(g, &mut out)?;
    match merged(g) {
        Some(body) => forward(g, &body, "forward", &mut out)?,
        None => {
            out.push_str(
                "\n    def forward(self, x):\n        return self._train(x) if self.training else self._eval(x)\n",
            );
            forward(g, &Lines::plain(&g.train), "_train", &mut out)?;
            forward(g, &Lines::plain(&g.eval), "_eval", &mut out)?;
        }
    }
    recipe(g, &mut out);
    Ok(out)
}

/// Text that cannot end a comment.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A body as lines: its nodes, with those attributes that training has otherwise.
struct Lines<'a> {
    body: &'a Body,
    /// `(node, argument)` → what training passes.
    training: FxHashMap<(usize, usize), Attr>,
}

impl<'a> Lines<'a> {
    fn plain(body: &'a Body) -> Self {
        Lines { body, training: FxHashMap::default() }
    }
}

/// One body for both modes, where they call the same operators on the same values.
fn merged(g: &Graph) -> Option<Lines<'_>> {
    let (e, t) = (&g.eval, &g.train);
    if e.values != t.values || e.outputs != t.outputs || e.nodes.len() != t.nodes.len() {
        return None;
    }
    let mut training = FxHashMap::default();
    for (i, (a, b)) in e.nodes.iter().zip(&t.nodes).enumerate() {
        if a.op != b.op || a.args.len() != b.args.len() || a.outputs != b.outputs {
            return None;
        }
        for (k, (x, y)) in a.args.iter().zip(&b.args).enumerate() {
            match (x, y) {
                (x, y) if x == y => {}
                (Arg::Attr(_), Arg::Attr(y)) => {
                    training.insert((i, k), y.clone());
                }
                _ => return None,
            }
        }
    }
    Some(Lines { body: e, training })
}

fn uses(body: &Body) -> Vec<usize> {
    let mut uses = vec![0; body.values.len()];
    body.nodes.iter().flat_map(Node::inputs).chain(body.outputs.iter().copied()).for_each(|v| uses[v.index()] += 1);
    uses
}

/// The statements of `__init__`: initial values, then their registration in the order of the state dict.
fn state(g: &Graph, out: &mut String) -> Result<(), SourceError> {
    let mut names = Names { values: vec![String::new(); g.init.values.len()], uses: uses(&g.init) };
    for s in &g.state {
        names.uses[s.init.index()] += 1;
    }
    for (i, node) in g.init.nodes.iter().enumerate() {
        for v in node.output_ids() {
            names.values[v.index()] = format!("i{}", v.0);
        }
        let line = call::call(&names, node, |k| match &node.args[k] {
            Arg::Attr(a) => Some(call::attr(a)),
            _ => None,
        })
        .map_err(|e| SourceError::Unsupported(format!("{e} (initial value {i})")))?;
        let _ = writeln!(out, "        {} = {line}", outputs(&names, node));
    }
    let mut registered: FxHashMap<StateId, &str> = FxHashMap::default();
    let listed = g.state_dict.iter().map(|(n, id)| (n.as_str(), *id));
    let constants = g.state.iter().enumerate().filter(|(_, s)| s.kind == StateKind::Constant);
    let constants = constants.map(|(i, s)| (s.name.as_str(), StateId(i as u32)));
    for (name, id) in listed.chain(constants) {
        let s = &g.state[id.index()];
        let (path, last) = name.rsplit_once('.').unwrap_or(("", name));
        let (path, last) = (quoted(path), quoted(last));
        let place = if path == "''" { "self".to_string() } else { format!("submodule(self, {path})") };
        if let Some(first) = registered.get(&id) {
            // Tied: the same tensor under another name.
            let get = if s.kind.is_parameter() { "get_parameter" } else { "get_buffer" };
            let kind = if s.kind.is_parameter() { "register_parameter" } else { "register_buffer" };
            let _ = writeln!(out, "        {place}.{kind}({last}, self.{get}({}))", quoted(first));
            continue;
        }
        registered.insert(id, name);
        // A value that others have too: each tensor has memory of its own.
        let shared = if names.uses[s.init.index()] > 1 { ".clone()" } else { "" };
        let value = format!("{}{shared}", names.values[s.init.index()]);
        let line = match s.kind {
            StateKind::Parameter => format!("register_parameter({last}, nn.Parameter({value}))"),
            StateKind::FrozenParameter => {
                format!("register_parameter({last}, nn.Parameter({value}, requires_grad=False))")
            }
            StateKind::Buffer => format!("register_buffer({last}, {value})"),
            StateKind::Constant => format!("register_buffer({last}, {value}, persistent=False)"),
        };
        let _ = writeln!(out, "        {place}.{line}");
    }
    // A parameter that the state dict does not name cannot be reached by anyone.
    Ok(())
}

fn outputs(names: &Names, node: &Node) -> String {
    let outputs: Vec<&str> = node.output_ids().map(|v| names.values[v.index()].as_str()).collect();
    // PyTorch gives a tuple of one, except where the call takes its first element.
    let tuple = !matches!(node.op.get().returns, Returns::Tensor) && node.op.get().name != "multi_head_attention";
    if tuple && outputs.len() == 1 { format!("{},", outputs[0]) } else { outputs.join(", ") }
}

fn quoted(text: &str) -> String {
    call::attr(&Attr::Str(text.to_string()))
}

fn forward(g: &Graph, lines: &Lines<'_>, name: &str, out: &mut String) -> Result<(), SourceError> {
    let body = lines.body;
    let mut names = Names { values: vec![String::new(); body.values.len()], uses: uses(body) };
    for (i, def) in body.values.iter().enumerate() {
        names.values[i] = match def {
            ValueDef::Input(_) => "x".to_string(),
            ValueDef::State(id) => {
                let s = &g.state[id.index()];
                let first = g.state_dict.iter().find(|(_, other)| other == id).map_or(&s.name, |(n, _)| n);
                let get = if s.kind.is_parameter() { "get_parameter" } else { "get_buffer" };
                format!("self.{get}({})", quoted(first))
            }
            ValueDef::Node { .. } => format!("v{i}"),
        };
    }
    let _ = write!(out, "\n    def {name}(self, x):\n");
    let mut scope = None;
    for (i, node) in body.nodes.iter().enumerate() {
        if scope != Some(node.scope) {
            scope = Some(node.scope);
            if let Some(s) = g.scopes.get(node.scope.index()).filter(|s| !s.path.is_empty()) {
                let _ = writeln!(out, "        # {}: {}", plain(&s.path), plain(&s.class));
            }
        }
        let attr = |k: usize| {
            let Arg::Attr(a) = &node.args[k] else { return None };
            Some(match (a, lines.training.get(&(i, k))) {
                (_, None) => call::attr(a),
                (Attr::Bool(false), Some(Attr::Bool(true))) => "self.training".to_string(),
                (a, Some(t)) => format!("({} if self.training else {})", call::attr(t), call::attr(a)),
            })
        };
        let line = call::call(&names, node, attr).map_err(SourceError::Unsupported)?;
        let _ = writeln!(out, "        {} = {line}", outputs(&names, node));
    }
    let results: Vec<&str> = body.outputs.iter().map(|v: &ValueId| names.values[v.index()].as_str()).collect();
    let _ = writeln!(out, "        return {}", results.join(", "));
    Ok(())
}

/// `train_setup` and `learn` that ask for the graph's recipe.
fn recipe(g: &Graph, out: &mut String) {
    let optimizer = match &g.recipe.optimizer {
        Optimizer::Sgd { lr, momentum, dampening, weight_decay, nesterov } => format!(
            "SGD(self.parameters(), lr={lr:?}, momentum={momentum:?}, dampening={dampening:?}, \
             weight_decay={weight_decay:?}, nesterov={})",
            bool(*nesterov)
        ),
        Optimizer::Adam { lr, betas, eps, weight_decay, decoupled, amsgrad } => format!(
            "{}(self.parameters(), lr={lr:?}, betas=({:?}, {:?}), eps={eps:?}, weight_decay={weight_decay:?}, amsgrad={})",
            if *decoupled { "AdamW" } else { "Adam" },
            betas.0,
            betas.1,
            bool(*amsgrad)
        ),
        Optimizer::RmsProp { lr, alpha, eps, weight_decay, momentum, centered } => format!(
            "RMSprop(self.parameters(), lr={lr:?}, alpha={alpha:?}, eps={eps:?}, weight_decay={weight_decay:?}, \
             momentum={momentum:?}, centered={})",
            bool(*centered)
        ),
    };
    let loss = match &g.recipe.loss {
        Loss::CrossEntropy { label_smoothing, weight } => {
            let weight = weight.as_ref().map_or("None".to_string(), |w| format!("torch.tensor({w:?})"));
            format!("nn.CrossEntropyLoss(weight={weight}, label_smoothing={label_smoothing:?})")
        }
        Loss::NegativeLogLikelihood => "nn.NLLLoss()".to_string(),
    };
    let _ = write!(
        out,
        "\n    def train_setup(self, prm):\n        self.criterion = {loss}\n        self.optimizer = torch.optim.{optimizer}\n"
    );
    let mut step = None;
    if let Some(schedule) = &g.recipe.schedule {
        step = Some(schedule);
        let text = scheduler(&schedule.kind);
        let _ = writeln!(out, "        self.scheduler = torch.optim.lr_scheduler.{text}");
    }
    out.push_str(
        "\n    def learn(self, train_data):\n        self.train()\n        for inputs, labels in train_data:\n            \
         self.optimizer.zero_grad()\n            loss = self.criterion(self(inputs), labels)\n            \
         loss.backward()\n",
    );
    match &g.recipe.clip {
        Some(Clip::Norm { max_norm }) => {
            let _ = writeln!(out, "            nn.utils.clip_grad_norm_(self.parameters(), {max_norm:?})");
        }
        Some(Clip::Value { clip_value }) => {
            let _ = writeln!(out, "            nn.utils.clip_grad_value_(self.parameters(), {clip_value:?})");
        }
        None => {}
    }
    out.push_str("            self.optimizer.step()\n");
    if let Some(schedule) = step {
        let indent = if schedule.per_batch { "            " } else { "        " };
        let watched = match &schedule.kind {
            ScheduleKind::Plateau { max: true, .. } => "accuracy",
            ScheduleKind::Plateau { .. } => "loss.item()",
            _ => "",
        };
        if watched == "accuracy" {
            let _ = writeln!(out, "{indent}accuracy = (self(inputs).argmax(1) == labels).float().mean().item()");
        }
        let _ = writeln!(out, "{indent}self.scheduler.step({watched})");
    }
}

/// A truth value in Python.
fn bool(b: bool) -> &'static str {
    if b { "True" } else { "False" }
}

/// A schedule as the call that makes it.
fn scheduler(schedule: &ScheduleKind) -> String {
    match schedule {
        ScheduleKind::Step { step_size, gamma } => {
            format!("StepLR(self.optimizer, step_size={step_size}, gamma={gamma:?})")
        }
        ScheduleKind::MultiStep { milestones, gamma } => {
            format!("MultiStepLR(self.optimizer, milestones={milestones:?}, gamma={gamma:?})")
        }
        ScheduleKind::Cosine { t_max, eta_min } => {
            format!("CosineAnnealingLR(self.optimizer, T_max={t_max:?}, eta_min={eta_min:?})")
        }
        ScheduleKind::Exponential { gamma } => format!("ExponentialLR(self.optimizer, gamma={gamma:?})"),
        ScheduleKind::Linear { start_factor, end_factor, total_iters } => format!(
            "LinearLR(self.optimizer, start_factor={start_factor:?}, end_factor={end_factor:?}, total_iters={total_iters})"
        ),
        ScheduleKind::Constant { factor, total_iters } => {
            format!("ConstantLR(self.optimizer, factor={factor:?}, total_iters={total_iters})")
        }
        ScheduleKind::Polynomial { total_iters, power } => {
            format!("PolynomialLR(self.optimizer, total_iters={total_iters}, power={power:?})")
        }
        ScheduleKind::WarmRestarts { t_0, t_mult, eta_min } => {
            format!("CosineAnnealingWarmRestarts(self.optimizer, T_0={t_0}, T_mult={t_mult}, eta_min={eta_min:?})")
        }
        ScheduleKind::OneCycle {
            max_lr,
            total_steps,
            pct_start,
            linear,
            div_factor,
            final_div_factor,
            three_phase,
            momentum,
            ..
        } => {
            let (low, high) = momentum.unwrap_or((0.85, 0.95));
            format!(
                "OneCycleLR(self.optimizer, max_lr={max_lr:?}, total_steps={total_steps}, pct_start={pct_start:?}, \
                 anneal_strategy='{}', cycle_momentum={}, base_momentum={low:?}, max_momentum={high:?}, \
                 div_factor={div_factor:?}, final_div_factor={final_div_factor:?}, three_phase={})",
                if *linear { "linear" } else { "cos" },
                bool(momentum.is_some()),
                bool(*three_phase)
            )
        }
        ScheduleKind::Plateau { max, factor, patience, threshold, relative, cooldown, min_lr, eps } => format!(
            "ReduceLROnPlateau(self.optimizer, mode='{}', factor={factor:?}, patience={patience}, \
             threshold={threshold:?}, threshold_mode='{}', cooldown={cooldown}, min_lr={min_lr:?}, eps={eps:?})",
            if *max { "max" } else { "min" },
            if *relative { "rel" } else { "abs" }
        ),
    }
}
