//! Small charts over the cycles of a run, as SVG text.
//!
//! A chart has one position per cycle on its x axis and a linear y axis. Colours come from the page's style sheet
//! through classes, so that a chart follows light and dark. Invariants: coordinates are finite and have one decimal;
//! marks beyond the axis are clipped to it; nothing in here knows what is shown.

use std::fmt::Write;

use crate::html::escape;

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 40.0;

/// How the numbers at the y axis are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A fraction, in per cent.
    Percent,
    /// A whole number.
    Count,
    /// A plain number.
    Number,
}

/// A chart in the making.
pub(crate) struct Chart {
    cycles: Vec<u32>,
    low: f64,
    high: f64,
    marks: String,
    body: String,
}

impl Chart {
    /// A chart over these cycles whose y axis reaches at least from `low` to `high`, ends included.
    pub(crate) fn new(cycles: &[u32], low: f64, high: f64, unit: Unit) -> Chart {
        let high = if high > low { high } else { low + 1.0 };
        let step = nice_step((high - low) / 4.0, unit == Unit::Count);
        let low = (low / step + 1e-9).floor() * step;
        let high = (high / step - 1e-9).ceil() * step;
        let mut chart = Chart { cycles: cycles.to_vec(), low, high, marks: String::new(), body: String::new() };
        chart.axes(step, unit);
        chart
    }

    fn axes(&mut self, step: f64, unit: Unit) {
        let ticks = ((self.high - self.low) / step).round() as usize;
        for tick in 0..=ticks {
            let value = self.low + tick as f64 * step;
            let y = self.y(value);
            let text = match unit {
                Unit::Percent if step < 0.01 => format!("{:.1}%", value * 100.0),
                Unit::Percent => format!("{:.0}%", value * 100.0),
                Unit::Count => format!("{value:.0}"),
                Unit::Number if (step * 10.0).fract() > 1e-6 => format!("{value:.2}"),
                Unit::Number => format!("{value:.1}"),
            };
            let class = if tick == 0 { "axis" } else { "grid" };
            let _ = write!(
                self.body,
                "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                WIDTH - RIGHT,
                LEFT - 7.0,
                y + 4.0
            );
        }
        let every = self.cycles.len().div_ceil(12).max(1);
        for (at, cycle) in self.cycles.iter().enumerate().step_by(every) {
            let _ = write!(
                self.body,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{cycle}</text>",
                self.x(at as f64),
                HEIGHT - BOTTOM + 18.0
            );
        }
        let _ = write!(
            self.body,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">cycle</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 4.0
        );
    }

    /// Width of one cycle.
    fn slot(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / self.cycles.len().max(1) as f64
    }

    /// Where a position lies, counted in cycles from the first one.
    fn x(&self, at: f64) -> f64 {
        LEFT + (at + 0.5) * self.slot()
    }

    fn y(&self, value: f64) -> f64 {
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)
    }

    /// A line through points, given as position and value.
    pub(crate) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        if points.len() > 1 {
            let path = self.path(points);
            let _ = write!(self.marks, "<polyline class=\"line {class}\" points=\"{path}\"/>");
        }
        for &(at, value) in points {
            self.dot(&format!("dot {class}"), at, value, 3.5, "");
        }
    }

    /// A band between low and high values, given as position, low and high.
    pub(crate) fn band(&mut self, class: &str, edges: &[(f64, f64, f64)]) {
        if edges.len() < 2 {
            return;
        }
        let there: Vec<_> = edges.iter().map(|&(at, _, high)| (at, high)).collect();
        let back: Vec<_> = edges.iter().rev().map(|&(at, low, _)| (at, low)).collect();
        let path = format!("{} {}", self.path(&there), self.path(&back));
        let _ = write!(self.marks, "<polygon class=\"band {class}\" points=\"{path}\"/>");
    }

    /// A vertical bar from one value to another, with short ends.
    pub(crate) fn whisker(&mut self, class: &str, at: f64, low: f64, high: f64) {
        let (x, top, bottom) = (self.x(at), self.y(high), self.y(low));
        let _ = write!(
            self.marks,
            "<path class=\"whisker {class}\" d=\"M{x:.1} {top:.1}V{bottom:.1}M{:.1} {top:.1}h8M{:.1} {bottom:.1}h8\"/>",
            x - 4.0,
            x - 4.0
        );
    }

    /// A point with a text that shows on hovering.
    pub(crate) fn dot(&mut self, class: &str, at: f64, value: f64, radius: f64, title: &str) {
        let (x, y) = (self.x(at), self.y(value));
        let _ = write!(self.marks, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"");
        if title.is_empty() {
            self.marks.push_str("/>");
        } else {
            let _ = write!(self.marks, "><title>{}</title></circle>", escape(title));
        }
    }

    /// A bar from the axis up, with its value above.
    pub(crate) fn bar(&mut self, class: &str, at: f64, value: f64, text: &str) {
        let width = (self.slot() * 0.6).min(48.0);
        let (x, y) = (self.x(at), self.y(value));
        let _ = write!(
            self.marks,
            "<rect class=\"bar {class}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
            x - width / 2.0,
            HEIGHT - BOTTOM - y
        );
        if self.slot() >= 16.0 {
            let _ = write!(
                self.marks,
                "<text class=\"value\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                y - 4.0,
                escape(text)
            );
        }
    }

    /// A box from `low` to `high` with a bar at `middle`.
    pub(crate) fn boxed(&mut self, class: &str, at: f64, low: f64, middle: f64, high: f64) {
        let width = (self.slot() * 0.5).min(40.0);
        let x = self.x(at) - width / 2.0;
        let (top, bottom, y) = (self.y(high), self.y(low), self.y(middle));
        let _ = write!(
            self.marks,
            "<rect class=\"box {class}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>\
             <line class=\"median {class}\" x1=\"{x:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            (bottom - top).max(1.0),
            x + width
        );
    }

    /// An arrow from one value to another.
    pub(crate) fn arrow(&mut self, class: &str, at: f64, from: f64, to: f64) {
        let (x, start, end) = (self.x(at), self.y(from), self.y(to));
        let down = (end - start).signum();
        if (end - start).abs() > 12.0 {
            let (tail, tip) = (start + 4.0 * down, end - 5.0 * down);
            let wing = tip - 5.0 * down;
            let _ = write!(
                self.marks,
                "<path class=\"whisker {class}\" d=\"M{x:.1} {tail:.1}V{tip:.1}M{:.1} {wing:.1}L{x:.1} {tip:.1}L{:.1} {wing:.1}\"/>",
                x - 4.0,
                x + 4.0
            );
        }
        self.dot(&format!("hollow {class}"), at, from, 4.0, "");
        self.dot(&format!("dot {class}"), at, to, 4.0, "");
    }

    /// A dashed line across.
    pub(crate) fn rule(&mut self, value: f64) {
        let y = self.y(value);
        let _ = write!(
            self.marks,
            "<line class=\"rule\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            WIDTH - RIGHT
        );
    }

    /// A zone across from `low` to `high`, with a line at `middle`.
    pub(crate) fn zone(&mut self, class: &str, low: f64, middle: f64, high: f64) {
        let (top, bottom, y) = (self.y(high), self.y(low), self.y(middle));
        let _ = write!(
            self.marks,
            "<rect class=\"zone {class}\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
             <line class=\"middle {class}\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            WIDTH - RIGHT - LEFT,
            (bottom - top).max(1.0),
            WIDTH - RIGHT
        );
    }

    /// The chart as an `<svg>` element with this description, or `None` where nothing was drawn.
    pub(crate) fn finish(self, description: &str) -> Option<String> {
        self.element(description, "")
    }

    /// The same within another picture, its upper left corner there.
    pub(crate) fn finish_at(self, description: &str, x: f64, y: f64) -> Option<String> {
        self.element(description, &format!(" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\""))
    }

    fn element(self, description: &str, place: &str) -> Option<String> {
        if self.marks.is_empty() {
            return None;
        }
        Some(format!(
            "<svg class=\"chart\"{place} viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{}{}</svg>",
            escape(description),
            self.body,
            self.marks
        ))
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let points: Vec<String> =
            points.iter().map(|&(at, value)| format!("{:.1},{:.1}", self.x(at), self.y(value))).collect();
        points.join(" ")
    }
}

/// The least of 1, 2, 2.5, 5 and 10 times a power of ten that is not below `rough`; for whole numbers without 2.5, and
/// at least 1.
fn nice_step(rough: f64, whole: bool) -> f64 {
    if !rough.is_finite() || rough <= 0.0 || (whole && rough <= 1.0) {
        return 1.0;
    }
    let power = 10f64.powf(rough.log10().floor());
    let factors = [1.0, 2.0, if whole { 2.0 } else { 2.5 }, 5.0];
    let factor = factors.into_iter().find(|factor| factor * power >= rough * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (rough, expected) in [(0.11, 0.2), (0.25, 0.25), (3.0, 5.0), (7.0, 10.0), (0.2, 0.2), (0.0, 1.0)] {
            assert!((nice_step(rough, false) - expected).abs() < 1e-12, "{rough}: {}", nice_step(rough, false));
        }
        assert_eq!(nice_step(f64::NAN, false), 1.0);
        assert_eq!([0.3, 2.4, 30.0].map(|rough| nice_step(rough, true)), [1.0, 5.0, 50.0]);
    }

    #[test]
    fn marks_stay_inside_and_an_empty_chart_is_none() {
        let mut chart = Chart::new(&[0, 1], 0.0, 1.0, Unit::Percent);
        chart.dot("dot", 0.0, 7.0, 2.0, "a < b");
        chart.dot("dot", 1.0, -7.0, 2.0, "");
        let svg = chart.finish("x").unwrap();
        assert!(svg.contains("cy=\"14.0\"") && svg.contains("cy=\"200.0\""), "{svg}");
        assert!(svg.contains("a &lt; b"));
        assert_eq!(Chart::new(&[], 0.0, 1.0, Unit::Count).finish("x"), None);
    }
}
