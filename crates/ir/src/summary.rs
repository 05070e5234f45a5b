//! The table of operators: one row for each node of the evaluation pass.
//!
//! Conventions are those of [`crate::cost`]: MACs are multiply-adds of convolutions and matrix products for one
//! sample; a parameter counts where it is first read; output shapes have the batch size of the graph's inputs.

use crate::cost::cost;
use crate::graph::NodeId;
use crate::infer::TypedGraph;
use serde::{Deserialize, Serialize};

/// A network's totals and operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What the network costs as a whole.
    #[serde(flatten)]
    pub totals: Totals,
    /// One row for each node, in order of execution.
    pub rows: Vec<Row>,
}

/// A network as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Name of the network's class.
    pub name: String,
    /// Input types, as text: `f32[2, 3, 32, 32]`.
    pub inputs: Vec<String>,
    /// Output types.
    pub outputs: Vec<String>,
    /// Elements of all parameters.
    pub params: u64,
    /// Elements of those that are trained.
    pub trainable: u64,
    /// Elements of the buffers in the state dict.
    pub buffers: u64,
    /// Multiply-adds for one sample.
    pub macs: u64,
    /// Those of `macs` that no output needs.
    #[serde(default)]
    pub unused_macs: u64,
    /// Bytes kept for the backward pass, for the whole batch.
    pub activation_bytes: u64,
    /// Most bytes alive at one time in a forward pass of the whole batch.
    pub peak_forward_bytes: u64,
    /// The batch size.
    pub batch: u64,
}

/// One operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Path of the module that it is called in.
    pub scope: String,
    /// Class of that module.
    pub class: String,
    /// Operator.
    pub op: String,
    /// Shapes of its outputs.
    pub outputs: Vec<Vec<usize>>,
    /// Elements of the parameters first read here.
    pub params: u64,
    /// Multiply-adds for one sample.
    pub macs: u64,
    /// It is executed, and no output of the network needs it.
    #[serde(default)]
    pub unused: bool,
}

/// Makes the table.
pub fn summary(graph: &TypedGraph) -> Summary {
    let cost = cost(graph);
    let g = graph.graph();
    let rows = g
        .eval
        .nodes
        .iter()
        .enumerate()
        .map(|(i, node)| {
            let scope = g.scopes.get(node.scope.index());
            let own = cost.node(NodeId(i as u32)).cloned().unwrap_or_default();
            Row {
                scope: scope.map_or_else(String::new, |s| s.path.clone()),
                class: scope.map_or_else(String::new, |s| s.class.clone()),
                op: node.op.get().name.to_string(),
                outputs: node.output_ids().map(|v| graph.eval().ty(v).shape.clone()).collect(),
                params: own.params,
                macs: own.macs,
                unused: own.unused,
            }
        })
        .collect();
    let totals = Totals {
        name: g.name.clone(),
        inputs: g.inputs.iter().map(ToString::to_string).collect(),
        outputs: g.eval.outputs.iter().map(|v| graph.eval().ty(*v).to_string()).collect(),
        params: cost.params,
        trainable: cost.trainable,
        buffers: cost.buffers,
        macs: cost.macs,
        unused_macs: cost.unused_macs,
        activation_bytes: cost.activation_bytes,
        peak_forward_bytes: cost.peak_forward_bytes,
        batch: cost.batch,
    };
    Summary { totals, rows }
}

impl Summary {
    /// The table as text, with totals and what they count.
    pub fn to_text(&self) -> String {
        let totals = &self.totals;
        let head = ["module", "class", "operator", "output", "params", "MACs"].map(String::from);
        let mut table = vec![head];
        for r in &self.rows {
            let outputs: Vec<String> = r.outputs.iter().map(|s| format!("{s:?}")).collect();
            table.push([
                if r.scope.is_empty() { "·".to_string() } else { r.scope.clone() },
                r.class.clone(),
                r.op.clone(),
                outputs.join(" "),
                grouped(r.params),
                grouped(r.macs),
            ]);
        }
        let width: Vec<usize> = (0..6).map(|c| table.iter().map(|r| r[c].chars().count()).max().unwrap_or(0)).collect();
        let mut text = format!("{}: {} -> {}\n\n", totals.name, totals.inputs.join(", "), totals.outputs.join(", "));
        for (i, row) in table.iter().enumerate() {
            let cells = row.iter().enumerate().map(|(c, cell)| {
                if c < 4 { format!("{cell:<w$}", w = width[c]) } else { format!("{cell:>w$}", w = width[c]) }
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
            if i == 0 {
                text.push_str(&"-".repeat(width.iter().sum::<usize>() + 10));
                text.push('\n');
            }
        }
        text.push_str(&format!(
            "\nparameters        {} ({} trainable; tied tensors once)\nbuffers           {} elements\n\
             MACs a sample     {} (one multiply-add is one; convolutions and matrix products)\n\
             kept for backward {} (batch of {})\npeak forward      {} (batch of {}, without parameters)\n",
            grouped(totals.params),
            grouped(totals.trainable),
            grouped(totals.buffers),
            grouped(totals.macs),
            bytes(totals.activation_bytes),
            totals.batch,
            bytes(totals.peak_forward_bytes),
            totals.batch,
        ));
        text
    }
}

/// A number with its digits in groups of three: `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number of bytes in the unit that leaves at most four digits.
pub fn bytes(n: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (n as f64, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", units[unit]) }
}
