//! Which charts a report has, and what each of them says it counts.

use crate::chart::{Chart, Unit};
use crate::stats::Share;
use crate::view::{CycleView, RunView};

/// A chart with its words.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) title: &'static str,
    /// What it counts.
    pub(crate) caption: String,
    /// Class and meaning of its colours and shapes.
    pub(crate) keys: Vec<(&'static str, &'static str)>,
    /// The chart, or `None` where there is nothing to draw.
    pub(crate) svg: Option<String>,
}

/// "one-epoch", "3-epoch", or nothing where candidates differ.
pub(crate) fn epochs_adjective(view: &RunView) -> String {
    match view.totals.epochs {
        Some(1) => "one-epoch ".to_owned(),
        Some(epochs) => format!("{epochs}-epoch "),
        None => String::new(),
    }
}

/// The charts over the cycles.
pub(crate) fn figures(view: &RunView) -> Vec<Figure> {
    let cycles: Vec<u32> = view.cycles.iter().map(|cycle| cycle.cycle).collect();
    vec![
        validity(view, &cycles),
        accuracy(view, &cycles),
        over_threshold(view, &cycles),
        admissions(view, &cycles),
        novelty(view, &cycles),
        sft(view, &cycles),
    ]
}

fn shares(chart: &mut Chart, class: &str, view: &RunView, offset: f64, of: impl Fn(&CycleView) -> Share) {
    let mut line = Vec::new();
    for (at, cycle) in view.cycles.iter().enumerate() {
        let share = of(cycle);
        if let (Some(value), Some(low), Some(high)) = (share.share, share.low, share.high) {
            let at = at as f64 + offset;
            chart.whisker(class, at, low, high);
            line.push((at, value));
        }
    }
    chart.line(class, &line);
}

fn validity(view: &RunView, cycles: &[u32]) -> Figure {
    let mut chart = Chart::new(cycles, 0.0, 1.0, Unit::Percent);
    shares(&mut chart, "raw", view, -0.06, |cycle| cycle.raw_valid);
    shares(&mut chart, "repaired", view, 0.06, |cycle| cycle.guided_valid.unwrap_or(cycle.repaired_valid));
    let guided = view.totals.guided_valid.is_some();
    Figure {
        title: "Valid networks",
        caption: "Share of candidates that are valid: contract met, shapes fit, within budget; duplicates count as \
                  valid. What the model writes on its own, what it writes under guidance, and repairs are counted apart. \
                  Bars: Wilson 95 % interval."
            .into(),
        keys: vec![("raw", "raw, as written"), ("repaired", if guided { "guided" } else { "repairs" })],
        svg: chart.finish("Share of valid candidates in each cycle"),
    }
}

fn accuracy(view: &RunView, cycles: &[u32]) -> Figure {
    let best = view.cycles.iter().filter_map(|cycle| cycle.best).fold(view.threshold, f64::max);
    let mut chart = Chart::new(cycles, 0.0, (best * 1.05).min(1.0), Unit::Percent);
    let (mut means, mut bests, mut band) = (Vec::new(), Vec::new(), Vec::new());
    for (at, cycle) in view.cycles.iter().enumerate() {
        let at = at as f64;
        if let Some(mean) = cycle.accuracy {
            means.push((at, mean.mean));
            if let (Some(low), Some(high)) = (mean.low, mean.high) {
                band.push((at, low, high));
            }
        }
        bests.extend(cycle.best.map(|best| (at, best)));
    }
    let seeds = view.seed_set.trained.filter(|_| !means.is_empty());
    if let Some(spread) = seeds {
        chart.zone("seeds", spread.quarter, spread.median, spread.three_quarters);
    }
    if !means.is_empty() {
        chart.rule(view.threshold);
    }
    chart.band("raw", &band);
    for candidate in &view.candidates {
        let at = cycles.iter().position(|&cycle| cycle == candidate.cycle);
        if let (Some(at), Some(accuracy)) = (at, candidate.accuracy_val) {
            let most = view.candidates.iter().filter(|other| other.cycle == candidate.cycle).map(|other| other.index);
            let spread = f64::from(candidate.index) / f64::from(most.max().unwrap_or(0).max(1)) - 0.5;
            let class = if candidate.admitted { "point admitted" } else { "point" };
            let title = format!("{}: {:.1} %", candidate.label, accuracy * 100.0);
            chart.dot(class, at as f64 + 0.56 * spread, accuracy, 2.6, &title);
        }
    }
    if band.len() == 1 {
        chart.whisker("raw", band[0].0, band[0].1, band[0].2);
    }
    let written = |(at, cycle): (usize, &CycleView)| Some((at as f64, cycle.written.accuracy?.mean));
    let repeated: Vec<(f64, f64)> = view.cycles.iter().enumerate().filter_map(written).collect();
    chart.line("best", &bests);
    chart.line("new", &repeated);
    chart.line("raw", &means);
    Figure {
        title: "Validation accuracy",
        caption: format!(
            "{}accuracy on the validation split of every trained candidate. Line: mean, with Student's 95 % interval \
             as a band; a point is one candidate. Texts that repeat a network of this run, counted with what that one \
             measured, are in the second mean.",
            capitalised(&epochs_adjective(view))
        ),
        keys: [
            ("raw", "mean"),
            ("new", "mean with repetitions"),
            ("best", "best"),
            ("point", "trained candidate"),
            ("admitted", "admitted candidate"),
            ("rule", "admission threshold"),
        ]
        .into_iter()
        .chain(seeds.map(|_| ("seeds", "seed networks: median, middle half")))
        .collect(),
        svg: chart.finish("Validation accuracy of the trained candidates in each cycle"),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "Final ".to_owned(),
    }
}

fn over_threshold(view: &RunView, cycles: &[u32]) -> Figure {
    let mut chart = Chart::new(cycles, 0.0, 1.0, Unit::Percent);
    shares(&mut chart, "good", view, -0.06, |cycle| cycle.over_threshold);
    shares(&mut chart, "new", view, 0.06, |cycle| cycle.written.over_threshold);
    Figure {
        title: "At or over the threshold",
        caption: format!(
            "Share of trained candidates with a validation accuracy of {:.0} % or more, and of all texts, those that repeat a \
             network of this run counted with what that one measured. Bars: Wilson 95 % interval.",
            view.threshold * 100.0
        ),
        keys: vec![("good", "trained, all new"), ("new", "with repetitions")],
        svg: chart.finish("Share of trained candidates at or over the admission threshold in each cycle"),
    }
}

fn admissions(view: &RunView, cycles: &[u32]) -> Figure {
    let most = view.cycles.iter().map(|cycle| cycle.admitted).max().unwrap_or(0);
    let mut chart = Chart::new(cycles, 0.0, (most as f64 * 1.08).max(4.0), Unit::Count);
    for (at, cycle) in view.cycles.iter().enumerate() {
        chart.bar("good", at as f64, cycle.admitted as f64, &cycle.admitted.to_string());
    }
    Figure {
        title: "Admissions",
        caption:
            "Candidates admitted in each cycle: accurate enough and novel. They become examples for later prompts \
                  and data for fine-tuning."
                .into(),
        keys: Vec::new(),
        svg: chart.finish("Candidates admitted in each cycle"),
    }
}

fn novelty(view: &RunView, cycles: &[u32]) -> Figure {
    let mut chart = Chart::new(cycles, 0.0, 1.0, Unit::Number);
    for (at, cycle) in view.cycles.iter().enumerate() {
        if let Some(spread) = cycle.novelty {
            let at = at as f64;
            chart.whisker("new", at, spread.min, spread.max);
            chart.boxed("new", at, spread.quarter, spread.median, spread.three_quarters);
        }
    }
    Figure {
        title: "Novelty",
        caption:
            "1 − Jaccard similarity to the nearest network known when a candidate was judged; every candidate for \
                  which it was computed. Box: middle half, with the median; bars: least and greatest."
                .into(),
        keys: Vec::new(),
        svg: chart.finish("Distribution of novelty in each cycle"),
    }
}

fn sft(view: &RunView, cycles: &[u32]) -> Figure {
    let steps: Vec<_> = view.cycles.iter().map(|cycle| cycle.sft.as_ref()).collect();
    let losses = steps.iter().flatten().flat_map(|sft| [sft.loss_before, sft.loss_after]).flatten();
    let mut chart = Chart::new(cycles, 0.0, losses.fold(0.0, f64::max) * 1.05, Unit::Number);
    for (at, sft) in steps.iter().enumerate() {
        if let Some(sft) = sft
            && let (Some(before), Some(after)) = (sft.loss_before, sft.loss_after)
        {
            chart.arrow("sft", at as f64, before, after);
        }
    }
    Figure {
        title: "Fine-tuning loss",
        caption: "Mean loss per completion token of the language model, before the first and after the last step, on pairs \
                  that it does not learn from; in a cycle without such pairs, on some that it does. Each cycle has its own."
            .into(),
        keys: vec![("hollow sft", "before"), ("sft", "after")],
        svg: chart.finish("Loss of the language model before and after fine-tuning in each cycle"),
    }
}
