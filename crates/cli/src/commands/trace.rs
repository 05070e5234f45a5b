//! `archsmith trace`.

use super::network::Network;
use super::{WrongUse, network};
use crate::args::TraceArgs;
use crate::{Ending, output};
use archsmith_inspect::trace::{Why, why};
use archsmith_ir::ValueId;

pub(super) fn trace(args: TraceArgs) -> anyhow::Result<Ending> {
    let Some(net) = network::read(&args.file, &args.reading)? else { return Ok(Ending::No) };
    let count = net.graph.graph().eval.values.len() as u32;
    let wanted: Vec<u32> = match &args.why {
        None => (0..count).collect(),
        Some(text) => {
            let n = text.trim_start_matches('%').parse().ok().filter(|n| *n < count);
            let last = count.saturating_sub(1);
            vec![n.ok_or_else(|| WrongUse(format!("--why takes a value from %0 to %{last}, found {text:?}")))?]
        }
    };
    let mut list = String::new();
    for n in wanted {
        let Some(found) = why(&net.graph, ValueId(n)) else { continue };
        if args.json {
            output::json(&found)?;
        } else if args.why.is_some() {
            output::line(full(&net, &found))?;
        } else {
            let line = found.span.and_then(|s| net.line(s.0)).map_or_else(String::new, |l| format!("line {l}"));
            let module = found.modules.last().map_or("", |m| m.0.as_str());
            let text = format!("{:>5}  {:<24} {:<28} {line:<10} {module}", found.value, found.made_by, found.ty);
            list.push_str(text.trim_end());
            list.push('\n');
        }
    }
    if !list.is_empty() {
        output::paged(list.trim_end())?;
    }
    Ok(Ending::Done)
}

fn full(net: &Network, w: &Why) -> String {
    let mut out = format!("{} : {}  made by {}\n", w.value, w.ty, w.made_by);
    let shown = |span: (u32, u32)| {
        net.line(span.0).map(|l| {
            let text = net.source.lines().nth(l - 1).unwrap_or_default().trim();
            format!("{}:{l}: {text}", net.name)
        })
    };
    if let Some(place) = w.span.and_then(shown) {
        out.push_str(&format!("\ncalled at\n  {place}\n"));
    }
    let modules: Vec<_> = w.modules.iter().filter(|m| !m.0.is_empty()).collect();
    if !modules.is_empty() {
        out.push_str("\nin modules\n");
        for (path, class, span) in modules {
            let made = shown(*span).map_or_else(String::new, |p| format!("  made at {p}"));
            out.push_str(&format!("  {path}: {class}{made}\n"));
        }
    }
    if !w.inputs.is_empty() {
        out.push_str("\nreads\n");
        w.inputs.iter().for_each(|(name, ty)| out.push_str(&format!("  {name} : {ty}\n")));
    }
    if !w.arguments.is_empty() {
        let list: Vec<String> = w.arguments.iter().map(|(n, v)| format!("{n}={v}")).collect();
        out.push_str(&format!("\nwith\n  {}\n", list.join(", ")));
    }
    out.push_str("\nso that\n");
    w.because.iter().for_each(|l| out.push_str(&format!("  {l}\n")));
    out.trim_end().to_string()
}
