//! `archsmith report`.

use crate::args::ReportArgs;
use crate::{Ending, output};
use anyhow::Context;
use archsmith_archive::{CandidateRecord, EventLog, Retrainings, RunDir, Store, write_atomically};
use archsmith_frontend::Options;
use archsmith_inspect::diff::diff;
use archsmith_inspect::draw;
use archsmith_ir::{TypedGraph, summary};
use archsmith_report::{Context as ReportContext, Difference, Drawing, OperatorRow, Relation, RunView};
use archsmith_search::Config;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Networks learnt from whose differences are shown; finding one takes some ten milliseconds.
const DIFFERENCES: usize = 100;
/// Networks of a prompt that one is compared with.
const SHOWN: usize = 3;

pub(super) fn report(args: ReportArgs) -> anyhow::Result<Ending> {
    if let Some(folder) = &args.csv {
        let name = args.dir.display().to_string();
        let view = figures(&args.dir)?;
        match folder {
            Some(folder) => write_tables(&name, &view, folder)?,
            None => output::csv(&archsmith_report::cycle_records(&[(name, view)]))?,
        }
        return Ok(Ending::Done);
    }
    let view = view(&args.dir)?;
    if args.json {
        output::json(&view)?;
        return Ok(Ending::Done);
    }
    let out = write(&args.dir, &view, args.out.as_deref())?;
    output::line(archsmith_report::text_summary(&view).trim_end())?;
    output::note(format!("report: {}", out.display()));
    Ok(Ending::Done)
}

/// A file for each table of the report.
fn write_tables(name: &str, view: &RunView, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} could not be made", folder.display()))?;
    for table in archsmith_report::tables(name, view) {
        let path = folder.join(format!("{}.csv", table.name));
        write_atomically(&path, table.csv().as_bytes())
            .with_context(|| format!("{} could not be written", path.display()))?;
        output::note(format!("{}: {} rows, {}", path.display(), table.records.len() - 1, table.what));
    }
    Ok(())
}

/// The figures of a run, without drawings and differences.
pub(super) fn figures(dir: &Path) -> anyhow::Result<RunView> {
    load(dir, false)
}

/// Everything that the page of a run shows.
pub(super) fn view(dir: &Path) -> anyhow::Result<RunView> {
    load(dir, true)
}

fn load(dir: &Path, pictures: bool) -> anyhow::Result<RunView> {
    let run = RunDir::open(dir)?;
    let store = Store::open_read_only(&run.archive_path())?;
    let config = Config::from_toml(&run.config()?, &run.config_path().display().to_string())?;
    let options = archsmith_search::gates::options(&config, [3, 32, 32], 10);
    let context = ReportContext {
        facts: vec![
            ("Language model".into(), config.model.source.clone()),
            ("Data".into(), config.data.name.clone()),
            (
                "Budget".into(),
                format!("{} parameters, {} multiply-adds an image", config.budget.max_params, config.budget.max_macs),
            ),
            (
                "Training".into(),
                format!(
                    "{} epoch(s), batches of {}, on {}",
                    config.training.epochs, config.training.batch, config.training.device
                ),
            ),
        ],
        threshold: config.admission.threshold,
        events: EventLog::read(&run.events_path())?,
        drawings: if pictures { drawings(&store, &options)? } else { BTreeMap::new() },
        differences: if pictures { differences(&store, &options)? } else { BTreeMap::new() },
        retrainings: Retrainings::open(&run.retrainings_path())?.all().to_vec(),
        command: Some("archsmith run --config config.toml --out DIR".into()),
    };
    Ok(RunView::load(&store, context)?)
}

/// Writes the page; beside the run unless told where.
pub(super) fn write(dir: &Path, view: &RunView, out: Option<&Path>) -> anyhow::Result<PathBuf> {
    let html = archsmith_report::render(view)?;
    let out = match out {
        Some(path) => path.to_path_buf(),
        None => RunDir::open(dir)?.report_path(),
    };
    write_atomically(&out, html.as_bytes()).with_context(|| format!("{} could not be written", out.display()))?;
    Ok(out)
}

fn drawings(store: &Store, options: &Options) -> anyhow::Result<BTreeMap<String, Drawing>> {
    let mut out = BTreeMap::new();
    for c in store.top(archsmith_report::BEST)? {
        if let Ok((graph, _)) = archsmith_frontend::check(&c.text, options) {
            let table = summary::summary(&graph);
            let rows = table.rows.iter().map(row).collect();
            out.insert(c.id, Drawing { svg: draw::svg(&graph), rows });
        }
    }
    Ok(out)
}

/// What the best networks and the best of those that were learnt from differ in from the networks shown in their prompts, and
/// from the one that is nearest by its text.
fn differences(store: &Store, options: &Options) -> anyhow::Result<BTreeMap<String, Vec<Difference>>> {
    let topped_up: BTreeSet<String> = store.cycles()?.into_iter().flat_map(|c| c.topped_up).collect();
    let mut chosen = store.top(archsmith_report::BEST)?;
    let learnt = |c: &CandidateRecord| c.admitted || topped_up.contains(&c.id);
    for c in store.top(usize::MAX)?.into_iter().filter(learnt).take(DIFFERENCES) {
        if chosen.iter().all(|known| known.id != c.id) {
            chosen.push(c);
        }
    }
    let mut texts: BTreeMap<String, String> = store.seeds()?.into_iter().map(|s| (s.id(), s.text)).collect();
    texts.extend(store.candidates()?.into_iter().map(|c| (c.id, c.text)));
    let mut graphs: BTreeMap<String, Option<TypedGraph>> = BTreeMap::new();
    let mut out = BTreeMap::new();
    for c in chosen {
        let shown = c.parents.iter().take(SHOWN).map(|id| (id, Relation::Shown));
        let others: Vec<(&String, Relation)> =
            shown.chain(c.nearest.iter().map(|id| (id, Relation::Nearest))).collect();
        for id in others.iter().map(|(id, _)| *id).chain([&c.id]) {
            graphs.entry(id.clone()).or_insert_with(|| {
                texts.get(id).and_then(|text| archsmith_frontend::check(text, options).ok()).map(|(graph, _)| graph)
            });
        }
        let graph = |id: &String| graphs.get(id).and_then(Option::as_ref);
        let mut found: Vec<Difference> = Vec::new();
        for (id, relation) in others {
            let Some((before, after)) = graph(id).zip(graph(&c.id)) else { continue };
            if found.iter().all(|known| known.from != *id) {
                let text = diff(before, after).to_text((None, Some(&c.text)));
                found.push(Difference { from: id.clone(), relation, text });
            }
        }
        if !found.is_empty() {
            out.insert(c.id, found);
        }
    }
    Ok(out)
}

/// A row of the summary as the report shows it.
fn row(row: &summary::Row) -> OperatorRow {
    let shapes: Vec<String> = row.outputs.iter().map(|s| format!("{s:?}")).collect();
    OperatorRow {
        name: row.scope.clone(),
        operator: if row.class.is_empty() { row.op.clone() } else { format!("{} ({})", row.op, row.class) },
        output: shapes.join(", "),
        params: row.params,
        macs: row.macs,
    }
}
