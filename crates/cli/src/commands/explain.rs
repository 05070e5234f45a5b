//! `archsmith explain`.

use super::WrongUse;
use crate::args::ExplainArgs;
use crate::{Ending, output};
use archsmith_frontend::code::{self, Code};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Line {
    code: &'static str,
    summary: String,
    page: &'static str,
}

pub(super) fn explain(args: ExplainArgs) -> anyhow::Result<Ending> {
    let found: Vec<Code> = match &args.code {
        None => code::ALL.to_vec(),
        Some(name) => match code::by_name(name.trim_matches(['[', ']'])) {
            Some(c) => vec![c],
            None => {
                let meant = code::nearest(name).map_or_else(
                    || "`archsmith explain` lists them".to_string(),
                    |c| format!("did you mean '{}'?", c.name),
                );
                return Err(WrongUse(format!("there is no code '{name}': {meant}")).into());
            }
        },
    };
    for c in &found {
        if args.json {
            output::json(&Line { code: c.name, summary: c.summary(), page: c.page })?;
        } else if args.code.is_none() {
            output::line(format!("{:<28} {}", c.name, c.summary()))?;
        } else {
            output::line(shown(c.page, output::color_out()).trim_end())?;
        }
    }
    Ok(Ending::Done)
}

/// A page for a terminal: headings in bold where there is colour, and no fences.
fn shown(page: &str, color: bool) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
            continue;
        }
        match line.strip_prefix("# ").or_else(|| line.strip_prefix("## ")) {
            Some(heading) if !inside && color => out.push_str(&format!("\x1b[1m{heading}\x1b[0m")),
            Some(heading) if !inside => out.push_str(heading),
            _ if inside && !line.is_empty() => out.push_str(&format!("    {line}")),
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}
