//! Runs side by side, each figure with its interval; and their cycles as rows for a spreadsheet.
//!
//! It compares figures and never networks, and it takes runs as they are: whether two of them differ in one thing alone is
//! the reader's to know, so what their configurations differ in is shown beside the figures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::stats::{self, Mean, Share};
use crate::view::{CycleView, RunView};

/// Some runs and what they came to.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// One column a run, in the order given.
    pub runs: Vec<RunColumn>,
    /// Keys of the configuration in which the runs differ, with the value in each run (`None`: not set).
    pub differences: BTreeMap<String, Vec<Option<String>>>,
    /// The last cycles that every run has finished, at most three: runs of different lengths are compared there.
    pub common_cycles: Option<RangeInclusive<u32>>,
}

/// Cycles that [`Comparison::common_cycles`] spans at most: enough networks for a narrow interval, few enough to be of one state of
/// the model.
const COMMON: usize = 3;

/// The headline figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct RunColumn {
    /// What the caller calls it.
    pub name: String,
    /// Finished cycles.
    pub cycles: usize,
    /// Valid ones among the raw candidates of the whole run.
    pub raw_valid: Share,
    /// Valid ones among the guided candidates, in a guided run.
    pub guided_valid: Option<Share>,
    /// The same in the cycle where it was highest.
    pub raw_valid_peak: Option<Share>,
    /// Validation accuracy of the candidates trained in the first cycle.
    pub accuracy_first: Option<Mean>,
    /// The same in the cycle where its mean was highest.
    pub accuracy_best: Option<Mean>,
    /// `accuracy_best` less `accuracy_first`, a difference of shares.
    pub gain: Option<f64>,
    /// Trained candidates at or over the threshold in the first cycle.
    pub over_threshold_first: Option<Share>,
    /// The same in the last cycle.
    pub over_threshold_last: Option<Share>,
    /// Validation accuracy of the candidates trained in the cycles of [`Comparison::common_cycles`].
    pub accuracy_common: Option<Mean>,
    /// Those of them at or over the threshold.
    pub over_threshold_common: Option<Share>,
    /// Candidates admitted up to the last of these cycles.
    pub admitted_until_common: Option<u64>,
    /// Accuracy of all that the model wrote in the first cycle, repetitions counted with what they repeat.
    pub written_first: Option<Mean>,
    /// The same in the cycle where it was highest.
    pub written_best: Option<Mean>,
    /// Of these at or over the threshold, in the cycle where that share was highest.
    pub written_over_best: Option<Share>,
    /// Candidates admitted.
    pub admitted: u64,
    /// The best validation accuracy.
    pub best: Option<f64>,
    /// The test accuracy of that candidate.
    pub best_test: Option<f64>,
    /// Tokens generated.
    pub tokens: u64,
    /// Wall-clock seconds of generation, training and fine-tuning for each admitted network.
    pub seconds_per_admitted: Option<f64>,
    /// Wall-clock seconds by the event log.
    pub wall_seconds: Option<f64>,
}

impl Comparison {
    /// Puts runs side by side. Each comes with the name to show.
    pub fn of(runs: &[(String, RunView)]) -> Comparison {
        let configs: Vec<BTreeMap<String, String>> = runs
            .iter()
            .map(|(_, view)| view.run.as_ref().map(|run| flat_toml(&run.config)).unwrap_or_default())
            .collect();
        let mut differences = BTreeMap::new();
        for key in configs.iter().flat_map(BTreeMap::keys) {
            let values: Vec<Option<String>> = configs.iter().map(|config| config.get(key).cloned()).collect();
            if values.windows(2).any(|pair| pair[0] != pair[1]) {
                differences.insert(key.clone(), values);
            }
        }
        let common_cycles = common(runs);
        let runs = runs.iter().map(|(name, view)| column(name, view, common_cycles.as_ref())).collect();
        Comparison { runs, differences, common_cycles }
    }

    /// A table for a terminal, one column a run.
    pub fn text(&self) -> String {
        let mut rows: Vec<Vec<String>> = vec![self.line("", |run| run.name.clone())];
        for (key, values) in &self.differences {
            let cells = values.iter().map(|value| value.clone().unwrap_or_else(|| "-".to_owned()));
            rows.push(std::iter::once(key.clone()).chain(cells).collect());
        }
        rows.push(self.line("cycles", |run| run.cycles.to_string()));
        rows.push(self.line("raw valid", |run| share(Some(&run.raw_valid))));
        rows.push(self.line("guided valid", |run| share(run.guided_valid.as_ref())));
        rows.push(self.line("raw valid, best cycle", |run| share(run.raw_valid_peak.as_ref())));
        rows.push(self.line("mean accuracy, first cycle", |run| mean(run.accuracy_first.as_ref())));
        rows.push(self.line("mean accuracy, best cycle", |run| mean(run.accuracy_best.as_ref())));
        rows.push(
            self.line("gain", |run| run.gain.map_or("-".to_owned(), |gain| format!("{:+.1} points", gain * 100.0))),
        );
        rows.push(self.line("over threshold, first cycle", |run| share(run.over_threshold_first.as_ref())));
        rows.push(self.line("over threshold, last cycle", |run| share(run.over_threshold_last.as_ref())));
        if let Some((first, last)) = self.common_cycles.as_ref().map(|common| (common.start(), common.end())) {
            let cycles = format!("cycles {first} to {last}");
            rows.push(self.line(&format!("mean accuracy, {cycles}"), |run| mean(run.accuracy_common.as_ref())));
            rows.push(self.line(&format!("over threshold, {cycles}"), |run| share(run.over_threshold_common.as_ref())));
            rows.push(self.line(&format!("admitted up to cycle {last}"), |run| {
                run.admitted_until_common.map_or("-".to_owned(), |n| n.to_string())
            }));
        }
        rows.push(self.line("mean with repetitions, first cycle", |run| mean(run.written_first.as_ref())));
        rows.push(self.line("mean with repetitions, best cycle", |run| mean(run.written_best.as_ref())));
        rows.push(self.line("over threshold with them, best cycle", |run| share(run.written_over_best.as_ref())));
        rows.push(self.line("admitted", |run| run.admitted.to_string()));
        rows.push(
            self.line("best accuracy (test)", |run| format!("{} ({})", percent(run.best), percent(run.best_test))),
        );
        rows.push(self.line("tokens", |run| run.tokens.to_string()));
        rows.push(self.line("seconds per admitted", |run| number(run.seconds_per_admitted)));
        rows.push(self.line("wall seconds", |run| number(run.wall_seconds)));
        let columns = self.runs.len() + 1;
        let widths: Vec<usize> = (0..columns)
            .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for row in rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
            let _ = writeln!(out, "{}", cells.join("  ").trim_end());
        }
        out.push_str(
            "accuracy: validation, of the trained candidates; with repetitions: each counts with what it repeats; intervals: 95 %\n",
        );
        out
    }

    fn line(&self, label: &str, cell: impl Fn(&RunColumn) -> String) -> Vec<String> {
        std::iter::once(label.to_owned()).chain(self.runs.iter().map(cell)).collect()
    }
}

/// The cycles of [`Comparison::common_cycles`].
fn common(runs: &[(String, RunView)]) -> Option<RangeInclusive<u32>> {
    let finished = |view: &RunView| view.cycles.iter().filter(|c| c.complete).map(|c| c.cycle).collect::<BTreeSet<_>>();
    let all = runs.iter().map(|(_, view)| finished(view)).reduce(|all, one| &all & &one)?;
    let last = *all.last()?;
    let first = all.iter().rev().take(COMMON).next_back()?;
    Some(*first..=last)
}

fn column(name: &str, view: &RunView, common: Option<&RangeInclusive<u32>>) -> RunColumn {
    let done: Vec<&CycleView> = view.cycles.iter().filter(|cycle| cycle.complete).collect();
    let accuracies = || done.iter().filter_map(|cycle| cycle.accuracy);
    let accuracy_first = accuracies().next();
    // Of equal means the first: `max_by` would take the last.
    let better = |best: Mean, one: Mean| if one.mean > best.mean { one } else { best };
    let accuracy_best = accuracies().reduce(better);
    let written = || done.iter().filter_map(|cycle| cycle.written.accuracy);
    let larger = |best: Share, one: Share| if one.share > best.share { one } else { best };
    let measured = || done.iter().map(|cycle| cycle.over_threshold).filter(|share| share.total > 0);
    let best = view.best.first().and_then(|best| view.candidates.get(best.candidate));
    let among = |cycle: u32| common.is_some_and(|common| common.contains(&cycle));
    let trained = || view.candidates.iter().filter(|one| among(one.cycle)).filter_map(|one| one.accuracy_val);
    let over = || view.cycles.iter().filter(|cycle| among(cycle.cycle)).map(|cycle| cycle.over_threshold);
    let spent = view.totals.seconds;
    let seconds = spent.generation + spent.training + spent.sft;
    RunColumn {
        name: name.to_owned(),
        cycles: done.len(),
        raw_valid: view.totals.raw_valid,
        guided_valid: view.totals.guided_valid,
        raw_valid_peak: done.iter().map(|cycle| cycle.raw_valid).filter(|share| share.total > 0).reduce(larger),
        accuracy_first,
        accuracy_best,
        gain: accuracy_first.zip(accuracy_best).map(|(first, best)| best.mean - first.mean),
        over_threshold_first: measured().next(),
        over_threshold_last: measured().next_back(),
        accuracy_common: stats::mean(trained()),
        over_threshold_common: common
            .map(|_| Share::of(over().map(|share| share.count).sum(), over().map(|share| share.total).sum())),
        admitted_until_common: common
            .map(|common| view.cycles.iter().filter(|cycle| cycle.cycle <= *common.end()).map(|c| c.admitted).sum()),
        written_first: written().next(),
        written_best: written().reduce(better),
        written_over_best: done
            .iter()
            .map(|cycle| cycle.written.over_threshold)
            .filter(|share| share.total > 0)
            .reduce(larger),
        admitted: view.totals.admitted,
        best: best.and_then(|one| one.accuracy_val),
        best_test: best.and_then(|one| one.accuracy_test),
        tokens: view.totals.tokens,
        seconds_per_admitted: (view.totals.admitted > 0).then(|| seconds / view.totals.admitted as f64),
        wall_seconds: view.wall_seconds,
    }
}

/// The cycles of runs as records for a spreadsheet, one a cycle, a head first. Shares and accuracies are 0–1; what is not
/// known is empty.
pub fn cycle_records(runs: &[(String, RunView)]) -> Vec<Vec<String>> {
    let mut out = vec![cycle_head().split(',').map(str::to_owned).collect()];
    out.extend(runs.iter().flat_map(|(name, view)| cycle_rows(name, view)));
    out
}

/// The columns of [`cycle_rows`], with commas between them.
pub(crate) fn cycle_head() -> &'static str {
    "run,cycle,raw,raw_valid,raw_valid_low,raw_valid_high,guided,guided_valid,guided_valid_low,guided_valid_high,repaired,\
                repaired_valid,trained,accuracy_mean,accuracy_low,accuracy_high,accuracy_best,over_threshold,written,written_accuracy_mean,written_over_threshold,admitted,topped_up,\
                novelty_median,sft_pairs,sft_loss_before,sft_loss_after,tokens,generation_seconds,training_seconds,sft_seconds"
}

/// A row for each cycle of a run.
pub(crate) fn cycle_rows(name: &str, view: &RunView) -> Vec<Vec<String>> {
    view.cycles
        .iter()
        .map(|cycle| {
            let accuracy = cycle.accuracy;
            let sft = cycle.sft.as_ref();
            let guided = cycle.guided_valid.as_ref();
            vec![
                name.to_owned(),
                cycle.cycle.to_string(),
                cycle.raw_valid.total.to_string(),
                cycle.raw_valid.count.to_string(),
                cell(cycle.raw_valid.low),
                cell(cycle.raw_valid.high),
                guided.map(|g| g.total.to_string()).unwrap_or_default(),
                guided.map(|g| g.count.to_string()).unwrap_or_default(),
                cell(guided.and_then(|g| g.low)),
                cell(guided.and_then(|g| g.high)),
                cycle.repaired_valid.total.to_string(),
                cycle.repaired_valid.count.to_string(),
                cycle.trained.to_string(),
                cell(accuracy.map(|a| a.mean)),
                cell(accuracy.and_then(|a| a.low)),
                cell(accuracy.and_then(|a| a.high)),
                cell(cycle.best),
                cell(cycle.over_threshold.share),
                cycle.written.over_threshold.total.to_string(),
                cell(cycle.written.accuracy.map(|a| a.mean)),
                cell(cycle.written.over_threshold.share),
                cycle.admitted.to_string(),
                cycle.topped_up.to_string(),
                cell(cycle.novelty.map(|spread| spread.median)),
                sft.map(|sft| sft.pairs.to_string()).unwrap_or_default(),
                cell(sft.and_then(|sft| sft.loss_before)),
                cell(sft.and_then(|sft| sft.loss_after)),
                cycle.tokens.to_string(),
                cell(Some(cycle.seconds.generation)),
                cell(Some(cycle.seconds.training)),
                cell(Some(cycle.seconds.sft)),
            ]
        })
        .collect()
}

/// A number as a cell.
pub(crate) fn cell(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// `key = value` lines of a flat TOML text, as `table.key`. The configuration of a run is written by this program: no
/// nesting beyond tables, no multi-line values that matter here.
fn flat_toml(text: &str) -> BTreeMap<String, String> {
    let mut table = String::new();
    let mut found = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = format!("{name}.");
        } else if let Some((key, value)) = line.split_once('=') {
            found.insert(format!("{table}{}", key.trim()), value.trim().trim_matches('"').to_owned());
        }
    }
    found
}

fn percent(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{:.1} %", value * 100.0))
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.0}"))
}

fn share(share: Option<&Share>) -> String {
    match share.and_then(|s| Some((s, s.share?, s.low?, s.high?))) {
        Some((s, value, low, high)) => {
            format!("{}/{} {:.1} % [{:.0}–{:.0}]", s.count, s.total, value * 100.0, low * 100.0, high * 100.0)
        }
        None => "-".to_owned(),
    }
}

fn mean(mean: Option<&Mean>) -> String {
    match mean {
        Some(Mean { mean, low: Some(low), high: Some(high), .. }) => {
            format!("{:.1} % [{:.1}–{:.1}]", mean * 100.0, low * 100.0, high * 100.0)
        }
        Some(Mean { mean, .. }) => format!("{:.1} %", mean * 100.0),
        None => "-".to_owned(),
    }
}
