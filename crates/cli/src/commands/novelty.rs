//! `archsmith novelty`.

use super::{WrongUse, python_files, read_source, shown};
use crate::args::NoveltyArgs;
use crate::{Ending, output};
use archsmith_archive::{NEAR_DUPLICATE, NoveltyIndex, RunDir, Sketch, Store};
use archsmith_frontend::Options;
use archsmith_ir::fingerprint;
use serde::Serialize;
use std::path::Path;

#[derive(Debug, Serialize)]
struct Pair {
    a: String,
    b: String,
    jaccard: f64,
    novelty: f64,
    near_duplicate: bool,
    /// Whether the graphs are equal; `None` where one of them has none.
    same_graph: Option<bool>,
    /// Jaccard similarity of the graphs' neighbourhoods.
    graph_similarity: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Found {
    file: String,
    nearest: Option<String>,
    jaccard: f64,
    novelty: f64,
    near_duplicate: bool,
}

pub(super) fn novelty(args: NoveltyArgs) -> anyhow::Result<Ending> {
    let options = args.reading.options()?;
    match (&args.files[..], &args.against) {
        ([a, b], None) => compare(a, b, &options, args.json),
        ([file], Some(folder)) => find(file, folder, args.json),
        _ => Err(WrongUse("give two networks, or one and --against a folder".into()).into()),
    }
}

fn compare(a: &Path, b: &Path, options: &Options, json: bool) -> anyhow::Result<Ending> {
    let (ta, tb) = (read_source(a)?, read_source(b)?);
    let jaccard = Sketch::of(&ta).jaccard(&Sketch::of(&tb));
    let graph = |text: &str| archsmith_frontend::check(text, options).ok().map(|(g, _)| g);
    let (ga, gb) = (graph(&ta), graph(&tb));
    let both = ga.as_ref().zip(gb.as_ref());
    let same_graph = both.map(|(x, y)| fingerprint::fingerprint(x) == fingerprint::fingerprint(y));
    let graph_similarity = both.map(|(x, y)| {
        let sketch = |g| Sketch::from_shingles(fingerprint::graph_shingles(g));
        sketch(x).jaccard(&sketch(y))
    });
    let pair = Pair {
        a: shown(a),
        b: shown(b),
        jaccard,
        novelty: 1.0 - jaccard,
        near_duplicate: jaccard >= NEAR_DUPLICATE,
        same_graph,
        graph_similarity,
    };
    if json {
        output::json(&pair)?;
    } else {
        output::line(format!(
            "text   Jaccard {jaccard:.3}, novelty {:.3}{}",
            pair.novelty,
            if pair.near_duplicate { ": near-duplicates" } else { "" }
        ))?;
        output::line(match (same_graph, graph_similarity) {
            (Some(true), _) => "graph  the same".to_string(),
            (_, Some(s)) => format!("graph  similarity {s:.3}"),
            _ => "graph  at least one of the two is no network that can be built (see `archsmith check`)".to_string(),
        })?;
        if same_graph == Some(true) && !pair.near_duplicate {
            output::line("       they disagree: other words, the same network")?;
        } else if pair.near_duplicate && same_graph == Some(false) {
            output::line("       they disagree: almost the same words, another network")?;
        }
    }
    Ok(Ending::Done)
}

fn find(file: &Path, folder: &Path, json: bool) -> anyhow::Result<Ending> {
    let text = read_source(file)?;
    let mut index = NoveltyIndex::new();
    if folder.join("config.toml").is_file() {
        let store = Store::open_read_only(&RunDir::open(folder)?.archive_path())?;
        for seed in store.seeds()? {
            index.insert(&seed.id(), &seed.text);
        }
        for c in store.candidates()? {
            index.insert(&c.id, &c.text);
        }
    } else {
        for path in python_files(&[folder.to_path_buf()])? {
            if let Ok(other) = read_source(&path) {
                index.insert(&shown(&path), &other);
            }
        }
    }
    let near = index.nearest(&text);
    let jaccard = near.as_ref().map_or(0.0, |n| n.jaccard);
    let found = Found {
        file: shown(file),
        nearest: near.map(|n| n.id),
        jaccard,
        novelty: 1.0 - jaccard,
        near_duplicate: jaccard >= NEAR_DUPLICATE,
    };
    if json {
        output::json(&found)?;
    } else {
        output::line(match &found.nearest {
            Some(id) => format!("nearest of {}: {id}, Jaccard {jaccard:.3}, novelty {:.3}", index.len(), found.novelty),
            None => "nothing to compare with".to_string(),
        })?;
    }
    Ok(Ending::Done)
}
