//! Networks read, shown, compared, exported and run.

use super::Reading;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// Read networks and prove their shapes; nothing of them is executed.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith check net.py
  archsmith check nets/*.py --json
  archsmith check nets/ --in-shape 1,3,224,224

Exit code 1: at least one file is no network that can be built.")]
pub(crate) struct CheckArgs {
    /// Python files, folders of them, or `-` for standard input.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// One JSON object a file.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tables of networks: shapes, parameters, multiply-adds, memory, receptive field.
///
/// One file gives the whole table, several give a line each. What the figures count is printed below them.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith summary net.py --in-shape 1,3,32,32
  archsmith summary net.py --by op
  archsmith summary nets/ --json > nets.jsonl")]
pub(crate) struct SummaryArgs {
    /// Python files, graphs in textual IR (`.ir`), folders, or `-` for standard input.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// What a row stands for.
    #[arg(long, value_enum, default_value_t = SummaryBy::Module)]
    pub(crate) by: SummaryBy,
    /// The table as one JSON object a file.
    #[arg(long)]
    pub(crate) json: bool,
    /// The table as CSV, a row for each operator.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// What a row of a table stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SummaryBy {
    /// A tree of modules, repeated blocks folded.
    Module,
    /// An operator.
    Op,
    /// A line of the source.
    Line,
}

/// Draw a network: modules as nested boxes, repeats folded, shapes on edges, cost as colour.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith draw net.py -o net.svg
  archsmith draw net.py -o net.html     one page, offline: zoom, search, collapse, source beside it
  archsmith draw net.py -o net.dot      for Graphviz; .mmd: Mermaid")]
pub(crate) struct DrawArgs {
    /// A Python file, a graph in textual IR (`.ir`), or `-` for standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Where it goes; the ending says the form: .svg, .html, .dot or .mmd.
    #[arg(short, long)]
    pub(crate) output: PathBuf,
}

/// Run images through a network once, in evaluation mode.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith run-net net.py --weights net.safetensors --input x.safetensors --output y.safetensors")]
pub(crate) struct RunNetArgs {
    /// A Python file, a graph in textual IR (`.ir`), or `-` for standard input.
    pub(crate) file: PathBuf,
    /// Number of classes.
    #[arg(long, default_value_t = 10)]
    pub(crate) classes: usize,
    /// A hyperparameter handed to the network. May be repeated.
    #[arg(long = "prm", value_name = "KEY=VALUE")]
    pub(crate) prm: Vec<String>,
    #[command(flatten)]
    pub(crate) weights: WeightArgs,
    /// Images [N, C, H, W] as safetensors: the tensor `input`, or the only one.
    #[arg(long, value_name = "X.safetensors")]
    pub(crate) input: PathBuf,
    /// Where the tensor `logits` [N, K] goes; default: printed.
    #[arg(long, value_name = "Y.safetensors")]
    pub(crate) output: Option<PathBuf>,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// The logits as JSON, a line an image.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show a network at a stage of its way from text to primitives.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith show net.py > net.ir            the typed graph, which parses back
  archsmith show net.ir --stage lowered
  archsmith show net.py --stage cst")]
pub(crate) struct ShowArgs {
    /// A Python file, a graph in textual IR (`.ir`), or `-` for standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Which stage.
    #[arg(long, value_enum, default_value_t = ShowStage::Typed)]
    pub(crate) stage: ShowStage,
}

/// A stage of a network's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowStage {
    /// The concrete syntax tree of the Python text.
    Cst,
    /// The graph as textual IR, without types.
    Graph,
    /// The graph as textual IR, with the types that are proved.
    Typed,
    /// The primitives that each operator is made of.
    Lowered,
}

/// Say which call made a value, and why it has its shape.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith trace net.py                 every value of the evaluation pass
  archsmith trace net.py --why %12")]
pub(crate) struct TraceArgs {
    /// A Python file, a graph in textual IR (`.ir`), or `-` for standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The value, by its number in `archsmith show`.
    #[arg(long, value_name = "%N")]
    pub(crate) why: Option<String>,
    /// One JSON object a value.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print a canonical hash: equal for networks that compute the same in the same way, however they are written.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith fingerprint a.py b.py")]
pub(crate) struct FingerprintArgs {
    /// Python files, graphs in textual IR, folders, or `-` for standard input.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// One JSON object a file.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Compare networks by matching their graphs: renaming is no difference.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith diff before.py after.py
  archsmith diff base.py a.py b.py c.py      each with the first
  archsmith diff before.py after.py --html diff.html

Exit code 1: they differ.")]
pub(crate) struct DiffArgs {
    /// The first, and those that are compared with it.
    #[arg(required = true, num_args = 2..)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// One JSON object a comparison.
    #[arg(long)]
    pub(crate) json: bool,
    /// One page, side by side; of several comparisons each has one: OUT.1.html, OUT.2.html.
    #[arg(long, value_name = "OUT.html")]
    pub(crate) html: Option<PathBuf>,
}

/// How similar networks are, by text and by graph.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith novelty a.py b.py            two networks
  archsmith novelty new.py --against runs/smoke-001")]
pub(crate) struct NoveltyArgs {
    /// Networks: two, or one with --against.
    #[arg(required = true, num_args = 1..=2)]
    pub(crate) files: Vec<PathBuf>,
    /// A run's folder, or a folder of `.py` files: find the nearest in it.
    #[arg(long)]
    pub(crate) against: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a network's weights come from.
#[derive(Debug, ClapArgs)]
pub(crate) struct WeightArgs {
    /// Weights by PyTorch's state_dict names; default: initial values drawn from the seed.
    #[arg(long, value_name = "W.safetensors")]
    pub(crate) weights: Option<PathBuf>,
    /// Seed of the initial values.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// Write a network in another form: ONNX, PyTorch source, weights, JSON, graph formats.
///
/// Weights are those of `--weights`, by state_dict name, or initial values drawn from the seed. The batch size is that of
/// `--in-shape`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith export net.py --onnx net.onnx --weights net.safetensors --in-shape 1,3,32,32
  archsmith export net.py --onnx net.onnx --no-weights
  archsmith export net.py --burn net-crate --weights net.safetensors --in-shape 1,3,32,32

ONNX: opset 17, IR version 8, one file.")]
pub(crate) struct ExportArgs {
    /// A Python file, a graph in textual IR (`.ir`), or `-` for standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    pub(crate) weights: WeightArgs,
    /// The ONNX model has an input for each parameter and buffer instead of its value.
    #[arg(long, conflicts_with = "weights")]
    pub(crate) no_weights: bool,
    /// An ONNX model.
    #[arg(long, value_name = "OUT.onnx")]
    pub(crate) onnx: Option<PathBuf>,
    /// A crate of its own on burn: the ONNX model with weights, which burn-onnx turns into Rust source when the crate is built,
    /// and a test that compares its outputs with stored ones. The folder must not exist, or be empty.
    #[arg(long, value_name = "DIR", conflicts_with = "no_weights")]
    pub(crate) burn: Option<PathBuf>,
    /// Canonical PyTorch source: it elaborates to an equal fingerprint, and PyTorch runs it.
    #[arg(long, value_name = "OUT.py")]
    pub(crate) torch: Option<PathBuf>,
    /// The graph as JSON, form `archsmith.graph/1`: crates/inspect/schema/graph.v1.json.
    #[arg(long, value_name = "OUT.json")]
    pub(crate) json: Option<PathBuf>,
    /// Graphviz.
    #[arg(long, value_name = "OUT.dot")]
    pub(crate) dot: Option<PathBuf>,
    /// Mermaid.
    #[arg(long, value_name = "OUT.mmd")]
    pub(crate) mermaid: Option<PathBuf>,
    /// Model Explorer's graph JSON.
    #[arg(long, value_name = "OUT.json")]
    pub(crate) explorer: Option<PathBuf>,
    /// The state as safetensors with state_dict names.
    #[arg(long, value_name = "OUT.safetensors")]
    pub(crate) safetensors: Option<PathBuf>,
}

/// Compare with PyTorch: types, state, scores and gradients of a corpus of networks against stored answers.
///
/// Every network is elaborated and typed, then lowered and run under a fill formula that both sides follow, each in a process of
/// its own. What is compared and how closely is the oracle's own protocol: exact names, shapes and counts; scores and gradient
/// norms within a tolerance that grows with the network's own conditioning.
///
/// Exit code: 0 when all was compared, whatever it showed, since a rate is the result; 1 when a network that PyTorch accepts was
/// refused as its own fault; 3 when it could not run.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith conform --corpus lemur --oracle visible.jsonl.gz
  archsmith conform --corpus lemur --oracle visible.jsonl.gz --family rag --json > rag.jsonl")]
pub(crate) struct ConformArgs {
    /// The networks: a folder with nn/NAME.py or NAME.py.
    #[arg(long)]
    pub(crate) corpus: PathBuf,
    /// What PyTorch said, one JSON object a line, plain or gzip.
    #[arg(long)]
    pub(crate) oracle: PathBuf,
    /// Only this family.
    #[arg(long)]
    pub(crate) family: Option<String>,
    /// Only networks whose names contain this.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Memory limit of one network in MiB. A network beyond it is skipped, and counted as skipped.
    #[arg(long, default_value_t = 12288)]
    pub(crate) memory: u64,
    /// Time limit of one network in seconds.
    #[arg(long, default_value_t = 300)]
    pub(crate) time: u64,
    /// Networks at a time. Each uses all cores where it can.
    #[arg(long, default_value_t = 1)]
    pub(crate) workers: usize,
    /// Only what the frontend shows: no scores, no gradients.
    #[arg(long)]
    pub(crate) no_values: bool,
    /// One JSON object a network, then one with the totals.
    #[arg(long)]
    pub(crate) json: bool,
}
