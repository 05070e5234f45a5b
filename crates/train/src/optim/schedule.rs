//! Learning-rate schedules with PyTorch's meaning.
//!
//! All but one are functions of the number of steps, in closed form; [`Rates`] holds what the other, `ReduceLROnPlateau`, has
//! seen so far.

use archsmith_ir::recipe::{Schedule, ScheduleKind};
use std::f64::consts::PI;

/// The rate of a step by a recipe.
#[derive(Clone, Debug)]
pub struct Rates {
    base: f64,
    schedule: Option<Schedule>,
    plateau: Plateau,
}

impl Rates {
    /// From a base learning rate.
    pub fn new(base: f64, schedule: Option<Schedule>) -> Self {
        Rates { base, schedule, plateau: Plateau { lr: base, best: None, bad: 0, cooling: 0 } }
    }

    /// The learning rate after `batches` batches and `epochs` whole epochs.
    pub fn at(&self, batches: u64, epochs: u64) -> f64 {
        match &self.schedule {
            Some(Schedule { kind: ScheduleKind::Plateau { .. }, .. }) => self.plateau.lr,
            _ => scheduled(self.base, self.schedule.as_ref(), batches, epochs),
        }
    }

    /// The momentum then, where the schedule moves it too.
    pub fn momentum(&self, batches: u64, epochs: u64) -> Option<f64> {
        match &self.schedule {
            Some(Schedule { kind: kind @ ScheduleKind::OneCycle { momentum: Some(_), .. }, per_batch }) => {
                Some(one_cycle(kind, if *per_batch { batches } else { epochs }).1)
            }
            _ => None,
        }
    }

    /// Tells loss and accuracy of a batch that was trained on, or (`epoch`) their means over an epoch.
    pub fn observe(&mut self, epoch: bool, loss: f64, accuracy: f64) {
        if let Some(Schedule { kind: kind @ ScheduleKind::Plateau { max, .. }, per_batch }) = &self.schedule
            && *per_batch != epoch
        {
            self.plateau.observe(kind, if *max { accuracy } else { loss });
        }
    }
}

/// What `ReduceLROnPlateau` remembers.
#[derive(Clone, Debug)]
struct Plateau {
    lr: f64,
    best: Option<f64>,
    bad: u64,
    cooling: u64,
}

impl Plateau {
    fn observe(&mut self, schedule: &ScheduleKind, value: f64) {
        let ScheduleKind::Plateau { max, factor, patience, threshold, relative, cooldown, min_lr, eps } = *schedule
        else {
            return;
        };
        let better = self.best.is_none_or(|best| match (max, relative) {
            (false, true) => value < best * (1.0 - threshold),
            (false, false) => value < best - threshold,
            (true, true) => value > best * (1.0 + threshold),
            (true, false) => value > best + threshold,
        });
        if better {
            self.best = Some(value);
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.bad = 0;
        }
        if self.bad > patience {
            let lower = (self.lr * factor).max(min_lr);
            if self.lr - lower > eps {
                self.lr = lower;
            }
            self.cooling = cooldown;
            self.bad = 0;
        }
    }
}

/// The learning rate after `batches` batches and `epochs` whole epochs; of `ReduceLROnPlateau`, the rate before it has seen
/// anything.
pub fn scheduled(base: f64, schedule: Option<&Schedule>, batches: u64, epochs: u64) -> f64 {
    let Some(schedule) = schedule else { return base };
    let t = if schedule.per_batch { batches } else { epochs };
    match &schedule.kind {
        ScheduleKind::Step { step_size, gamma } => base * gamma.powf((t / (*step_size).max(1)) as f64),
        ScheduleKind::MultiStep { milestones, gamma } => {
            base * gamma.powf(milestones.iter().filter(|&&m| m <= t).count() as f64)
        }
        ScheduleKind::Exponential { gamma } => base * gamma.powf(t as f64),
        // The closed form of SGDR (Loshchilov and Hutter 2017), periodic as PyTorch's recursion is.
        ScheduleKind::Cosine { t_max, eta_min } => half_cosine(base, *eta_min, t as f64 / t_max),
        ScheduleKind::WarmRestarts { t_0, t_mult, eta_min } => {
            let (mut t, mut period) = (t, (*t_0).max(1));
            if *t_mult <= 1 {
                t %= period;
            }
            while t >= period {
                t -= period;
                period = period.saturating_mul(*t_mult);
            }
            half_cosine(base, *eta_min, t as f64 / period as f64)
        }
        ScheduleKind::Linear { start_factor, end_factor, total_iters } => {
            base * (start_factor + (end_factor - start_factor) * share(t, *total_iters))
        }
        ScheduleKind::Constant { factor, total_iters } => {
            if t < *total_iters {
                base * factor
            } else {
                base
            }
        }
        ScheduleKind::Polynomial { total_iters, power } => base * (1.0 - share(t, *total_iters)).powf(*power),
        ScheduleKind::OneCycle { .. } => one_cycle(&schedule.kind, t).0,
        ScheduleKind::Plateau { .. } => base,
    }
}

/// How much of `all` is done.
fn share(t: u64, all: u64) -> f64 {
    if t >= all { 1.0 } else { t as f64 / all as f64 }
}

/// From `from` at phase 0 to `to` at phase 1.
fn half_cosine(from: f64, to: f64, phase: f64) -> f64 {
    to + (from - to) * (1.0 + (PI * phase).cos()) / 2.0
}

/// Learning rate and momentum of a cycle (Smith and Topin 2018); after its end, those of the end.
fn one_cycle(schedule: &ScheduleKind, t: u64) -> (f64, f64) {
    let ScheduleKind::OneCycle {
        max_lr,
        total_steps,
        pct_start,
        linear,
        div_factor,
        final_div_factor,
        three_phase,
        momentum,
        ..
    } = *schedule
    else {
        return (0.0, 0.0);
    };
    let (low, high) = momentum.unwrap_or_default();
    let all = total_steps.max(1) as f64;
    let start = max_lr / div_factor;
    let end = start / final_div_factor;
    let climb = (pct_start * all - 1.0, (start, high), (max_lr, low));
    let phases = match three_phase {
        false => vec![climb, (all - 1.0, (max_lr, low), (end, high))],
        true => vec![
            climb,
            (2.0 * pct_start * all - 2.0, (max_lr, low), (start, high)),
            (all - 1.0, (start, high), (end, high)),
        ],
    };
    let t = (t as f64).min(all - 1.0);
    let last = phases.len() - 1;
    let mut before = 0.0;
    for (i, (until, from, to)) in phases.into_iter().enumerate() {
        if t <= until || i == last {
            let phase = if until > before { (t - before) / (until - before) } else { 1.0 };
            let between = |a: f64, b: f64| if linear { a + (b - a) * phase } else { half_cosine(a, b, phase) };
            return (between(from.0, to.0), between(from.1, to.1));
        }
        before = until;
    }
    (end, high)
}
