//! Training: of networks, and of the language models that write them.

use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// Train one network as its own train_setup and learn ask.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith train net.py
  archsmith train net.py --data fashion-mnist --path data/fashion-mnist --epochs 3
  archsmith train net.py --data cifar10 --path cifar-10-batches-bin --flip --crop 4 --epochs 10 --curves net.csv
  archsmith train net.py --data folder --path photos --preset paper --save net.safetensors")]
pub(crate) struct TrainArgs {
    /// A Python file.
    pub(crate) file: PathBuf,
    /// fashion-mnist-sample (embedded), fashion-mnist, cifar10, cifar100, or folder: any images by class.
    #[arg(long, default_value = "fashion-mnist-sample")]
    pub(crate) data: String,
    /// Where the data's files are; for CIFAR the hub is asked when this is left out. Of a folder: one folder for each class with
    /// its PNG and JPEG files, or the same below train and test.
    #[arg(long)]
    pub(crate) path: Option<PathBuf>,
    /// Passes over the training images.
    #[arg(long, default_value_t = 1)]
    pub(crate) epochs: u32,
    /// How images are presented: native (32×32, 64 in a step) or paper (256×256, 16 in a step, mirrored at random). What is given
    /// besides goes before it.
    #[arg(long, value_enum, default_value_t = Protocol::Native)]
    pub(crate) preset: Protocol,
    /// Height and width of the images.
    #[arg(long)]
    pub(crate) size: Option<usize>,
    /// Images in a step.
    #[arg(long)]
    pub(crate) batch: Option<usize>,
    /// Mirror training images left to right with probability ½.
    #[arg(long)]
    pub(crate) flip: bool,
    /// In what products are computed: f32, or bf16 for a GPU's tensor cores.
    #[arg(long, default_value = "f32")]
    pub(crate) precision: String,
    /// Shift training images at random by up to so many pixels each way.
    #[arg(long, default_value_t = 0, value_name = "PIXELS")]
    pub(crate) crop: usize,
    /// Memory in MiB: of a network that would need more, activations are computed again; where that is not enough it is refused before
    /// training. 0: no limit.
    #[arg(long, default_value_t = 0, value_name = "MIB")]
    pub(crate) memory: u64,
    /// Write a line for each step, with the accuracies at the end of each epoch: .jsonl or .csv.
    #[arg(long, value_name = "FILE")]
    pub(crate) curves: Option<PathBuf>,
    /// Write the trained weights by PyTorch's state_dict names.
    #[arg(long, value_name = "W.safetensors")]
    pub(crate) save: Option<PathBuf>,
    /// Seed of weights, order and dropout.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Weights to start from, by PyTorch's state_dict names; default: initial values drawn from the seed.
    #[arg(long, value_name = "W.safetensors")]
    pub(crate) weights: Option<PathBuf>,
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

/// How images are presented.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Protocol {
    /// 32×32, 64 in a step.
    Native,
    /// 256×256, 16 in a step, mirrored at random: the published experiments' own.
    Paper,
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

/// Let a language model write networks, and say what becomes of each.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith generate -n 4
  archsmith generate --model model.gguf -n 4 --style chat --temperature 0.2
  archsmith generate --model model.gguf -n 4 --change net.py
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
    /// What steers the sampling: nothing, a grammar of networks, or the compiler, which takes back statements that no network can have.
    #[arg(long, value_enum, default_value_t = Guide::Off)]
    pub(crate) guide: Guide,
    /// compact or chat; default: chat where the model has a chat template.
    #[arg(long, value_enum)]
    pub(crate) style: Option<Style>,
    /// A network shown in the prompt as an example; up to three times. Chat only.
    #[arg(long = "example", value_name = "NET.py")]
    pub(crate) examples: Vec<PathBuf>,
    /// Ask for a change of this network, as a unified diff, instead of for a whole one. Chat only, without a guide.
    #[arg(long, value_name = "NET.py", conflicts_with = "examples")]
    pub(crate) change: Option<PathBuf>,
    /// The accuracy that is asked for.
    #[arg(long, default_value_t = 0.7)]
    pub(crate) accuracy: f64,
    /// The whole prompt, as it stands in this file, instead of one that asks for a network.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["style", "examples", "change", "accuracy"])]
    pub(crate) prompt: Option<PathBuf>,
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
    /// Tokens of one answer that the compiler may have taken back before the answer is given up, as a multiple of the longest
    /// answer.
    #[arg(long, value_name = "TIMES", default_value_t = archsmith_llm::Sampling::TAKE_BACK)]
    pub(crate) take_back: usize,
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
    /// Tokens that no text of the grammar of networks could go on with are not drawn.
    Grammar,
    /// The text is elaborated as it grows; a statement that cannot stand is taken back and sampled again.
    Compiler,
}

impl From<Guide> for archsmith_search::config::Guide {
    fn from(guide: Guide) -> Self {
        match guide {
            Guide::Off => Self::Off,
            Guide::Grammar => Self::Grammar,
            Guide::Compiler => Self::Compiler,
        }
    }
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
    /// Stop after so many passes that did not lower the loss on the held-out pairs, and keep the best; 0: make all passes.
    #[arg(long, default_value_t = 0)]
    pub(crate) patience: usize,
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
