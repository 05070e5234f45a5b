//! The program about itself: operators, diagnostics, the machine, the shell, measurements.

use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

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

#[derive(Debug, Subcommand)]
/// Measure speed.
pub(crate) enum BenchCommand {
    Check(BenchCheckArgs),
    Train(BenchTrainArgs),
    Evaluate(BenchEvaluateArgs),
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
    /// In what products are computed: f32, or bf16 for a GPU's tensor cores.
    #[arg(long, default_value = "f32")]
    pub(crate) precision: String,
    /// MiB that a process may take: activations are computed again to stay below; 0: no limit.
    #[arg(long, default_value_t = 0)]
    pub(crate) memory: u64,
}

/// Put a folder of networks through the worker processes, one after another, and watch what this process holds.
#[derive(Debug, ClapArgs)]
pub(crate) struct BenchEvaluateArgs {
    /// A folder of `.py` files, or with a folder nn/ in it.
    #[arg(long)]
    pub(crate) corpus: PathBuf,
    /// Networks, spread evenly over the folder.
    #[arg(long, default_value_t = 200)]
    pub(crate) limit: usize,
    /// Images of the embedded sample that each is trained on, and as many for each accuracy.
    #[arg(long, default_value_t = 50)]
    pub(crate) images: usize,
    /// Wall-clock limit of one, in seconds.
    #[arg(long, default_value_t = 60)]
    pub(crate) time_limit: u64,
    /// Memory limit of one, in MiB.
    #[arg(long, default_value_t = 1024)]
    pub(crate) memory_limit: u64,
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
