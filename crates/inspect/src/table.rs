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
use archsmith_ir::summary::{Row as OwnRow, Totals, summary};
use archsmith_ir::{NodeId, StateId, StateKind, TypedGraph, ValueDef};
pub use receptive::Field;
use rustc_hash::FxHashSet;
use serde::Serialize;

/// What the figures count.
pub const CONVENTIONS: &[&str] = &[
    "MACs: one multiply-add is one; convolutions and matrix products of the evaluation pass, biases left out; one sample; \
     what is executed and reaches no output counts too, and is marked unused",
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
    /// What the network costs as a whole.
    #[serde(flatten)]
    pub totals: Totals,
    /// What the figures count.
    pub conventions: &'static [&'static str],
    /// Elements of parameters that the evaluation pass does not read.
    pub unused: u64,
    /// Bytes of all operators' outputs, for the whole batch.
    pub output_bytes: u64,
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
    /// What it is, and its cost.
    #[serde(flatten)]
    pub own: OwnRow,
    /// Line of the call, from 1, where the source is known.
    pub line: Option<usize>,
    /// Shapes of the tensors it reads, without parameters and buffers.
    pub inputs: Vec<Vec<usize>>,
    /// Elements of those of its parameters that are trained.
    pub trainable: u64,
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
                line: (!starts.is_empty()).then(|| starts.partition_point(|&s| s <= node.span.start)),
                inputs,
                trainable,
                output_bytes,
                params_share: share(own.params, cost.params),
                macs_share: share(own.macs, cost.macs),
                output_share: share(output_bytes, total_output),
                receptive_field: node
                    .output_ids()
                    .next()
                    .map_or(Field::Undefined, |v| fields[eval.value(v).index()].clone()),
                own,
            }
        })
        .collect();
    Table {
        schema: "archsmith.summary/1",
        conventions: CONVENTIONS,
        unused: short.totals.params.saturating_sub(rows.iter().map(|r| r.own.params).sum()),
        totals: short.totals,
        output_bytes: total_output,
        rows,
        tree: model::model(graph),
    }
}
