//! `archsmith ops`.

use super::WrongUse;
use crate::args::OpsArgs;
use crate::{Ending, output};
use archsmith_ir::OpId;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    summary: &'static str,
    spellings: &'static [&'static str],
    examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
struct Example {
    given: &'static str,
    code: &'static str,
    gives: &'static str,
}

pub(super) fn ops(args: OpsArgs) -> anyhow::Result<Ending> {
    let found: Vec<OpId> = match &args.name {
        None => OpId::all().collect(),
        Some(name) => match OpId::by_name(name) {
            Some(id) => vec![id],
            None => OpId::by_path(name).iter().map(|(id, _)| *id).take(1).collect(),
        },
    };
    if found.is_empty() {
        let name = args.name.unwrap_or_default();
        return Err(WrongUse(format!("there is no operator '{name}'; `archsmith ops` lists them")).into());
    }
    for id in &found {
        let op = id.get();
        if args.json {
            let examples =
                op.examples.iter().map(|e| Example { given: e.given, code: e.code, gives: e.gives }).collect();
            output::json(&Line { name: op.name, summary: op.summary, spellings: op.spellings, examples })?;
        } else if args.name.is_none() {
            output::line(format!("{:<28} {}", op.name, op.summary))?;
        } else {
            output::line(format!("{}: {}\n\nspelled", op.name, op.summary))?;
            for s in op.spellings {
                output::line(format!("  {s}"))?;
            }
            if !op.examples.is_empty() {
                output::line("\nexamples")?;
            }
            for e in op.examples {
                output::line(format!("  given {}\n    {}\n    → {}", e.given, e.code, e.gives))?;
            }
        }
    }
    if args.name.is_none() && !args.json {
        output::note(format!("{} operators", found.len()));
    }
    Ok(Ending::Done)
}
