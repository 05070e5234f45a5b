//! The arguments.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Lets a language model design neural networks, and learn from what it designs.
#[derive(Debug, Parser)]
#[command(name = "archsmith", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Start with `archsmith run`: three cycles, offline, about six minutes. Then open the report it names."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, ClapArgs)]
pub(crate) struct Global {
    /// When to colour the output.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
    /// Say only what was asked for.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Check(CheckArgs),
    Conform(ConformArgs),
    Summary(SummaryArgs),
    Show(ShowArgs),
    Trace(TraceArgs),
    Fingerprint(FingerprintArgs),
    Diff(DiffArgs),
    Draw(DrawArgs),
    #[command(name = "run-net")]
    RunNet(RunNetArgs),
    Export(ExportArgs),
    Train(TrainArgs),
    Generate(GenerateArgs),
    Finetune(FinetuneArgs),
    Pretrain(PretrainArgs),
    #[command(subcommand)]
    Corpus(CorpusCommand),
    #[command(subcommand)]
    Archive(ArchiveCommand),
    Novelty(NoveltyArgs),
    Report(ReportArgs),
    Compare(CompareArgs),
    Config(ConfigArgs),
    Ops(OpsArgs),
    Explain(ExplainArgs),
    Doctor(DoctorArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    #[command(subcommand)]
    Bench(BenchCommand),
    #[command(hide = true)]
    Worker(WorkerArgs),
    #[command(hide = true)]
    ConformWorker(WorkerArgs),
}

/// Design, train, keep, learn: run cycles of the search.
///
/// A run lives in one folder: its configuration, archive, adapters and report. A run that was stopped, by Ctrl-C or by a power
/// cut, goes on with `--resume` and ends with the same archive.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith run                                  the default run, into a new folder under runs/
  archsmith run --preset paper --out runs/paper  the published protocol, on a GPU
  archsmith run --set run.cycles=5 --seed 7      five cycles, another seed
  archsmith run --resume runs/smoke-001          go on where it stopped")]
pub(crate) struct RunArgs {
    /// Start from this preset: smoke, laptop or paper.
    #[arg(long, default_value = "smoke", conflicts_with = "resume")]
    pub(crate) preset: String,
    /// A TOML file with what differs from the preset.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) config: Option<PathBuf>,
    /// Change one setting: `section.key=value`. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "resume")]
    pub(crate) settings: Vec<String>,
    /// The run's seed.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) seed: Option<u64>,
    /// The run's folder: new, or empty. Default: the next free runs/PRESET-NNN.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) resume: Option<PathBuf>,
    /// One event a line on standard output, as JSON.
    #[arg(long)]
    pub(crate) json_events: bool,
}

/// How source files are read.
#[derive(Debug, ClapArgs)]
pub(crate) struct Reading {
    /// Shape of the input: N,C,H,W.
    #[arg(long, value_name = "N,C,H,W", default_value = "64,3,32,32")]
    pub(crate) in_shape: String,
    /// Number of classes.
    #[arg(long, default_value_t = 10)]
    pub(crate) classes: usize,
    /// A hyperparameter handed to the network. May be repeated.
    #[arg(long = "prm", value_name = "KEY=VALUE")]
    pub(crate) prm: Vec<String>,
}

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

/// Write shell completions to standard output.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith completions bash > /etc/bash_completion.d/archsmith")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Write man pages, one for each command, into a folder.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith man --out /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The folder; made where it does not exist.
    #[arg(long)]
    pub(crate) out: PathBuf,
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
    /// One page, side by side; of several comparisons, the last.
    #[arg(long, value_name = "OUT.html")]
    pub(crate) html: Option<PathBuf>,
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

/// Train one network as its own train_setup and learn ask.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith train net.py
  archsmith train net.py --data fashion-mnist --path data/fashion-mnist --epochs 3
  archsmith train net.py --data cifar10 --path cifar-10-batches-bin --device cuda")]
pub(crate) struct TrainArgs {
    /// A Python file.
    pub(crate) file: PathBuf,
    /// fashion-mnist-sample (embedded), fashion-mnist or cifar10.
    #[arg(long, default_value = "fashion-mnist-sample")]
    pub(crate) data: String,
    /// Where the data's files are; for cifar10 the hub is asked when this is left out.
    #[arg(long)]
    pub(crate) path: Option<PathBuf>,
    /// Passes over the training images.
    #[arg(long, default_value_t = 1)]
    pub(crate) epochs: u32,
    /// Images in a step.
    #[arg(long, default_value_t = 64)]
    pub(crate) batch: usize,
    /// Seed of weights, order and dropout.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// cpu or cuda.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// Training images used; 0: all.
    #[arg(long, default_value_t = 0)]
    pub(crate) train_images: usize,
    /// A hyperparameter handed to the network. May be repeated.
    #[arg(long = "prm", value_name = "KEY=VALUE")]
    pub(crate) prm: Vec<String>,
    /// The result as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Let a language model write networks, and say what becomes of each.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith generate -n 4
  archsmith generate --model model.gguf -n 4 --style chat --temperature 0.2
  archsmith generate --model Qwen/Qwen2.5-Coder-0.5B-Instruct -n 4 --json")]
pub(crate) struct GenerateArgs {
    /// `embedded`, a GGUF file, a folder of safetensors, or a hub repository.
    #[arg(long, default_value = "embedded")]
    pub(crate) model: String,
    /// An adapter in PEFT's format.
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// How many.
    #[arg(short, long, default_value_t = 4)]
    pub(crate) n: u32,
    /// What steers the sampling: nothing, or the compiler, which takes back statements that no network can have.
    #[arg(long, value_enum, default_value_t = Guide::Off)]
    pub(crate) guide: Guide,
    /// compact or chat; default: chat where the model has a chat template.
    #[arg(long, value_enum)]
    pub(crate) style: Option<Style>,
    /// The accuracy that is asked for.
    #[arg(long, default_value_t = 0.7)]
    pub(crate) accuracy: f64,
    /// 0 takes the likeliest token.
    #[arg(long, default_value_t = 0.8)]
    pub(crate) temperature: f64,
    /// Only this many likeliest tokens; 0: all.
    #[arg(long, default_value_t = 50)]
    pub(crate) top_k: usize,
    /// Only the likeliest tokens that together have this probability.
    #[arg(long, default_value_t = 0.95)]
    pub(crate) top_p: f64,
    /// Longest answer, in tokens.
    #[arg(long, default_value_t = 1200)]
    pub(crate) max_new_tokens: usize,
    /// Seed.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// Write each network to DIR/NNN.py too.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Count near-duplicates of these networks among the valid: a `corpus.jsonl` that `pretrain` made, or `builtin`.
    #[arg(long, value_name = "FILE")]
    pub(crate) near: Option<PathBuf>,
    /// Answers written at the same time.
    #[arg(long, default_value_t = 16)]
    pub(crate) batch: usize,
    /// One JSON object a network.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What steers the sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Guide {
    /// Nothing: the model's own distribution.
    Off,
    /// The text is elaborated as it grows; a statement that cannot stand is taken back and sampled again.
    Compiler,
}

/// How the request is worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// A short comment before the code.
    Compact,
    /// System and user turns.
    Chat,
}

/// Fine-tune a language model on prompt–code pairs with LoRA.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith finetune runs/smoke-001/pairs.jsonl --model embedded --out adapter")]
pub(crate) struct FinetuneArgs {
    /// Pairs: one JSON object a line with `prompt` and `completion`.
    pub(crate) pairs: PathBuf,
    /// `embedded`, a GGUF file, a folder of safetensors, or a hub repository.
    #[arg(long, default_value = "embedded")]
    pub(crate) model: String,
    /// Go on from this adapter.
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// Where the adapter goes (PEFT's format).
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Passes over the pairs.
    #[arg(long, default_value_t = 2)]
    pub(crate) epochs: usize,
    /// Rank of the adapter.
    #[arg(long, default_value_t = 16)]
    pub(crate) rank: usize,
    /// Its scale is alpha / rank.
    #[arg(long, default_value_t = 32.0)]
    pub(crate) alpha: f64,
    /// Learning rate.
    #[arg(long, default_value_t = 2e-4)]
    pub(crate) lr: f64,
    /// Pairs in a step.
    #[arg(long, default_value_t = 1)]
    pub(crate) batch: usize,
    /// Longer pairs are cut.
    #[arg(long, default_value_t = 1024)]
    pub(crate) max_tokens: usize,
    /// Share of the pairs held out to measure the loss.
    #[arg(long, default_value_t = 0.1)]
    pub(crate) held_out: f64,
    /// Seed of order and dropout.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// One JSON object a step, and one at the end.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Train a small language model from nothing on networks: how the embedded model is made.
///
/// Repeats: the same corpus and recipe give the same corpus of training text, and on one machine the same weights. A run that
/// was stopped goes on when the command is given again.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith pretrain --corpus lemur/ --config assets/model/recipe.toml --out runs/pretrain")]
pub(crate) struct PretrainArgs {
    /// Networks to learn from, beside the built-in seeds: a folder in LEMUR's layout, or of `.py` files.
    #[arg(long)]
    pub(crate) corpus: Option<PathBuf>,
    /// The recipe, in TOML.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Begin with the model in this folder, of the same shape, instead of from nothing.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Where the model goes (config.json, model.safetensors, tokenizer.json), with checkpoints beside it.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Only make the corpus (corpus.jsonl in the output folder), train nothing.
    #[arg(long)]
    pub(crate) corpus_only: bool,
    /// One JSON object a step.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
/// Networks from outside, as data.
pub(crate) enum CorpusCommand {
    Import(ImportArgs),
}

/// Read networks with their measured accuracies into a seed set.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith corpus import lemur/ --out seeds.jsonl
  archsmith run --set run.seeds=seeds.jsonl")]
pub(crate) struct ImportArgs {
    /// A folder in LEMUR's layout (nn/*.py, stat/…), or of `.py` files.
    pub(crate) folder: PathBuf,
    /// Where the seed set goes: one JSON object a line.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Only networks that become a typed graph.
    #[arg(long)]
    pub(crate) valid_only: bool,
}

#[derive(Debug, Subcommand)]
/// Look into the archive of a run.
pub(crate) enum ArchiveCommand {
    /// All candidates.
    #[command(after_help = "Example:\n  archsmith archive ls runs/smoke-001")]
    Ls(ArchiveListArgs),
    /// The best by validation accuracy.
    #[command(after_help = "Example:\n  archsmith archive top runs/smoke-001 -n 5")]
    Top(ArchiveTopArgs),
    /// One candidate: record, diagnostics and source.
    #[command(after_help = "Example:\n  archsmith archive show runs/smoke-001 3fa9")]
    Show(ArchiveShowArgs),
    /// The digest: equal for two runs of one configuration.
    #[command(after_help = "Example:\n  archsmith archive digest runs/smoke-001")]
    Digest(ArchiveDirArgs),
    /// Check that the archive is whole. Exit code 1: it is not.
    #[command(after_help = "Example:\n  archsmith archive verify runs/smoke-001")]
    Verify(ArchiveDirArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArchiveDirArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArchiveListArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// Only this cycle.
    #[arg(long)]
    pub(crate) cycle: Option<u32>,
    /// Only this verdict (`trained`, `ill-typed`, …).
    #[arg(long)]
    pub(crate) verdict: Option<String>,
    /// One JSON object a candidate.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArchiveTopArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// How many.
    #[arg(short, long, default_value_t = 10)]
    pub(crate) n: usize,
    /// One JSON object a candidate.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArchiveShowArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// The candidate's id, or its beginning.
    pub(crate) id: String,
    /// The whole record as JSON.
    #[arg(long)]
    pub(crate) json: bool,
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

/// Write the report of a run: one HTML file.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith report runs/smoke-001")]
pub(crate) struct ReportArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// Where the report goes. Default: report.html in the run's folder.
    #[arg(long, short)]
    pub(crate) out: Option<PathBuf>,
    /// The figures as one JSON object instead.
    #[arg(long)]
    pub(crate) json: bool,
    /// One row a cycle as comma-separated values instead.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// Put runs side by side: what they were set to and what they came to, with intervals.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith compare runs/smoke-001 runs/mutation")]
pub(crate) struct CompareArgs {
    /// The runs' folders.
    #[arg(required = true)]
    pub(crate) dirs: Vec<PathBuf>,
    /// One JSON object instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
    /// One row a cycle as comma-separated values instead.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// Show a configuration: a preset with its comments, or what a file and settings make of it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith config laptop > mine.toml
  archsmith config --config mine.toml --set run.cycles=5")]
pub(crate) struct ConfigArgs {
    /// smoke, laptop or paper.
    #[arg(default_value = "smoke")]
    pub(crate) preset: String,
    /// A TOML file with what differs from the preset: shows the resolved configuration.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Change one setting: shows the resolved configuration.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

/// List the operators, or explain one.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith ops
  archsmith ops conv2d
  archsmith ops --markdown > operators.md")]
pub(crate) struct OpsArgs {
    /// An operator's name, or a PyTorch path such as torch.nn.functional.relu.
    pub(crate) name: Option<String>,
    /// One JSON object an operator.
    #[arg(long)]
    pub(crate) json: bool,
    /// As a chapter of the book.
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
}

/// Explain the code of a diagnostic: what it means, why it is so, an example, what to do.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith explain                  every code with one line
  archsmith explain shape-mismatch")]
pub(crate) struct ExplainArgs {
    /// A code, as it stands in brackets after `error`.
    pub(crate) code: Option<String>,
    /// One JSON object a code: code, summary, page.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say what this machine has, and what is missing for what.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith doctor")]
pub(crate) struct DoctorArgs {
    /// One JSON object a finding.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
/// Measure speed.
pub(crate) enum BenchCommand {
    Check(BenchCheckArgs),
    Train(BenchTrainArgs),
    Novelty(BenchNoveltyArgs),
    Generate(BenchGenerateArgs),
    Finetune(BenchFinetuneArgs),
}

/// Time the frontend over a folder of networks: one core, warm.
#[derive(Debug, ClapArgs)]
pub(crate) struct BenchCheckArgs {
    /// A folder of `.py` files, or with a folder nn/ in it.
    #[arg(long)]
    pub(crate) corpus: PathBuf,
}

/// Time reading a prompt and writing greedily after it.
#[derive(Debug, ClapArgs)]
pub(crate) struct BenchGenerateArgs {
    /// `embedded`, a GGUF file, a folder of safetensors, or a hub repository.
    #[arg(long, default_value = "embedded")]
    pub(crate) model: String,
    /// A file with the whole prompt.
    #[arg(long)]
    pub(crate) prompt: PathBuf,
    /// Sequences written side by side.
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    pub(crate) batch: Vec<usize>,
    /// Tokens written in each.
    #[arg(long, default_value_t = 256)]
    pub(crate) new_tokens: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
}

/// Time steps of fine-tuning an adapter on one sequence of random tokens.
#[derive(Debug, ClapArgs)]
pub(crate) struct BenchFinetuneArgs {
    /// `embedded`, a GGUF file, a folder of safetensors, or a hub repository.
    #[arg(long, default_value = "embedded")]
    pub(crate) model: String,
    /// Tokens of the sequence; the loss is on the last three quarters.
    #[arg(long, default_value_t = 512)]
    pub(crate) seq: usize,
    /// Rank of the adapter on all seven projections of all blocks.
    #[arg(long, default_value_t = 16)]
    pub(crate) rank: usize,
    /// Steps timed, after one that is not.
    #[arg(long, default_value_t = 4)]
    pub(crate) steps: usize,
    /// Compute activations twice instead of keeping them.
    #[arg(long)]
    pub(crate) checkpoint: bool,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
}

/// Time training steps.
#[derive(Debug, ClapArgs)]
pub(crate) struct BenchTrainArgs {
    /// Python files.
    #[arg(required = true)]
    pub(crate) nets: Vec<PathBuf>,
    /// Images in a step.
    #[arg(long, default_value_t = 64)]
    pub(crate) batch: usize,
    /// Steps timed.
    #[arg(long, default_value_t = 8)]
    pub(crate) steps: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// cpu or cuda.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

/// Time sketching, insertion and retrieval of near-duplicates.
#[derive(Debug, ClapArgs)]
pub(crate) struct BenchNoveltyArgs {
    /// A folder of `.py` files.
    pub(crate) dir: PathBuf,
    /// At most so many files.
    #[arg(long, default_value_t = 2000)]
    pub(crate) limit: usize,
}

/// Train one candidate from a task file: what the executor runs in child processes.
#[derive(Debug, ClapArgs)]
pub(crate) struct WorkerArgs {
    /// The task.
    #[arg(long)]
    pub(crate) task: PathBuf,
    /// Where the result goes.
    #[arg(long)]
    pub(crate) result: PathBuf,
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
