//! `archsmith report`.

use crate::args::ReportArgs;
use crate::{Ending, output};
use anyhow::Context;
use archsmith_archive::{EventLog, RunDir, Store, write_atomically};
use archsmith_frontend::Options;
use archsmith_inspect::draw;
use archsmith_ir::summary;
use archsmith_report::{Context as ReportContext, Drawing, OperatorRow, RunView};
use archsmith_search::Config;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) fn report(args: ReportArgs) -> anyhow::Result<Ending> {
    let view = view(&args.dir)?;
    if args.json {
        output::json(&view)?;
        return Ok(Ending::Done);
    }
    if args.csv {
        output::csv(&archsmith_report::cycle_records(&[(args.dir.display().to_string(), view)]))?;
        return Ok(Ending::Done);
    }
    let out = write(&args.dir, &view, args.out.as_deref())?;
    output::line(archsmith_report::text_summary(&view).trim_end())?;
    output::note(format!("report: {}", out.display()));
    Ok(Ending::Done)
}

/// The figures of a run.
pub(super) fn view(dir: &Path) -> anyhow::Result<RunView> {
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
        drawings: drawings(&store, &options)?,
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
