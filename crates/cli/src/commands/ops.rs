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
    if args.markdown {
        return markdown(&found);
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

/// The book's chapter of operators.
fn markdown(found: &[OpId]) -> anyhow::Result<Ending> {
    output::line(
        "# Operators\n\nMade by `archsmith ops --markdown` from the operators' own files; each example is a test.",
    )?;
    for id in found {
        let op = id.get();
        output::line(format!("\n## {}\n\n{}.\n\n```text", op.name, capitalised(op.summary)))?;
        for s in op.spellings {
            output::line(s)?;
        }
        output::line("```")?;
        for e in op.examples {
            let given = if e.given.is_empty() { String::new() } else { format!("`{}`: ", e.given) };
            output::line(format!("\n- {given}`{}` gives `{}`", e.code, e.gives))?;
        }
    }
    Ok(Ending::Done)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
