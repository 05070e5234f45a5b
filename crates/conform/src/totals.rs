//! Verdicts counted, by family and over all.

use crate::verdict::Verdict;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is counted, in order of depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named as the fields of `Verdict`")]
pub enum Level {
    Typed,
    Params,
    State,
    OutShape,
    Macs,
    Logits,
    Loss,
    Grads,
    GradsRounded,
    RefusedRight,
}

impl Level {
    /// All of them.
    pub const ALL: [Level; 10] = [
        Level::Typed,
        Level::Params,
        Level::State,
        Level::OutShape,
        Level::Macs,
        Level::Logits,
        Level::Loss,
        Level::Grads,
        Level::GradsRounded,
        Level::RefusedRight,
    ];

    /// As it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Level::Typed => "typed",
            Level::Params => "params",
            Level::State => "state",
            Level::OutShape => "out_shape",
            Level::Macs => "macs",
            Level::Logits => "logits",
            Level::Loss => "loss",
            Level::Grads => "grads",
            Level::GradsRounded => "grads_rounded",
            Level::RefusedRight => "refused_right",
        }
    }

    /// What a verdict says of it.
    pub fn of(self, v: &Verdict) -> Option<bool> {
        match self {
            Level::Typed => v.typed,
            Level::Params => v.params,
            Level::State => v.state,
            Level::OutShape => v.out_shape,
            Level::Macs => v.macs,
            Level::Logits => v.logits,
            Level::Loss => v.loss,
            Level::Grads => v.grads,
            Level::GradsRounded => v.grads_rounded,
            Level::RefusedRight => v.refused_right,
        }
    }
}

/// How many of how many agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Those that agree.
    pub right: u64,
    /// Those that the level applies to, what was skipped left out.
    pub of: u64,
}

impl Tally {
    /// In percent; `None` of nothing.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| 100.0 * self.right as f64 / self.of as f64)
    }
}

/// The counts of one family, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Networks.
    pub networks: u64,
    /// Those where every level agrees.
    pub ok: u64,
    /// Those whose values were not computed, for the memory they would take.
    pub skipped: u64,
    /// Those that PyTorch accepts and we refused as their own fault.
    pub blamed: u64,
    /// By level.
    #[serde(flatten)]
    pub levels: BTreeMap<Level, Tally>,
}

impl Totals {
    /// Counts one more.
    pub fn add(&mut self, verdict: &Verdict) {
        self.networks += 1;
        self.ok += u64::from(verdict.ok);
        self.skipped += u64::from(verdict.skipped);
        self.blamed += u64::from(verdict.blamed);
        for level in Level::ALL {
            let tally = self.levels.entry(level).or_default();
            if let Some(right) = level.of(verdict) {
                tally.of += 1;
                tally.right += u64::from(right);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_apply_is_not_counted() {
        let mut totals = Totals::default();
        totals.add(&Verdict { ok: true, typed: Some(true), logits: None, ..Verdict::default() });
        totals.add(&Verdict { typed: Some(true), logits: Some(false), blamed: true, ..Verdict::default() });
        assert_eq!((totals.networks, totals.ok, totals.blamed), (2, 1, 1));
        assert_eq!(totals.levels[&Level::Typed], Tally { right: 2, of: 2 });
        assert_eq!(totals.levels[&Level::Logits], Tally { right: 0, of: 1 });
        assert_eq!(totals.levels[&Level::RefusedRight].percent(), None);
        let json = serde_json::to_value(&totals).unwrap();
        assert_eq!(json["typed"]["of"], 2);
    }
}
