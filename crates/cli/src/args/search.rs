//! The loop and what it leaves behind: runs, archives, reports, seed sets.

use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

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
    /// Take results of training from this folder, and keep them there: across runs, by graph, recipe, images, seed and
    /// settings. The archive is the same with and without.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,
    /// One event a line on standard output, as JSON.
    #[arg(long)]
    pub(crate) json_events: bool,
}

/// Show a configuration: a preset with its comments, or what a file and settings make of it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith config laptop > mine.toml
  archsmith config --config mine.toml --set run.cycles=5
  archsmith config --schema > archsmith.schema.json      for an editor that checks TOML files")]
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
    /// The JSON schema of configuration files instead.
    #[arg(long, conflicts_with_all = ["preset", "config", "settings"])]
    pub(crate) schema: bool,
}

#[derive(Debug, Subcommand)]
/// Networks from outside, as data.
pub(crate) enum CorpusCommand {
    Import(ImportArgs),
    Export(CorpusExportArgs),
}

/// Write the networks of a run with their test accuracies as LEMUR keeps its own: nn/*.py and stat/train/….
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith corpus export runs/laptop-001 --out lemur/
  archsmith corpus import lemur/ --data fashion-mnist --out seeds.jsonl")]
pub(crate) struct CorpusExportArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// The folder; what is in it stays.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Every trained network, not the admitted alone.
    #[arg(long)]
    pub(crate) all: bool,
}

/// Read networks with their measured accuracies into a seed set.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  archsmith corpus import nn_dataset-2.1.2-py3-none-any.whl --out seeds.jsonl
  archsmith run --set run.seeds=seeds.jsonl")]
pub(crate) struct ImportArgs {
    /// A folder in LEMUR's layout (nn/*.py, stat/…) or of `.py` files, or LEMUR's wheel (.whl; any .zip of such files).
    #[arg(value_name = "FOLDER|WHEEL")]
    pub(crate) corpus: PathBuf,
    /// Where the seed set goes: one JSON object a line.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Which accuracies are read, by LEMUR's name of the images.
    #[arg(long, default_value = "cifar-10")]
    pub(crate) data: String,
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
    /// Train networks of a run again from other seeds, to tell their difference from that of seeds; or its seed networks.
    ///
    /// The results are kept beside the archive, whose digest does not change, and are a section of the report. A call that was stopped
    /// goes on where it was.
    #[command(after_help = "Examples:
  archsmith archive reseed runs/laptop-001                       the 8 best, 3 trainings each
  archsmith archive reseed runs/laptop-001 --top 20 --spread     20 from the best to the worst
  archsmith archive reseed runs/laptop-001 --longer 5            and once for 5 epochs: does one epoch rank as five do?
  archsmith archive reseed runs/laptop-001 --seed-set 40         40 networks known before: how good are they here?")]
    Reseed(ArchiveReseedArgs),
    /// Pack a run into one file: its archive, adapters, pairs and everything else in its folder.
    #[command(after_help = "Example:\n  archsmith archive export runs/laptop-001 --out laptop-001.tar.gz")]
    Export(ArchiveExportArgs),
    /// Unpack a run from such a file, and check it. It can be resumed where it was left.
    #[command(after_help = "Example:\n  archsmith archive import laptop-001.tar.gz --out runs/laptop-001")]
    Import(ArchiveImportArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArchiveExportArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// The file, as a rule with the ending .tar.gz.
    #[arg(long, short)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArchiveImportArgs {
    /// The file.
    pub(crate) file: PathBuf,
    /// The run's folder: new, or empty.
    #[arg(long, short)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArchiveReseedArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// So many networks, the best by validation accuracy.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: u32,
    /// So many networks of the seed set instead, evenly from those by name that the run would train. The report shows its candidates
    /// beside them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..),
          conflicts_with_all = ["top", "spread", "longer"])]
    pub(crate) seed_set: Option<u32>,
    /// Take them evenly from the whole ranking instead, the best and the worst included.
    #[arg(long)]
    pub(crate) spread: bool,
    /// Trainings of each: 3 unless told otherwise, 1 of seed networks.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) times: Option<u32>,
    /// Train each for so many epochs too.
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) longer: Option<u32>,
    /// Trainings of each for so many epochs.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "longer")]
    pub(crate) longer_times: u32,
    /// A folder of results of training to look into first, and to keep new ones in.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,
    /// One JSON object a training, then one with what they say.
    #[arg(long)]
    pub(crate) json: bool,
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

/// Write the report of a run: one HTML file, or its figures as tables.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith report runs/smoke-001
  archsmith report runs/smoke-001 --csv tables    cycles, candidates, front, funnel, rejections, lineage, costs
  archsmith report runs/smoke-001 --csv           one row a cycle, on standard output")]
pub(crate) struct ReportArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// Where the report goes. Default: report.html in the run's folder.
    #[arg(long, short)]
    pub(crate) out: Option<PathBuf>,
    /// The figures as one JSON object instead.
    #[arg(long)]
    pub(crate) json: bool,
    /// Everything it shows as comma-separated values instead: a file for each table into this folder; without a folder, one
    /// row a cycle on standard output.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, conflicts_with_all = ["json", "out"])]
    pub(crate) csv: Option<Option<PathBuf>>,
}

/// Decide a run again with a part of it left out, from what is recorded.
///
/// Novelty, redraws, repairs, topping up and the threshold are decided again from the recorded texts and results; what would have been
/// trained and was not is trained with --train, from its recorded seed. What only the language model could tell is said to be unknown.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  archsmith replay runs/smoke-001 --without novelty           near-duplicates are no reason to refuse
  archsmith replay runs/smoke-001 --without novelty --train   and those that were refused are trained now
  archsmith replay runs/smoke-001 --without guide,top-up
  archsmith replay runs/smoke-001 --threshold 0.8")]
pub(crate) struct ReplayArgs {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// A part to leave out, or several with commas: novelty, text-novelty, graph-novelty, redraws, repair, top-up, guide, sft.
    #[arg(long, value_name = "PART")]
    pub(crate) without: Vec<String>,
    /// Another threshold of admission, 0 to 1.
    #[arg(long)]
    pub(crate) threshold: Option<f64>,
    /// Train what would have been trained and has no result.
    #[arg(long)]
    pub(crate) train: bool,
    /// A folder of results of training to look into first, and to keep new ones in.
    #[arg(long, value_name = "FOLDER", requires = "train")]
    pub(crate) cache: Option<PathBuf>,
    /// One JSON object instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Draw the cycles of all runs into one picture as well.
    #[arg(long, value_name = "OUT.svg")]
    pub(crate) svg: Option<PathBuf>,
}
