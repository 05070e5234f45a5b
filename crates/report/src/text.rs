//! The summary of a run for a terminal: plain text, one line a cycle.

use archsmith_archive::{Guidance, GuidedBy};
use std::fmt::Write;

use crate::html::duration;
use crate::stats::Share;
use crate::view::RunView;

/// A compact table of the cycles and the run's headline figures, without colours, at most 100 columns wide. Every line
/// ends with a line end.
pub fn text_summary(view: &RunView) -> String {
    let mut out = String::new();
    let guided = view.totals.guided_valid.is_some();
    let first = if guided { "guided" } else { "raw" };
    let header = ["cycle", first, "valid", "repairs", "valid", "trained", "mean", "best", "admitted", "SFT loss"];
    let mut rows: Vec<[String; 10]> = vec![header.map(str::to_owned)];
    for cycle in &view.cycles {
        rows.push([
            format!("{}{}", cycle.cycle, if cycle.complete { "" } else { "*" }),
            cycle.raw_valid.total.to_string(),
            cycle.guided_valid.unwrap_or(cycle.raw_valid).count.to_string(),
            cycle.repaired_valid.total.to_string(),
            cycle.repaired_valid.count.to_string(),
            cycle.trained.to_string(),
            percent(cycle.accuracy.map(|accuracy| accuracy.mean)),
            percent(cycle.best),
            cycle.admitted.to_string(),
            match cycle.sft.as_ref().map(|sft| (sft.loss_before, sft.loss_after)) {
                Some((Some(before), Some(after))) => format!("{before:.3} → {after:.3}"),
                Some(_) => "not finite".to_owned(),
                None => "-".to_owned(),
            },
        ]);
    }
    let widths: Vec<usize> =
        (0..header.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}")).collect();
        let _ = writeln!(out, "{}", cells.join("  ").trim_end());
    }
    if view.cycles.is_empty() {
        out.push_str("(no cycle yet)\n");
    }
    if view.cycles.iter().any(|cycle| !cycle.complete) {
        out.push_str("* not finished\n");
    }
    out.push_str("mean, best: validation accuracy of the trained candidates\n\n");
    let totals = &view.totals;
    let _ = writeln!(out, "raw valid       {}", share(&totals.raw_valid));
    if let Some(valid) = &totals.guided_valid {
        let _ = writeln!(out, "guided valid    {}", share(valid));
        let Guidance { by, objections, taken_back } = totals.guidance;
        let _ = match by {
            GuidedBy::Compiler => {
                writeln!(out, "guide           {objections} objections, {taken_back} tokens taken back")
            }
            GuidedBy::Grammar => writeln!(out, "guide           grammar; {objections} tokens ruled out"),
        };
    }
    if totals.repaired > 0 {
        let _ = writeln!(out, "repairs valid   {}", share(&totals.repaired_valid));
    }
    let _ = writeln!(out, "over threshold  {} at {:.0} %", share(&totals.over_threshold), view.threshold * 100.0);
    let _ = writeln!(out, "admitted        {}", totals.admitted);
    if let Some(best) = view.best.first().and_then(|best| view.candidates.get(best.candidate)) {
        let _ = writeln!(
            out,
            "best            {} ({}): validation {}, test {}",
            best.label,
            best.id.chars().filter(|character| !character.is_control()).collect::<String>(),
            percent(best.accuracy_val),
            percent(best.accuracy_test)
        );
    }
    let spent = totals.seconds;
    let _ = writeln!(
        out,
        "time            generation {}, training {}, fine-tuning {}",
        plain(spent.generation),
        plain(spent.training),
        plain(spent.sft)
    );
    let _ = writeln!(out, "digest          {}", view.digest);
    out
}

fn percent(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{:.1} %", value * 100.0))
}

fn plain(seconds: f64) -> String {
    duration(seconds).replace('\u{a0}', " ")
}

fn share(share: &Share) -> String {
    match (share.share, share.low, share.high) {
        (Some(value), Some(low), Some(high)) => format!(
            "{} of {} ({:.1} %, 95 % interval {:.0}–{:.0} %)",
            share.count,
            share.total,
            value * 100.0,
            low * 100.0,
            high * 100.0
        ),
        _ => "none".to_owned(),
    }
}
