//! The complete summary: every operator with its shapes and its share of the cost, by module, by operator, or by line of the
//! source.
//!
//! Conventions, printed with the figures ([`CONVENTIONS`]): MACs are multiply-adds of convolutions and matrix products for
//! one sample; a parameter counts where it is first read; output bytes are for the whole batch; the receptive field is that
//! of one output element on the images, through windows alone (normalisations do not widen it), and is not defined where
//! positions are mixed or moved.

mod receptive;
mod render;

use crate::draw::model;
use archsmith_ir::cost::cost;
use archsmith_ir::summary::summary;
use archsmith_ir::{NodeId, StateId, StateKind, TypedGraph, ValueDef};
pub use receptive::Field;
use rustc_hash::FxHashSet;
use serde::Serialize;

/// What the figures count.
pub const CONVENTIONS: &[&str] = &[
    "MACs: one multiply-add is one; convolutions and matrix products of the evaluation pass, biases left out; one sample",
    "parameters: each tensor once, where it is first read",
    "output: bytes of the operator's outputs, whole batch",
    "kept for backward: what autograd keeps of the forward pass in training mode, whole batch",
    "receptive field: through windows alone; 'all' is the whole image, '–' is not defined",
];

/// A network's operators and totals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Name and version of this form.
    pub schema: &'static str,
    /// Name of the network's class.
    pub name: String,
    /// Input types, as text: `f32[2, 3, 32, 32]`.
    pub inputs: Vec<String>,
    /// Output types.
    pub outputs: Vec<String>,
    /// What the figures count.
    pub conventions: &'static [&'static str],
    /// Elements of all parameters.
    pub params: u64,
    /// Elements of those that are trained.
    pub trainable: u64,
    /// Elements of parameters that the evaluation pass does not read.
    pub unused: u64,
    /// Elements of the buffers in the state dict.
    pub buffers: u64,
    /// Multiply-adds for one sample.
    pub macs: u64,
    /// Bytes kept for the backward pass, for the whole batch.
    pub activation_bytes: u64,
    /// Most bytes alive at one time in a forward pass of the whole batch.
    pub peak_forward_bytes: u64,
    /// Bytes of all operators' outputs, for the whole batch.
    pub output_bytes: u64,
    /// The batch size.
    pub batch: u64,
    /// One row for each operator, in order of execution.
    pub rows: Vec<Row>,
    #[serde(skip)]
    tree: model::Group,
}

/// One operator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Number of the node.
    pub node: u32,
    /// Path of the module that it is called in.
    pub scope: String,
    /// Class of that module.
    pub class: String,
    /// Operator.
    pub op: String,
    /// Line of the call, from 1, where the source is known.
    pub line: Option<usize>,
    /// Shapes of the tensors it reads, without parameters and buffers.
    pub inputs: Vec<Vec<usize>>,
    /// Shapes of its outputs.
    pub outputs: Vec<Vec<usize>>,
    /// Elements of the parameters first read here.
    pub params: u64,
    /// Elements of those that are trained.
    pub trainable: u64,
    /// Multiply-adds for one sample.
    pub macs: u64,
    /// Bytes of its outputs for the whole batch.
    pub output_bytes: u64,
    /// Share of the network's parameters.
    pub params_share: f64,
    /// Share of the network's MACs.
    pub macs_share: f64,
    /// Share of all operators' output bytes.
    pub output_share: f64,
    /// Receptive field of its first output.
    pub receptive_field: Field,
}

/// How rows are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A tree of modules, repeated blocks folded.
    Module,
    /// One row for each operator.
    Op,
    /// One row for each line of the source.
    Line,
}

/// Makes the table. `source` is the Python text, where it is known.
pub fn table(graph: &TypedGraph, source: Option<&str>) -> Table {
    let (g, cost) = (graph.graph(), cost(graph));
    let eval = graph.eval();
    // What the operators are and cost is the short table's; here it gets its columns.
    let short = summary(graph);
    let fields = receptive::fields(graph);
    let starts: Vec<u32> = source.map_or_else(Vec::new, |s| {
        std::iter::once(0).chain(s.bytes().enumerate().filter(|b| b.1 == b'\n').map(|b| b.0 as u32 + 1)).collect()
    });
    let mut read: FxHashSet<StateId> = FxHashSet::default();
    let total_output: u64 = cost.nodes.iter().map(|n| n.output_bytes).sum();
    let share = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
    let rows: Vec<Row> = g
        .eval
        .nodes
        .iter()
        .zip(short.rows)
        .enumerate()
        .map(|(i, (node, own))| {
            let output_bytes = cost.node(NodeId(i as u32)).map_or(0, |n| n.output_bytes);
            let mut trainable = 0;
            let mut inputs = Vec::new();
            for v in node.inputs() {
                match g.eval.values[v.index()] {
                    ValueDef::State(id) => {
                        let s = &g.state[id.index()];
                        if s.kind == StateKind::Parameter && read.insert(id) {
                            trainable += s.ty.numel() as u64;
                        }
                    }
                    _ => inputs.push(eval.ty(v).shape.clone()),
                }
            }
            Row {
                node: i as u32,
                scope: own.scope,
                class: own.class,
                op: own.op,
                line: (!starts.is_empty()).then(|| starts.partition_point(|&s| s <= node.span.start)),
                inputs,
                outputs: own.outputs,
                params: own.params,
                trainable,
                macs: own.macs,
                output_bytes,
                params_share: share(own.params, cost.params),
                macs_share: share(own.macs, cost.macs),
                output_share: share(output_bytes, total_output),
                receptive_field: node
                    .output_ids()
                    .next()
                    .map_or(Field::Undefined, |v| fields[eval.value(v).index()].clone()),
            }
        })
        .collect();
    Table {
        schema: "archsmith.summary/1",
        name: short.name,
        inputs: short.inputs,
        outputs: short.outputs,
        conventions: CONVENTIONS,
        params: short.params,
        trainable: short.trainable,
        unused: short.params.saturating_sub(rows.iter().map(|r| r.params).sum()),
        buffers: short.buffers,
        macs: short.macs,
        activation_bytes: short.activation_bytes,
        peak_forward_bytes: short.peak_forward_bytes,
        output_bytes: total_output,
        batch: short.batch,
        rows,
        tree: model::model(graph),
    }
}
