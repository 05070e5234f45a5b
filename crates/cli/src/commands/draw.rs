//! `archsmith draw`.

use super::{WrongUse, export, network};
use crate::Ending;
use crate::args::DrawArgs;
use archsmith_inspect::draw as form;

pub(super) fn draw(args: DrawArgs) -> anyhow::Result<Ending> {
    let ending = args.output.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if !["svg", "html", "dot", "mmd"].contains(&ending) {
        let text = format!("-o takes a file that ends in .svg, .html, .dot or .mmd, found {}", args.output.display());
        return Err(WrongUse(text).into());
    }
    let Some(net) = network::read(&args.file, &args.reading)? else { return Ok(Ending::No) };
    let source = (!net.source.is_empty()).then_some(net.source.as_str());
    let text = match ending {
        "svg" => form::svg(&net.graph),
        "html" => form::html(&net.graph, source),
        "dot" => form::dot(&net.graph),
        _ => form::mermaid(&net.graph),
    };
    export::write(&args.output, text.as_bytes())?;
    Ok(Ending::Done)
}
