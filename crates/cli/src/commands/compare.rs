//! `archsmith compare`.

use super::report::figures;
use crate::args::CompareArgs;
use crate::{Ending, output};
use anyhow::Context;
use archsmith_report::{Comparison, RunView, curves, cycle_records};

pub(super) fn compare(args: &CompareArgs) -> anyhow::Result<Ending> {
    let mut runs: Vec<(String, RunView)> = Vec::new();
    for dir in &args.dirs {
        runs.push((dir.display().to_string(), figures(dir)?));
    }
    if let Some(path) = &args.svg {
        let picture = curves(&runs)
            .context("none of these runs has trained a network in a finished cycle: there is nothing to draw")?;
        std::fs::write(path, picture).with_context(|| format!("{} could not be written", path.display()))?;
    }
    if args.csv {
        output::csv(&cycle_records(&runs))?;
    } else if args.json {
        output::json(&Comparison::of(&runs))?;
    } else {
        output::text(&Comparison::of(&runs).text())?;
    }
    Ok(Ending::Done)
}
