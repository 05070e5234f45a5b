//! `archsmith report`.

use crate::args::ReportArgs;
use crate::{Ending, output};
use anyhow::Context;
use archsmith_archive::{RunDir, Store, write_atomically};
use archsmith_frontend::Options;
use archsmith_ir::{draw, summary};
use archsmith_report::{Drawing, RunView};
use archsmith_search::Config;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Networks that the report draws.
const DRAWN: usize = 5;

pub(super) fn report(args: ReportArgs) -> anyhow::Result<Ending> {
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

/// The figures of a run.
pub(super) fn view(dir: &Path) -> anyhow::Result<RunView> {
    let run = RunDir::open(dir)?;
    let store = Store::open_read_only(&run.archive_path())?;
    let config = Config::from_toml(&run.config()?, &run.config_path().display().to_string())?;
    let mut options = archsmith_search::gates::options(&config, [3, 32, 32], 10);
    options.in_shape[0] = config.training.batch;
    let drawings = drawings(&store, &options)?;
    Ok(RunView::load(&store, &run, drawings)?)
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
    for c in store.top(DRAWN)? {
        if let Ok((graph, _)) = archsmith_frontend::check(&c.text, options) {
            let table = summary::summary(&graph);
            out.insert(c.id, Drawing { svg: draw::svg(&graph), summary: serde_json::to_value(&table)? });
        }
    }
    Ok(out)
}
