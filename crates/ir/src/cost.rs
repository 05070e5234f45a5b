//! What a network costs: multiply-adds, parameters, memory. Exact counts from the proved shapes; nothing is run.
//!
//! Conventions, printed wherever the figures are:
//! - **MACs**: one multiply-add is one. Counted for convolutions, transposed convolutions and matrix products (linear
//!   layers and attention are made of these) in evaluation mode, biases left out; everything else counts nothing. Taps
//!   that fall on padding count, as is usual. So does what no output needs, since PyTorch executes it all the same; it is
//!   named apart ([`Cost::unused_macs`]). Products with a table that an operator itself makes (the one-hot kernel of `fold`)
//!   are how it is computed here, and count nothing. Recurrences, `bilinear`, Fourier transforms and deformable
//!   convolution count the products that they are made of. Per sample: the whole divided by the batch size.
//! - **parameters**: each tensor once, however often it is used or named.
//! - **activation bytes**: what PyTorch's autograd would keep of the forward pass for the backward pass in training
//!   mode, for the whole batch: each kept value once, views of a value not again, parameters not at all.
//! - **peak forward bytes**: the most that values alive at one time occupy in evaluation mode, for the whole batch,
//!   without parameters, with every value freed after its last use.

use crate::graph::{Body, Node, NodeId, StateKind, ValueDef, ValueId};
use crate::infer::{Program, Step, TypedGraph};
use crate::op::V;
use crate::prim::{BinaryOp, PoolKind, Prim, ReduceOp, UnaryOp};
use crate::types::TensorType;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

/// The cost of a network. See the module for what each figure counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Elements of all parameters.
    pub params: u64,
    /// Elements of those that are trained.
    pub trainable: u64,
    /// Elements of the buffers in the state dict.
    pub buffers: u64,
    /// Bytes of parameters, buffers and constants.
    pub state_bytes: u64,
    /// Multiply-adds for one sample, rounded down.
    pub macs: u64,
    /// Multiply-adds for the whole batch.
    pub macs_batch: u64,
    /// Those of `macs` that no output needs: they are executed, and their result is thrown away.
    #[serde(default)]
    pub unused_macs: u64,
    /// The batch size that the figures for the whole batch are for.
    pub batch: u64,
    /// Bytes kept for the backward pass.
    pub activation_bytes: u64,
    /// Most bytes alive at one time in a forward pass.
    pub peak_forward_bytes: u64,
    /// The nodes of the `eval` body, in order.
    pub nodes: Vec<NodeCost>,
}

/// The share of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCost {
    /// Multiply-adds for one sample, rounded down.
    pub macs: u64,
    /// Elements of the parameters that it reads and that no earlier node reads.
    pub params: u64,
    /// Bytes of its outputs for the whole batch.
    pub output_bytes: u64,
    /// No output of the network needs it.
    #[serde(default)]
    pub unused: bool,
}

/// The cost of a network.
pub fn cost(graph: &TypedGraph) -> Cost {
    let mut cost = Cost { batch: batch_size(graph) as u64, ..Cost::default() };
    for s in &graph.graph().state {
        let n = s.ty.numel() as u64;
        cost.state_bytes = cost.state_bytes.saturating_add(s.ty.bytes() as u64);
        match s.kind {
            StateKind::Parameter => cost.trainable = cost.trainable.saturating_add(n),
            StateKind::FrozenParameter => cost.params = cost.params.saturating_add(n),
            StateKind::Buffer => cost.buffers = cost.buffers.saturating_add(n),
            StateKind::Constant => {}
        }
    }
    cost.params = cost.params.saturating_add(cost.trainable);

    let (body, program) = (&graph.graph().eval, graph.eval().program());
    let node_macs = macs_by_node(program, body.nodes.len());
    cost.macs_batch = node_macs.iter().copied().fold(0, u64::saturating_add);
    let per_sample = cost.batch.max(1);
    cost.macs = cost.macs_batch / per_sample;
    let needed = needed_nodes(body);
    let unused = node_macs.iter().zip(&needed).filter(|(_, needed)| !**needed).map(|(m, _)| *m);
    cost.unused_macs = unused.fold(0, u64::saturating_add) / per_sample;
    let mut read = FxHashSet::default();
    cost.nodes = body
        .nodes
        .iter()
        .zip(node_macs)
        .zip(needed)
        .map(|((node, macs), needed)| NodeCost {
            unused: !needed,
            macs: macs / per_sample,
            params: node_params(graph, body, node, &mut read),
            output_bytes: node.output_ids().map(|v| graph.eval().ty(v).bytes() as u64).sum(),
        })
        .collect();
    cost.activation_bytes = kept_for_backward(graph);
    cost.peak_forward_bytes = peak_forward(program);
    cost
}

/// The first dimension of the first input; 1 where there is none.
pub fn batch_size(graph: &TypedGraph) -> usize {
    graph.graph().inputs.first().and_then(|t| t.shape.first()).copied().unwrap_or(1)
}

/// Multiply-adds of one primitive on inputs and outputs of these types; saturates.
pub fn macs(prim: &Prim, inputs: &[&TensorType], outputs: &[&TensorType]) -> u64 {
    let product = |factors: &[usize]| factors.iter().fold(1u64, |n, &f| n.saturating_mul(f as u64));
    let (Some(a), Some(b), Some(out)) = (inputs.first(), inputs.get(1), outputs.first()) else { return 0 };
    match prim {
        // Each output element takes one product per weight of its channel: C/groups · kernel.
        Prim::Conv { .. } => product(&out.shape).saturating_mul(product(b.shape.get(1..).unwrap_or_default())),
        // Each input element meets O/groups · kernel weights.
        Prim::ConvTranspose { .. } => product(&a.shape).saturating_mul(product(b.shape.get(1..).unwrap_or_default())),
        Prim::MatMul => product(&out.shape).saturating_mul(a.shape.last().copied().unwrap_or(0) as u64),
        _ => 0,
    }
}

fn step_macs(program: &Program, step: &Step) -> u64 {
    let types: Vec<&TensorType> = step.inputs.iter().map(|v| &program.values[v.index()]).collect();
    let outputs: Vec<&TensorType> = outputs(step).map(|v| &program.values[v.index()]).collect();
    macs(&step.prim, &types, &outputs)
}

/// Multiply-adds of each of a body's `nodes`, for the whole batch.
pub fn macs_by_node(program: &Program, nodes: usize) -> Vec<u64> {
    let mut out = vec![0u64; nodes];
    // Tables are those of one operator: a filter that the network itself makes is data like any other.
    let mut origin = vec![(None, Origin::Elsewhere); program.values.len()];
    for step in &program.steps {
        let own = |v: &V| match origin[v.index()] {
            (node, origin) if node == step.node => origin,
            _ => Origin::Elsewhere,
        };
        let read = || step.inputs.iter().map(own);
        let made = match &step.prim {
            Prim::Literal { .. } | Prim::Arange { .. } => Origin::Table,
            Prim::Full { .. } => Origin::Fill,
            Prim::Random { .. } => Origin::Elsewhere,
            _ if read().any(|o| o == Origin::Elsewhere) => Origin::Elsewhere,
            _ if read().any(|o| o == Origin::Table) => Origin::Table,
            _ => Origin::Fill,
        };
        if !read().any(|o| o == Origin::Table)
            && let Some(m) = step.node.and_then(|n| out.get_mut(n.index()))
        {
            *m = m.saturating_add(step_macs(program, step));
        }
        outputs(step).for_each(|v| origin[v.index()] = (step.node, made));
    }
    out
}

/// What a value is made of, seen from the operator that is being emitted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Inputs, state, or what another operator made.
    Elsewhere,
    /// One number throughout, such as the first state of a recurrence.
    Fill,
    /// Different numbers, known beforehand.
    Table,
}

/// For each node, whether an output of the body needs it.
fn needed_nodes(body: &Body) -> Vec<bool> {
    let producer = |v: ValueId| match body.values.get(v.index()) {
        Some(ValueDef::Node { node, .. }) => Some(node.index()),
        _ => None,
    };
    let mut needed = vec![false; body.nodes.len()];
    body.outputs.iter().filter_map(|v| producer(*v)).for_each(|i| needed[i] = true);
    for i in (0..body.nodes.len()).rev().filter(|i| body.nodes[*i].outputs > 0) {
        if needed[i] {
            body.nodes[i].inputs().filter_map(producer).for_each(|j| needed[j] = true);
        }
    }
    needed
}

fn outputs(step: &Step) -> impl Iterator<Item = V> + use<> {
    (step.first_output.0..step.first_output.0 + step.outputs).map(V)
}

fn node_params(graph: &TypedGraph, body: &Body, node: &Node, read: &mut FxHashSet<u32>) -> u64 {
    node.inputs()
        .filter_map(|v| match body.values[v.index()] {
            ValueDef::State(id) => Some(id),
            _ => None,
        })
        .filter(|id| graph.graph().state[id.index()].kind.is_parameter() && read.insert(id.0))
        .map(|id| graph.graph().state[id.index()].ty.numel() as u64)
        .sum()
}

/// Whether the result shares its input's memory in PyTorch.
fn is_view(prim: &Prim) -> bool {
    matches!(
        prim,
        Prim::Reshape { .. } | Prim::Permute { .. } | Prim::Expand { .. } | Prim::Slice { .. } | Prim::Detach
    )
}

/// For each value, the one whose memory it lies in.
fn storage(program: &Program) -> Vec<V> {
    let mut home: Vec<V> = (0..program.values.len() as u32).map(V).collect();
    for step in program.steps.iter().filter(|s| is_view(&s.prim)) {
        home[step.first_output.index()] = home[step.inputs[0].index()];
    }
    home
}

/// What the backward pass of a primitive reads.
struct Kept {
    /// Which inputs.
    inputs: &'static [usize],
    /// Whether the output.
    output: bool,
    /// Bytes for each element of the output besides: masks and indices.
    extra: u64,
}

fn kept(prim: &Prim) -> Kept {
    let inputs = |inputs| Kept { inputs, output: false, extra: 0 };
    let nothing = inputs(&[]);
    let output = Kept { inputs: &[], output: true, extra: 0 };
    match prim {
        Prim::Conv { .. } | Prim::ConvTranspose { .. } | Prim::MatMul => inputs(&[0, 1]),
        Prim::Unary(op) => match op {
            UnaryOp::Neg | UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Round | UnaryOp::Trunc | UnaryOp::Sign => nothing,
            UnaryOp::Not | UnaryOp::IsNan | UnaryOp::IsInf => nothing,
            UnaryOp::Relu | UnaryOp::Exp | UnaryOp::Expm1 | UnaryOp::Sqrt | UnaryOp::Rsqrt => output,
            UnaryOp::Reciprocal | UnaryOp::Tanh | UnaryOp::Sigmoid | UnaryOp::Tan => output,
            _ => inputs(&[0]),
        },
        Prim::Binary(op) => match op {
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Pow | BinaryOp::Atan2 => inputs(&[0, 1]),
            BinaryOp::Maximum | BinaryOp::Minimum => inputs(&[0, 1]),
            _ => nothing,
        },
        Prim::Scalar { op: BinaryOp::Pow | BinaryOp::Maximum | BinaryOp::Minimum, .. } => inputs(&[0]),
        Prim::Scalar { op: BinaryOp::Div, reversed: true, .. } => inputs(&[0]),
        Prim::Where => inputs(&[0]),
        Prim::Reduce { op, .. } => match op {
            ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min => Kept { inputs: &[0], output: true, extra: 0 },
            ReduceOp::Var { .. } => inputs(&[0]),
            ReduceOp::Sum | ReduceOp::Mean | ReduceOp::Any | ReduceOp::All => nothing,
        },
        Prim::Softmax { .. } => output,
        Prim::BatchNorm { .. } | Prim::LayerNorm { .. } | Prim::GroupNorm { .. } => inputs(&[0]),
        // Positions of the maxima, as i64.
        Prim::Pool { kind: PoolKind::Max, .. } | Prim::AdaptivePool { max: true, .. } => {
            Kept { inputs: &[0], output: false, extra: 8 }
        }
        Prim::Pool { .. } | Prim::AdaptivePool { .. } | Prim::Interpolate { .. } => nothing,
        Prim::Gather { .. } | Prim::IndexSelect { .. } | Prim::Scatter { .. } => inputs(&[1]),
        Prim::Dropout { p, .. } => Kept { inputs: &[], output: false, extra: u64::from(*p > 0.0) },
        Prim::TopK { .. } => Kept { inputs: &[], output: false, extra: 8 },
        _ => nothing,
    }
}

fn kept_for_backward(graph: &TypedGraph) -> u64 {
    let program = graph.train().program();
    let home = storage(program);
    let state: FxHashMap<V, StateKind> =
        program.state.iter().map(|&(id, v)| (v, graph.graph().state[id.index()].kind)).collect();
    let mut differentiable = vec![false; program.values.len()];
    for (v, kind) in &state {
        differentiable[v.index()] = *kind == StateKind::Parameter;
    }
    let (mut values, mut extra) = (FxHashSet::default(), 0u64);
    for step in &program.steps {
        if matches!(step.prim, Prim::Detach) || !step.inputs.iter().any(|v| differentiable[v.index()]) {
            continue;
        }
        for v in outputs(step) {
            differentiable[v.index()] = program.values[v.index()].dtype.is_float();
        }
        let kept = kept(&step.prim);
        let out = &program.values[step.first_output.index()];
        extra = extra.saturating_add((out.numel() as u64).saturating_mul(kept.extra));
        values.extend(kept.inputs.iter().filter_map(|&i| step.inputs.get(i)).map(|v| home[v.index()]));
        if kept.output {
            values.insert(home[step.first_output.index()]);
        }
    }
    let bytes = values.iter().filter(|v| !state.contains_key(v)).map(|v| program.values[v.index()].bytes() as u64);
    bytes.fold(extra, u64::saturating_add)
}

fn peak_forward(program: &Program) -> u64 {
    let home = storage(program);
    let state: FxHashSet<V> = program.state.iter().map(|s| s.1).collect();
    let mut last = vec![0usize; program.values.len()];
    for (i, step) in program.steps.iter().enumerate() {
        for v in step.inputs.iter().copied().chain(outputs(step)) {
            last[home[v.index()].index()] = i;
        }
    }
    for v in &program.outputs {
        last[home[v.index()].index()] = usize::MAX;
    }
    let bytes = |v: V| program.values[v.index()].bytes() as u64;
    let mut alive: u64 = program.inputs.iter().map(|&v| bytes(v)).fold(0, u64::saturating_add);
    let mut peak = alive;
    let mut freed: FxHashSet<V> = FxHashSet::default();
    for (i, step) in program.steps.iter().enumerate() {
        if !is_view(&step.prim) {
            alive = outputs(step).map(bytes).fold(alive, u64::saturating_add);
        }
        peak = peak.max(alive);
        for v in step.inputs.iter().copied().chain(outputs(step)) {
            let v = home[v.index()];
            if last[v.index()] == i && !state.contains(&v) && freed.insert(v) {
                alive = alive.saturating_sub(bytes(v));
            }
        }
    }
    peak
}

impl Cost {
    /// The share of one node of the `eval` body.
    pub fn node(&self, id: NodeId) -> Option<&NodeCost> {
        self.nodes.get(id.index())
    }
}
