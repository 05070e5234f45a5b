//! `archsmith diff`.

use super::network::Network;
use super::{export, network};
use crate::args::DiffArgs;
use crate::{Ending, output};
use archsmith_inspect::diff::{diff as compare, html};
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    a: &'a str,
    b: &'a str,
    #[serde(flatten)]
    diff: &'a archsmith_inspect::diff::Diff,
}

pub(super) fn diff(args: DiffArgs) -> anyhow::Result<Ending> {
    let mut nets = Vec::new();
    for file in &args.files {
        let Some(net) = network::read(file, &args.reading)? else {
            anyhow::bail!("{} is no network that can be built", super::shown(file));
        };
        nets.push(net);
    }
    let Some((first, others)) = nets.split_first() else { return Ok(Ending::Done) };
    let source = |n: &Network| (!n.source.is_empty()).then(|| n.source.clone());
    let (mut same, mut text_of_all) = (true, String::new());
    for (i, other) in others.iter().enumerate() {
        let d = compare(&first.graph, &other.graph);
        same &= d.same;
        let texts = (source(first), source(other));
        let texts = (texts.0.as_deref(), texts.1.as_deref());
        if args.json {
            output::json(&Line { a: &first.name, b: &other.name, diff: &d })?;
        } else {
            let text = d.to_text(texts);
            text_of_all.push_str(&format!("{} ↔ {}\n{}\n", first.name, other.name, text.trim_end()));
        }
        if let Some(path) = &args.html {
            // Of several comparisons each has a page: diff.1.html, diff.2.html.
            let numbered = match path.extension().filter(|_| others.len() > 1) {
                Some(ending) => path.with_extension(format!("{}.{}", i + 1, ending.to_string_lossy())),
                None => path.clone(),
            };
            export::write(&numbered, html(&d, (&first.name, &other.name), texts).as_bytes())?;
        }
    }
    if !text_of_all.is_empty() {
        output::paged(text_of_all.trim_end())?;
    }
    Ok(if same { Ending::Done } else { Ending::No })
}
