//! What a run has come to and how long it will take, as a few lines that stay in their place on a terminal.
//!
//! [`Progress`] takes events and gives lines; it knows no terminal and no clock, so that what it says can be tested.

use archsmith_archive::{CandidateRecord, Event, Stage};
use archsmith_ir::summary::grouped;
use archsmith_search::Config;
use std::collections::{BTreeMap, VecDeque};

/// Results that a speed is the mean of.
const RECENT: usize = 64;
/// Candidates named as being in training.
const NAMED: usize = 3;

/// What of a run is known so far.
#[derive(Debug)]
pub(super) struct Progress {
    cycles: u32,
    candidates: u32,
    images: f64,
    /// Milliseconds since the Unix epoch at which this session began.
    started_ms: u64,
    cycle: u32,
    cycle_started_ms: u64,
    phase: Phase,
    /// Seconds of each cycle that ended in this session.
    cycle_seconds: Vec<f64>,
    funnel: Funnel,
    best: Option<(f64, String, Option<u64>)>,
    /// Candidates in training, by id, with their parameters.
    training: BTreeMap<String, u64>,
    /// Tokens and seconds of the latest texts, and seconds of the latest trainings.
    tokens: VecDeque<(u32, f64)>,
    trained_seconds: VecDeque<f64>,
    /// Texts written, and candidates finished and begun in training in this cycle.
    written: u32,
    finished: u32,
    begun: u32,
    sft: Option<(u64, u64, Option<f64>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Writing,
    Judging,
    Training,
    Learning,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Funnel {
    judged: u32,
    valid: u32,
    novel: u32,
    trained: u32,
    admitted: u32,
}

impl Funnel {
    fn add(&mut self, stage: Stage, admitted: bool) {
        self.judged += 1;
        self.valid += u32::from(stage.is_valid());
        self.novel += u32::from(stage > Stage::Duplicate);
        self.trained += u32::from(stage == Stage::Trained);
        self.admitted += u32::from(admitted);
    }
}

impl Progress {
    /// Of a run that goes on from these candidates; `images`: how many one training sees, all epochs together.
    pub(super) fn new(config: &Config, known: &[CandidateRecord], images: u64, now_ms: u64) -> Progress {
        let mut progress = Progress {
            cycles: config.run.cycles,
            candidates: config.run.candidates,
            images: images as f64,
            started_ms: now_ms,
            cycle: 0,
            cycle_started_ms: now_ms,
            phase: Phase::Writing,
            cycle_seconds: Vec::new(),
            funnel: Funnel::default(),
            best: None,
            training: BTreeMap::new(),
            tokens: VecDeque::new(),
            trained_seconds: VecDeque::new(),
            written: 0,
            finished: 0,
            begun: 0,
            sft: None,
        };
        for one in known {
            progress.funnel.add(one.verdict.stage(), one.admitted);
            let accuracy = one.metrics.as_ref().map(|m| m.accuracy_val);
            progress.offer(accuracy, one.cycle, one.index, one.params);
        }
        progress
    }

    fn offer(&mut self, accuracy: Option<f64>, cycle: u32, index: u32, params: Option<u64>) {
        let Some(accuracy) = accuracy.filter(|a| a.is_finite()) else { return };
        if self.best.as_ref().is_none_or(|(best, ..)| accuracy > *best) {
            self.best = Some((accuracy, format!("{cycle}.{index:02}"), params));
        }
    }

    /// Takes what happened.
    pub(super) fn apply(&mut self, event: &Event, now_ms: u64) {
        match event {
            Event::CycleStarted { cycle, .. } => {
                (self.cycle, self.cycle_started_ms, self.phase) = (*cycle, now_ms, Phase::Writing);
                (self.written, self.finished, self.begun, self.sft) = (0, 0, 0, None);
            }
            Event::Generated { tokens, seconds, .. } => {
                self.phase = Phase::Writing;
                self.written += 1;
                push_recent(&mut self.tokens, (*tokens, *seconds));
            }
            Event::TrainingStarted { id, params } => {
                self.phase = Phase::Training;
                self.begun += 1;
                self.training.insert(id.clone(), *params);
            }
            Event::RungFinished { .. } => self.phase = Phase::Training,
            Event::CandidateFinished { id, cycle, index, verdict, accuracy_val, admitted, seconds, .. } => {
                let params = self.training.remove(id);
                if self.phase == Phase::Writing {
                    self.phase = Phase::Judging;
                }
                self.finished += 1;
                if let Some(stage) = Stage::from_code(verdict) {
                    self.funnel.add(stage, *admitted);
                    if stage == Stage::Trained && *seconds > 0.0 {
                        push_recent(&mut self.trained_seconds, *seconds);
                    }
                }
                self.offer(*accuracy_val, *cycle, *index, params);
            }
            Event::SftStarted { steps, .. } => {
                self.phase = Phase::Learning;
                self.sft = Some((0, *steps, None));
            }
            Event::SftStep { step, loss, .. } => {
                let steps = self.sft.map_or(*step, |(_, steps, _)| steps);
                self.sft = Some((*step, steps, *loss));
            }
            Event::CycleFinished { seconds, .. } => {
                self.cycle_seconds.push(*seconds);
                self.training.clear();
            }
            Event::RunStarted { .. }
            | Event::RunResumed { .. }
            | Event::Interrupted { .. }
            | Event::RunFinished { .. }
            | Event::Warning { .. } => {}
        }
    }

    /// Seconds until the end, from the cycles of this session; `None` before the first has ended.
    fn seconds_left(&self, now_ms: u64) -> Option<f64> {
        if self.cycle_seconds.is_empty() {
            return None;
        }
        let mean = self.cycle_seconds.iter().sum::<f64>() / self.cycle_seconds.len() as f64;
        let within = seconds_between(self.cycle_started_ms, now_ms);
        let to_come = self.cycles.saturating_sub(self.cycle + 1);
        Some(mean * f64::from(to_come) + (mean - within).max(0.0))
    }

    /// What is shown, a line each, without colours.
    pub(super) fn lines(&self, now_ms: u64) -> Vec<String> {
        let left = self
            .seconds_left(now_ms)
            .map_or("time left known after a cycle".to_string(), |left| format!("about {} left", duration(left)));
        let elapsed = duration(seconds_between(self.started_ms, now_ms));
        let phase = match (self.phase, self.sft) {
            (Phase::Writing, _) => format!("writing {} of {}", self.written, self.candidates),
            (Phase::Judging, _) => format!("judging, {} decided", self.finished),
            (Phase::Training, _) => format!("training {} of {}", self.begun - self.training.len() as u32, self.begun),
            (Phase::Learning, Some((step, steps, loss))) => {
                let loss = loss.map_or(String::new(), |loss| format!(", loss {loss:.3}"));
                format!("learning, step {step} of {steps}{loss}")
            }
            (Phase::Learning, None) => "learning".to_string(),
        };
        let f = &self.funnel;
        let best = match &self.best {
            None => "–".to_string(),
            Some((accuracy, place, params)) => {
                let size = params.map_or(String::new(), |p| format!(", {} parameters", grouped(p)));
                format!("{:.1} % on validation, candidate {place}{size}", 100.0 * accuracy)
            }
        };
        let tokens: f64 = self.tokens.iter().map(|(tokens, _)| f64::from(*tokens)).sum();
        let writing: f64 = self.tokens.iter().map(|(_, seconds)| seconds).sum();
        let training: f64 = self.trained_seconds.iter().sum();
        let speed = |amount: f64, seconds: f64, unit: &str| match seconds > 0.0 {
            true => format!("{} {unit}", grouped((amount / seconds).round() as u64)),
            false => format!("– {unit}"),
        };
        let images = self.images * self.trained_seconds.len() as f64;
        let mut named: Vec<String> =
            self.training.values().take(NAMED).map(|params| format!("{} parameters", grouped(*params))).collect();
        if self.training.len() > NAMED {
            named.push(format!("{} more", self.training.len() - NAMED));
        }
        let now = if named.is_empty() { "–".to_string() } else { named.join(", ") };
        vec![
            format!("cycle {} of {}: {phase}; {elapsed} so far, {left}", self.cycle + 1, self.cycles),
            format!(
                "  funnel    {} judged, {} valid, {} new, {} trained, {} admitted",
                f.judged, f.valid, f.novel, f.trained, f.admitted
            ),
            format!("  best      {best}"),
            format!("  to train  {now}"),
            format!(
                "  speed     {}, {} a worker",
                speed(tokens, writing, "tokens/s"),
                speed(images, training, "img/s")
            ),
        ]
    }
}

/// Adds a value and forgets what is no longer recent.
fn push_recent<T>(values: &mut VecDeque<T>, value: T) {
    values.push_back(value);
    if values.len() > RECENT {
        values.pop_front();
    }
}

/// Seconds between two readings of a clock that may have been set back.
fn seconds_between(from_ms: u64, to_ms: u64) -> f64 {
    to_ms.saturating_sub(from_ms) as f64 / 1000.0
}

/// `42 s`, `3:07 min`, `2:07 h`.
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        let settings = ["run.cycles=4", "run.candidates=10"].map(String::from);
        let config = match Config::resolve("smoke", None, &settings) {
            Ok(config) => config,
            Err(e) => panic!("{e}"),
        };
        Progress::new(&config, &[], 1000, 0)
    }

    fn finished(id: &str, index: u32, verdict: &str, accuracy: Option<f64>) -> Event {
        Event::CandidateFinished {
            id: id.into(),
            cycle: 0,
            index,
            verdict: verdict.into(),
            accuracy_val: accuracy,
            novelty: None,
            admitted: accuracy.is_some_and(|a| a > 0.5),
            seconds: if accuracy.is_some() { 2.0 } else { 0.0 },
        }
    }

    #[test]
    fn it_follows_a_cycle() {
        let mut p = progress();
        p.apply(&Event::CycleStarted { cycle: 0, candidates: 10 }, 0);
        for index in 0..3 {
            p.apply(&Event::Generated { cycle: 0, index, tokens: 100, seconds: 0.5 }, 100);
        }
        let lines = p.lines(61_000);
        assert!(lines[0].starts_with("cycle 1 of 4: writing 3 of 10; 1:01 min so far, time left known"), "{lines:?}");
        assert!(lines[4].contains("200 tokens/s") && lines[4].contains("– img/s"), "{lines:?}");
        p.apply(&finished("a", 0, "unparsed", None), 200);
        p.apply(&finished("b", 1, "duplicate", None), 200);
        assert!(p.lines(300)[0].contains("judging, 2 decided"));
        for id in ["c", "d", "e", "f", "g"] {
            p.apply(&Event::TrainingStarted { id: id.into(), params: 12_345 }, 300);
        }
        p.apply(&finished("c", 2, "trained", Some(0.61)), 400);
        p.apply(&finished("d", 3, "diverged", None), 400);
        let lines = p.lines(500);
        assert!(lines[0].contains("training 2 of 5"), "{lines:?}");
        assert_eq!(lines[1].trim(), "funnel    4 judged, 3 valid, 2 new, 1 trained, 1 admitted");
        assert!(lines[2].contains("61.0 % on validation, candidate 0.02, 12,345 parameters"), "{lines:?}");
        assert_eq!(lines[3].matches("12,345 parameters").count(), 3, "{lines:?}");
        assert!(lines[4].contains("500 img/s"), "{lines:?}");
    }

    #[test]
    fn time_left_comes_from_cycles_of_this_session() {
        let mut p = progress();
        p.apply(&Event::CycleStarted { cycle: 1, candidates: 10 }, 0);
        let end = |cycle, seconds| Event::CycleFinished {
            cycle,
            candidates: 10,
            valid: 1,
            admitted: 1,
            best_accuracy_val: None,
            seconds,
        };
        p.apply(&end(1, 100.0), 100_000);
        p.apply(&Event::CycleStarted { cycle: 2, candidates: 10 }, 100_000);
        assert_eq!(p.seconds_left(130_000), Some(170.0));
        assert_eq!(p.seconds_left(900_000), Some(100.0), "a cycle that takes longer is never below nothing");
        assert_eq!(p.seconds_left(0), Some(200.0), "a clock that was set back");
        assert!(p.lines(130_000)[0].contains("about 2:50 min left"));
    }

    #[test]
    fn learning_says_its_step() {
        let mut p = progress();
        p.apply(&Event::SftStarted { cycle: 0, pairs: 4, steps: 12 }, 0);
        p.apply(&Event::SftStep { cycle: 0, step: 5, loss: Some(0.25) }, 0);
        assert!(p.lines(0)[0].contains("learning, step 5 of 12, loss 0.250"));
    }
}
