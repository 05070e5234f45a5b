//! `archsmith pretrain`: how the embedded model is made.

use super::corpus::{builtin_seeds, seed_set};
use crate::args::PretrainArgs;
use crate::{Ending, output};
use anyhow::Context;
use archsmith_archive::write_atomically;
use archsmith_llm::{PretrainConfig, PretrainDoc};
use archsmith_search::corpus::{CorpusRecipe, Document, build};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::Path;

/// The recipe: what the model reads, and how it is trained.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    corpus: CorpusRecipe,
    training: PretrainConfig,
}

/// The recipe of the embedded model.
const DEFAULT: &str = include_str!("../../../../assets/model/recipe.toml");

pub(super) fn pretrain(args: PretrainArgs) -> anyhow::Result<Ending> {
    let (origin, text) = match &args.config {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("{} could not be read", path.display()))?;
            (path.display().to_string(), text)
        }
        None => ("the built-in recipe".to_string(), DEFAULT.to_string()),
    };
    let recipe: Recipe = toml::from_str(&text).with_context(|| origin)?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("{} could not be made", args.out.display()))?;
    let documents = documents(&args, &recipe.corpus)?;
    if args.corpus_only {
        return Ok(Ending::Done);
    }
    let (held_out, training): (Vec<Document>, Vec<Document>) = documents.into_iter().partition(|d| d.held_out);
    let docs = |from: Vec<Document>| -> Vec<PretrainDoc> {
        from.into_iter().map(|d| PretrainDoc { prompt: d.prompt, completion: d.completion }).collect()
    };
    let bar = output::bar(0, "pretrain");
    let mut failed = None;
    let report = archsmith_llm::pretrain(
        &docs(training),
        &docs(held_out),
        &recipe.training,
        args.from.as_deref(),
        &args.out,
        &mut |s| {
            bar.set_length(s.of as u64);
            bar.set_position(s.step as u64);
            bar.set_message(format!("loss {:.3}, {:.0} tokens/s", s.loss, s.tokens as f64 / s.seconds.max(1e-9)));
            if args.json
                && let Err(e) = output::json(&s)
            {
                failed = Some(e);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        },
    );
    bar.finish_and_clear();
    if let Some(e) = failed {
        return Err(e);
    }
    let report = report?;
    let summary = serde_json::to_string_pretty(&report)?;
    write_atomically(&args.out.join("report.json"), format!("{summary}\n").as_bytes())?;
    if args.json {
        output::json(&report)?
    } else {
        output::line(summary)?
    }
    Ok(Ending::Done)
}

/// The corpus, from corpus.jsonl in the output folder where an interrupted run left it.
fn documents(args: &PretrainArgs, recipe: &CorpusRecipe) -> anyhow::Result<Vec<Document>> {
    let path = args.out.join("corpus.jsonl");
    if path.is_file() && !args.corpus_only {
        output::note(format!("the corpus is there already: {}", path.display()));
        return read(&path);
    }
    let given = match &args.corpus {
        Some(folder) => seed_set(&folder.display().to_string())?,
        None => Vec::new(),
    };
    let builtin = builtin_seeds();
    let bar = output::bar((builtin.len() + given.len()) as u64, "corpus");
    let (documents, counts) = build(&builtin, &given, recipe, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let mut text = String::new();
    for d in &documents {
        text.push_str(&serde_json::to_string(d)?);
        text.push('\n');
    }
    write_atomically(&path, text.as_bytes()).with_context(|| format!("{} could not be written", path.display()))?;
    output::note(format!(
        "corpus: {} networks, {} texts with their variants, {} of them networks within the limits, {} documents",
        builtin.len() + given.len(),
        counts.tried,
        counts.valid,
        counts.documents
    ));
    Ok(documents)
}

fn read(path: &Path) -> anyhow::Result<Vec<Document>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} could not be read", path.display()))?;
    text.lines()
        .enumerate()
        .map(|(i, l)| serde_json::from_str(l).with_context(|| format!("{}, line {}", path.display(), i + 1)))
        .collect()
}
