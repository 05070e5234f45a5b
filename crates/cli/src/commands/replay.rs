//! `archsmith replay`.

use super::WrongUse;
use crate::args::ReplayArgs;
use crate::wiring::{CONTRACT, evaluator};
use crate::{Ending, output};
use archsmith_archive::{RunDir, Store};
use archsmith_search::replay::{Change, Figures, Part, Replay, Standing, replay as decide_again};
use archsmith_search::{Config, Evaluator};

pub(super) fn replay(args: ReplayArgs) -> anyhow::Result<Ending> {
    let run = RunDir::open(&args.dir)?;
    let config = Config::from_toml(&run.config()?, &run.config_path().display().to_string())?;
    let store = Store::open_read_only(&run.archive_path())?;
    let mut change = Change { threshold: args.threshold, ..Change::default() };
    for name in args.without.iter().flat_map(|names| names.split(',')) {
        let part = Part::from_name(name.trim()).ok_or_else(|| {
            let known: Vec<&str> = Part::ALL.iter().map(|(_, name)| *name).collect();
            WrongUse(format!("--without: no part is called '{name}'; there are {}", known.join(", ")))
        })?;
        change.without.insert(part);
    }
    if change.threshold.is_some_and(|t| !(0.0..=1.0).contains(&t)) {
        return Err(WrongUse("--threshold takes a share between 0 and 1, such as 0.75".into()).into());
    }
    let mut trainer = if args.train { Some(evaluator(&config, args.cache.as_deref())?.0) } else { None };
    let trainer = trainer.as_mut().map(|trainer| trainer.as_mut() as &mut dyn Evaluator);
    let found = decide_again(&store, &config, CONTRACT, &change, trainer)?;
    if args.json {
        output::json(&found)?
    } else {
        output::text(&table(&found))?
    }
    Ok(Ending::Done)
}

/// A row a cycle: each figure as recorded and as replayed.
fn table(found: &Replay) -> String {
    let head = [
        "cycle",
        "candidates",
        "valid",
        "duplicates",
        "trained",
        "mean",
        "best",
        "admitted",
        "kept in all",
        "standing",
    ];
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
    for cycle in &found.cycles {
        let known = cycle.standing != Standing::Unknown;
        let pair = |show: &dyn Fn(&Figures) -> String| match (show(&cycle.recorded), show(&cycle.replayed)) {
            (then, _) if !known => format!("{then} → ?"),
            (then, now) if then == now => then,
            (then, now) => format!("{then} → {now}"),
        };
        let share = |value: Option<f64>| value.map_or_else(|| "–".to_string(), |v| format!("{:.1} %", 100.0 * v));
        let maybe = |n: String| if known && cycle.untrained > 0 { format!("{n} (+{}?)", cycle.untrained) } else { n };
        rows.push(vec![
            cycle.cycle.to_string(),
            pair(&|f| f.candidates.to_string()),
            pair(&|f| f.valid.to_string()),
            pair(&|f| f.duplicates.to_string()),
            maybe(pair(&|f| f.trained.to_string())),
            pair(&|f| share(f.accuracy_mean)),
            pair(&|f| share(f.accuracy_best)),
            maybe(pair(&|f| f.admitted.to_string())),
            pair(&|f| (f.admitted + f.topped_up).to_string()),
            match cycle.standing {
                Standing::Exact => "exact",
                Standing::Partly => "partly known",
                Standing::GivenTheTexts => "given the texts",
                Standing::Unknown => "unknown",
            }
            .to_string(),
        ]);
    }
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    let control = &found.control;
    out.push_str(&format!(
        "\nrecorded → replayed. Nothing left out, {} of {} recorded verdicts come out again.\n",
        control.agree, control.of
    ));
    for note in &found.notes {
        out.push_str(&format!("- {note}\n"));
    }
    out
}
