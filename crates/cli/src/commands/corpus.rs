//! `archsmith corpus`, and the seed sets that runs and pretraining read.

use crate::args::{CorpusExportArgs, ImportArgs};
use crate::{Ending, output};
use anyhow::Context;
use archsmith_archive::{
    Measured, Retrainings, RunDir, SeedRecord, Store, export_lemur, import_corpus, write_atomically,
};
use archsmith_frontend::Options;
use archsmith_ir::fingerprint;
use archsmith_search::Config;
use rayon::prelude::*;
use std::path::Path;

/// The images of LEMUR's own accuracies, by its name of them.
const LEMUR_IMAGES: &str = "cifar-10";

/// The built-in seed networks, written for this project.
pub(crate) fn builtin_seeds() -> Vec<SeedRecord> {
    SEEDS
        .iter()
        .map(|(name, text)| SeedRecord {
            name: (*name).to_string(),
            text: (*text).to_string(),
            accuracy: None,
            fingerprint: None,
        })
        .collect()
}

include!(concat!(env!("OUT_DIR"), "/seeds.rs"));

/// A seed set as a run's configuration names it: `builtin`, `none`, a file made by `corpus import`, a folder of
/// networks or a wheel.
pub(crate) fn seed_set(name: &str) -> anyhow::Result<Vec<SeedRecord>> {
    match name {
        "builtin" => Ok(builtin_seeds()),
        "none" => Ok(Vec::new()),
        path => {
            let path = Path::new(path);
            if path.is_dir() || path.extension().is_some_and(|e| e == "whl" || e == "zip") {
                return Ok(import_corpus(path, LEMUR_IMAGES)?.seeds);
            }
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the seed set {} could not be read", path.display()))?;
            text.lines()
                .filter(|l| !l.trim().is_empty())
                .enumerate()
                .map(|(i, l)| {
                    serde_json::from_str(l)
                        .with_context(|| format!("{}, line {}: no network of a seed set", path.display(), i + 1))
                })
                .collect()
        }
    }
}

pub(super) fn export(args: CorpusExportArgs) -> anyhow::Result<Ending> {
    let run = RunDir::open(&args.dir)?;
    let config = Config::from_toml(&run.config()?, &run.config_path().display().to_string())?;
    let store = Store::open_read_only(&run.archive_path())?;
    let candidates = if args.all { store.candidates()? } else { store.admitted()? };
    let again = Retrainings::open(&run.retrainings_path())?;
    let data = match config.data.name.as_str() {
        "cifar10" => "cifar-10",
        "cifar100" => "cifar-100",
        "fashion-mnist-sample" => "fashion-mnist",
        other => other,
    };
    let measured = Measured {
        data,
        // Images are normalised, and seen at 32×32.
        transform: "norm_32",
        batch: config.training.batch,
        prm: &config.training.prm,
        again: again.all(),
    };
    let written = export_lemur(&candidates, &measured, &args.out)
        .map_err(|(path, e)| anyhow::Error::new(e).context(format!("{} could not be written", path.display())))?;
    output::note(format!("{}: {written} networks with their test accuracies on {data}", args.out.display()));
    Ok(Ending::Done)
}

pub(super) fn import(args: ImportArgs) -> anyhow::Result<Ending> {
    let imported = import_corpus(&args.corpus, &args.data)?;
    for (path, reason) in &imported.skipped {
        output::note(format!("skipped {}: {reason}", path.display()));
    }
    let bar = output::bar(imported.seeds.len() as u64, "import");
    let options = Options { in_shape: [2, 3, 32, 32], ..Options::default() };
    let mut seeds = imported.seeds;
    seeds.par_iter_mut().for_each(|seed| {
        if let Ok((graph, _)) = archsmith_frontend::check(&seed.text, &options) {
            seed.fingerprint = Some(fingerprint::fingerprint(&graph).to_string());
        }
        bar.inc(1);
    });
    bar.finish_and_clear();
    let all = seeds.len();
    if args.valid_only {
        seeds.retain(|s| s.fingerprint.is_some());
    }
    let mut text = String::new();
    for seed in &seeds {
        text.push_str(&serde_json::to_string(seed)?);
        text.push('\n');
    }
    write_atomically(&args.out, text.as_bytes())
        .with_context(|| format!("{} could not be written", args.out.display()))?;
    let typed = seeds.iter().filter(|s| s.fingerprint.is_some()).count();
    let measured = seeds.iter().filter(|s| s.accuracy.is_some()).count();
    output::note(format!(
        "{}: {} of {all} networks, {typed} of them typed graphs, {measured} with a measured accuracy",
        args.out.display(),
        seeds.len()
    ));
    Ok(Ending::Done)
}
