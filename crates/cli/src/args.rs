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
    Summary(SummaryArgs),
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
    Doctor(DoctorArgs),
    #[command(subcommand)]
    Bench(BenchCommand),
    #[command(hide = true)]
    Worker(WorkerArgs),
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

/// A table of a network's operations: shapes, parameters, multiply-adds.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith summary net.py --in-shape 1,3,32,32")]
pub(crate) struct SummaryArgs {
    /// A Python file, or `-` for standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The table as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
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
    /// What steers the sampling. Only `off` exists so far.
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
    /// One JSON object a network.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What steers the sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Guide {
    /// Nothing: the model's own distribution.
    Off,
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
  archsmith ops conv2d")]
pub(crate) struct OpsArgs {
    /// An operator's name, or a PyTorch path such as torch.nn.functional.relu.
    pub(crate) name: Option<String>,
    /// One JSON object an operator.
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
}

/// Time the frontend over a folder of networks: one core, warm.
#[derive(Debug, ClapArgs)]
pub(crate) struct BenchCheckArgs {
    /// A folder of `.py` files, or with a folder nn/ in it.
    #[arg(long)]
    pub(crate) corpus: PathBuf,
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
