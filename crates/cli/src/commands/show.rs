//! `archsmith show`.

use super::{network, read_source};
use crate::args::{ShowArgs, ShowStage};
use crate::{Ending, output};
use anyhow::anyhow;
use archsmith_inspect::lowered;
use archsmith_ir::text;

pub(super) fn show(args: ShowArgs) -> anyhow::Result<Ending> {
    if args.stage == ShowStage::Cst {
        let source = read_source(&args.file)?;
        let tree = archsmith_frontend::syntax_tree(&source).ok_or_else(|| anyhow!("the text has no syntax tree"))?;
        output::paged(tree.trim_end())?;
        return Ok(Ending::Done);
    }
    let Some(net) = network::read(&args.file, &args.reading)? else { return Ok(Ending::No) };
    let text = match args.stage {
        ShowStage::Graph => text::print_untyped(net.graph.graph()),
        ShowStage::Lowered => lowered::print(&net.graph),
        ShowStage::Typed | ShowStage::Cst => text::print(net.graph.graph()),
    };
    output::paged(text.trim_end())?;
    Ok(Ending::Done)
}
