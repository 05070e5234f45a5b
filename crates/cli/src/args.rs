//! The arguments: what every command shares here, the commands' own by what they are about.

mod model;
mod network;
mod search;
mod tool;

pub(crate) use model::*;
pub(crate) use network::*;
pub(crate) use search::*;
pub(crate) use tool::*;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

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
    Replay(ReplayArgs),
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
