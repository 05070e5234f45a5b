//! `archsmith summary`.

use super::{read_source, shown};
use crate::args::SummaryArgs;
use crate::{Ending, output};
use archsmith_ir::summary;

pub(super) fn summary(args: SummaryArgs) -> anyhow::Result<Ending> {
    let source = read_source(&args.file)?;
    let options = args.reading.options()?;
    match archsmith_frontend::check(&source, &options) {
        Ok((graph, _)) => {
            let table = summary::summary(&graph);
            if args.json {
                output::json(&table)?
            } else {
                output::line(table.to_text().trim_end())?
            }
            Ok(Ending::Done)
        }
        Err(rejection) => {
            for d in &rejection.diagnostics {
                output::note(d.render(&source, &shown(&args.file), output::color_err()).trim_end());
            }
            Ok(Ending::No)
        }
    }
}
