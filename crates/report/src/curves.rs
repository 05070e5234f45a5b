//! The cycles of several runs in one picture: a standalone SVG, for a page or a paper.
//!
//! It shows what [`crate::Comparison`] has as figures and adds nothing to them: no smoothing, no fit, no verdict on which is better.

use std::fmt::Write;

use crate::chart::{Chart, Unit};
use crate::html::escape;
use crate::view::{CycleView, RunView};

/// Colours of the runs, on white and on black. More runs than these begin again, dashed.
const COLOURS: [(&str, &str); 6] = [
    ("#2b6ca8", "#6aaee8"),
    ("#b4580c", "#e9a15b"),
    ("#2c7a4b", "#6cc492"),
    ("#7a4fa3", "#bf9be3"),
    ("#b3372b", "#f08d80"),
    ("#5a6670", "#a9b4bd"),
];
/// Height of a chart with its title, and of a line of the legend.
const CHART: usize = 270;
const LINE: usize = 20;

/// Mean accuracy of the trained candidates and their share at or over the threshold, cycle by cycle, each with its 95 %
/// interval as a band; one colour a run. Cycles that are not finished are left out. `None` where no run has measured anything.
pub fn curves(runs: &[(String, RunView)]) -> Option<String> {
    let accuracy = |cycle: &CycleView| cycle.accuracy.map(|mean| (mean.mean, mean.low, mean.high));
    let share = |cycle: &CycleView| {
        cycle.over_threshold.share.map(|share| (share, cycle.over_threshold.low, cycle.over_threshold.high))
    };
    let charts = [
        panel(runs, 5.0, "Mean accuracy of the trained candidates", &accuracy)?,
        panel(runs, 415.0, "Share at or over the threshold", &share)?,
    ];
    let height = CHART + LINE * runs.len().div_ceil(2) + 10;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 820 {height}\" font-family=\"sans-serif\">\n<style>{}</style>\n\
         <rect class=\"ground\" width=\"820\" height=\"{height}\"/>\n",
        style()
    );
    charts.iter().for_each(|chart| out.push_str(chart));
    for (at, (name, _)) in runs.iter().enumerate() {
        let (x, y) = (51 + 410 * (at % 2), CHART + LINE * (at / 2) + 10);
        let _ = writeln!(
            out,
            "<path class=\"line {}\" d=\"M{x} {}h24\"/><text x=\"{}\" y=\"{y}\">{}</text>",
            class(at),
            y - 4,
            x + 32,
            escape(name)
        );
    }
    out.push_str("</svg>\n");
    Some(out)
}

/// A figure of a cycle, with the ends of its interval.
type Figure = (f64, Option<f64>, Option<f64>);

/// A chart with its title, `x` from the left.
fn panel(runs: &[(String, RunView)], x: f64, title: &str, of: &dyn Fn(&CycleView) -> Option<Figure>) -> Option<String> {
    // Cycle and figure, run by run.
    let runs: Vec<Vec<(f64, Figure)>> = runs
        .iter()
        .map(|(_, view)| view.cycles.iter().filter(|cycle| cycle.complete))
        .map(|cycles| cycles.filter_map(|cycle| Some((f64::from(cycle.cycle), of(cycle)?))).collect())
        .collect();
    let all = || runs.iter().flatten();
    let last = all().map(|(at, _)| *at).fold(0.0, f64::max);
    let ends = || all().flat_map(|(_, (value, low, high))| [low.unwrap_or(*value), high.unwrap_or(*value)]);
    let (low, high) = (ends().fold(1.0, f64::min), ends().fold(0.0, f64::max));
    let cycles: Vec<u32> = (0..=last as u32).collect();
    let mut chart = Chart::new(&cycles, low.max(0.0), high.min(1.0), Unit::Percent);
    for (at, run) in runs.iter().enumerate() {
        let edges: Vec<_> =
            run.iter().filter_map(|(cycle, (_, low, high))| Some((*cycle, (*low)?, (*high)?))).collect();
        match edges[..] {
            [(cycle, low, high)] => chart.whisker(&class(at), cycle, low, high),
            _ => chart.band(&class(at), &edges),
        }
    }
    for (at, run) in runs.iter().enumerate() {
        chart.line(&class(at), &run.iter().map(|(cycle, (value, ..))| (*cycle, *value)).collect::<Vec<_>>());
    }
    let chart = chart.finish_at(title, x, 25.0)?;
    Some(format!("<text class=\"title\" x=\"{}\" y=\"18\">{title}</text>\n{chart}\n", x + 46.0))
}

/// The class of a run by its place.
fn class(at: usize) -> String {
    let dashed = if at < COLOURS.len() { "" } else { " more" };
    format!("c{}{dashed}", at % COLOURS.len())
}

fn style() -> String {
    let inks = |dark: bool| {
        let ink = |(at, (light, night)): (usize, &(&str, &str))| {
            format!(".c{at}{{--ink:{}}}", if dark { night } else { light })
        };
        COLOURS.iter().enumerate().map(ink).collect::<String>()
    };
    format!(
        ".ground{{fill:#fff}}text{{font-size:12.5px;fill:#1f262c}}.title{{font-weight:600}}.tick{{fill:#5a6670}}\
         .grid{{stroke:#e3e6e8}}.axis{{stroke:#8a949c}}.line{{fill:none;stroke:var(--ink);stroke-width:2;stroke-linejoin:round}}\
         .line.more{{stroke-dasharray:5 3}}.dot{{fill:var(--ink)}}.band{{fill:var(--ink);opacity:.13}}.whisker{{fill:none;stroke:var(--ink);stroke-width:1.4}}{}\
         @media(prefers-color-scheme:dark){{.ground{{fill:#12171d}}text{{fill:#e2e6e9}}.tick{{fill:#a9b4bd}}\
         .grid{{stroke:#2a323b}}.axis{{stroke:#6b7680}}{}}}",
        inks(false),
        inks(true)
    )
}
