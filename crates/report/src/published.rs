//! The run beside the figures of arXiv 2601.02997: 22 cycles of about 150 candidates, a language model of 7 billion parameters.

use serde::Serialize;

use crate::html::thousands;
use crate::view::{CycleView, RunView};

/// A figure of the paper and what it is in a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Published {
    /// Which figure.
    pub(crate) what: String,
    /// The paper's.
    pub(crate) paper: &'static str,
    /// The run's.
    pub(crate) here: String,
}

fn percent(value: f64) -> String {
    format!("{:.1} %", 100.0 * value)
}

/// The first cycle's value and the best, and by how many points it is better; of cycles that have one.
fn rise(cycles: &[CycleView], of: impl Fn(&CycleView) -> Option<f64>) -> Option<(f64, f64)> {
    let mut values = cycles.iter().filter_map(of);
    let first = values.next()?;
    Some((first, values.fold(first, f64::max)))
}

/// The paper's figures in its own order. What a run has not is a dash.
pub(crate) fn published(view: &RunView) -> Vec<Published> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let row = |what: &str, paper, here: Option<String>| Published { what: what.to_owned(), paper, here: or_dash(here) };
    let validity = |of: &dyn Fn(&CycleView) -> Option<f64>| {
        let values: Vec<f64> = view.cycles.iter().filter_map(of).collect();
        let peak = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (!values.is_empty()).then(|| format!("{}, {}", percent(mean), percent(peak)))
    };
    let arrow = |pair: Option<(f64, f64)>| pair.map(|(first, best)| format!("{} → {}", percent(first), percent(best)));
    let accuracy = rise(&view.cycles, |cycle| Some(cycle.accuracy?.mean));
    let mut rows =
        vec![row("valid as written: mean of the cycles, peak", "50.6 %, 74.5 %", validity(&|c| c.raw_valid.share))];
    if view.totals.guided_valid.is_some() {
        rows.push(row("valid under guidance: mean, peak", "not used", validity(&|c| c.guided_valid?.share)));
    }
    let threshold =
        format!("share at the threshold (paper 40 %, here {:.0} %), first cycle → best", 100.0 * view.threshold);
    rows.extend([
        row("mean one-epoch accuracy, first cycle → best", "28.06 % → 50.99 %", arrow(accuracy)),
        row("its gain, points", "22.93", accuracy.map(|(first, best)| format!("{:.1}", 100.0 * (best - first)))),
        row(&threshold, "2.04 % → 96.81 %", arrow(rise(&view.cycles, |cycle| cycle.over_threshold.share))),
        row(
            "novel networks admitted, of candidates",
            "455 of about 3,300",
            Some(format!("{} of {}", thousands(view.totals.admitted as f64), thousands(view.totals.raw as f64))),
        ),
    ]);
    rows
}
