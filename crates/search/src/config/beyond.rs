//! The sections of what goes beyond the published protocol: each is off where it is left out.

use super::{ConfigError, check, share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How networks are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SelectBy {
    /// Those that no other one beats in accuracy, parameters, multiply-adds and activation memory at once, front by front.
    Pareto,
    /// The best of each kind: size, depth, and what its layers are joined by.
    MapElites,
}

/// Which of the admitted networks the model learns from, is shown as examples, or mutates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// How they are chosen.
    pub by: SelectBy,
    /// At most so many; 0: the whole first front, or the best of every kind.
    #[serde(default)]
    pub keep: usize,
}

/// Training on shares of the training images before training in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// The shares, rising. Each is trained from the beginning.
    #[serde(default = "Halving::rungs")]
    pub rungs: Vec<f64>,
    /// Share of the candidates that goes on from each.
    #[serde(default = "half")]
    pub keep: f64,
}

impl Halving {
    fn rungs() -> Vec<f64> {
        vec![0.125, 0.375]
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let rises = self.rungs.windows(2).all(|pair| pair[0] < pair[1]);
        check(
            rises && self.rungs.iter().all(|share| *share > 0.0 && *share < 1.0),
            "halving.rungs",
            format!("{:?}", self.rungs),
            "shares between 0 and 1, rising; all images come by themselves after the last",
        )?;
        check(self.keep > 0.0 && self.keep <= 1.0, "halving.keep", self.keep, "above 0, at most 1")
    }
}

fn half() -> f64 {
    0.5
}

/// A ridge regression from features of the network to the validation accuracy, on all candidates of earlier cycles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predictor {
    /// It says nothing before it knows so many trained candidates.
    #[serde(default = "Predictor::min_known")]
    pub min_known: usize,
    /// Share of a cycle's candidates that is not trained, the worst by what they promise; 0: training is only ordered.
    #[serde(default = "half")]
    pub prune: f64,
    /// Share of these that is trained all the same, to measure the predictor's mistakes.
    #[serde(default = "Predictor::audit")]
    pub audit: f64,
    /// Weight of the penalty on squared weights, in candidates.
    #[serde(default = "Predictor::ridge")]
    pub ridge: f64,
    /// Whether its features are not those of the graph alone but zero-cost proxies too: what one batch tells of each candidate's
    /// initial weights.
    #[serde(default)]
    pub proxies: bool,
}

impl Predictor {
    fn min_known() -> usize {
        30
    }

    fn audit() -> f64 {
        0.2
    }

    fn ridge() -> f64 {
        5.0
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        check(self.min_known >= 2, "predictor.min_known", self.min_known, "at least 2")?;
        check(share(self.prune), "predictor.prune", self.prune, "a share between 0 and 1")?;
        check(share(self.audit), "predictor.audit", self.audit, "a share between 0 and 1")?;
        check(self.ridge >= 0.0, "predictor.ridge", self.ridge, "not negative")
    }
}
